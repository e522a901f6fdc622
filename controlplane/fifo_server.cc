#include "controlplane/fifo_server.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>

#include "controlplane/log.h"
#include "controlplane/permission_report.h"

namespace weir::controlplane {

namespace asio = boost::asio;
namespace settings = proto::settings;
using boost::system::error_code;

namespace {

/// How often a reader of the answer is looked for.
constexpr auto kReaderPause = std::chrono::milliseconds(20);

proto::Result<uid_t> user_of(const std::string& name) {
  if (name.empty()) return static_cast<uid_t>(-1);
  const passwd* const entry = getpwnam(name.c_str());
  if (entry == nullptr) return proto::Error{"[control] fifo owner: there is no user '" + name + "'"};
  return entry->pw_uid;
}

proto::Result<gid_t> group_of(const std::string& name) {
  if (name.empty()) return static_cast<gid_t>(-1);
  const ::group* const entry = getgrnam(name.c_str());
  if (entry == nullptr) return proto::Error{"[control] fifo group: there is no group '" + name + "'"};
  return entry->gr_gid;
}

proto::Error refused(const std::string& path, Access access) {
  return proto::Error{"[control] fifo: " + explain_refusal(path, access, errno)};
}

/// A pipe with that mode, owner and group.
proto::Status make_pipe(const std::string& path, const settings::FifoSettings& wanted) {
  if (mkfifo(path.c_str(), 0600) != 0 && errno != EEXIST) return refused(path, Access::kWrite);
  struct stat status;
  if (lstat(path.c_str(), &status) != 0) return refused(path, Access::kRead);
  if (!S_ISFIFO(status.st_mode)) return proto::Error{"[control] fifo: " + path + " is there and is no named pipe"};
  const proto::Result<uid_t> user = user_of(wanted.owner);
  if (!user) return proto::Error{user.error()};
  const proto::Result<gid_t> group = group_of(wanted.group);
  if (!group) return proto::Error{group.error()};
  const bool as_wanted = (*user == static_cast<uid_t>(-1) || *user == status.st_uid) &&
                         (*group == static_cast<gid_t>(-1) || *group == status.st_gid);
  if (!as_wanted && lchown(path.c_str(), *user, *group) != 0) {
    return proto::Error{"[control] fifo: " + path + " cannot be given to owner '" + wanted.owner + "' and group '" +
                        wanted.group + "': " + std::strerror(errno) +
                        "; weir-control has no root any more: make the pipe beforehand (systemd-tmpfiles), or name a "
                        "group that its user is in"};
  }
  if ((status.st_mode & 0777) != wanted.mode && chmod(path.c_str(), wanted.mode) != 0) {
    return proto::Error{"[control] fifo: the mode of " + path + " cannot be changed: " + std::strerror(errno)};
  }
  return proto::success();
}

}  // namespace

/// Lives as long as an operation of it is pending.
struct FifoServer::State : std::enable_shared_from_this<State> {
  State(asio::io_context& io, std::string response, RpcHandler rpc)
      : requests(io), answers(io), patience(io), response_path(std::move(response)), handler(std::move(rpc)) {}

  void read() {
    asio::async_read_until(requests, asio::dynamic_buffer(input, kRequestBytesMax), '\n',
                           [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                             if (error == asio::error::not_found) return self->pass_over();
                             if (!error) self->answer(bytes);
                           });
  }

  /// The line is too long: it is no JSON, whatever its rest is.
  void pass_over() {
    input.clear();
    passing_over = true;
    read();
  }

  void answer(std::size_t bytes) {
    const std::string line = std::exchange(passing_over, false) ? "" : input.substr(0, bytes - 1);
    input.erase(0, bytes);
    answer_json_rpc(line, handler, [self = shared_from_this()](RpcAnswer text) { self->deliver(std::move(text)); });
  }

  void deliver(RpcAnswer text) {
    if (!requests.is_open()) return;
    if (!text) return read();
    output = *text + "\n";
    give_up_at = std::chrono::steady_clock::now() + std::chrono::seconds(kReaderSeconds);
    look_for_reader();
  }

  /// A pipe without reader cannot be opened for writing.
  void look_for_reader() {
    const int descriptor = ::open(response_path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (descriptor >= 0) return send(descriptor);
    const int error = errno;
    if (error != ENXIO || std::chrono::steady_clock::now() >= give_up_at) {
      const std::string reason =
          error == ENXIO ? "nobody reads it" : explain_refusal(response_path, Access::kWrite, error);
      log_event(LogLevel::kWarning, "control", {{"event", "an answer was thrown away"}, {"reason", reason}});
      return read();
    }
    patience.expires_after(kReaderPause);
    patience.async_wait([self = shared_from_this()](const error_code& failure) {
      if (!failure) self->look_for_reader();
    });
  }

  void send(int descriptor) {
    answers.assign(descriptor);
    patience.expires_at(give_up_at + std::chrono::seconds(kReaderSeconds));
    patience.async_wait([weak = weak_from_this()](const error_code& failure) {
      const std::shared_ptr<State> self = weak.lock();
      error_code ignored;
      if (!failure && self != nullptr) self->answers.close(ignored);
    });
    asio::async_write(answers, asio::buffer(output), [self = shared_from_this()](const error_code&, std::size_t) {
      self->patience.cancel();
      error_code ignored;
      self->answers.close(ignored);
      if (self->requests.is_open()) self->read();
    });
  }

  asio::posix::stream_descriptor requests;
  asio::posix::stream_descriptor answers;
  asio::steady_timer patience;
  std::string response_path;
  RpcHandler handler;
  std::string input;
  bool passing_over = false;  ///< the rest of a line that was too long
  std::string output;
  std::chrono::steady_clock::time_point give_up_at;
};

proto::Result<std::unique_ptr<FifoServer>> FifoServer::open(asio::io_context& io,
                                                            const settings::FifoSettings& settings,
                                                            RpcHandler handler) {
  for (const std::string& path : {settings.request, settings.response}) {
    if (proto::Status status = make_pipe(path, settings); !status) return proto::Error{status.error()};
  }
  // Open for writing too, so that it has no end when a writer leaves.
  const int descriptor = ::open(settings.request.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return refused(settings.request, Access::kRead);
  // A reader that leaves in the middle of an answer is an error of the write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  auto state = std::make_shared<State>(io, settings.response, std::move(handler));
  state->requests.assign(descriptor);
  state->read();
  return std::unique_ptr<FifoServer>(new FifoServer(std::move(state)));
}

FifoServer::~FifoServer() {
  error_code ignored;
  state_->requests.close(ignored);
  state_->answers.close(ignored);
  state_->patience.cancel();
}

}  // namespace weir::controlplane
