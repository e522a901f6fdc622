#include "controlplane/admin_server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <utility>

namespace weir::controlplane {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;
using boost::system::error_code;

struct AdminServer::State {
  RpcHandler handler;
  std::size_t connections = 0;
};

/// One client: reads a line, answers, reads the next. Lives as long as an operation of it is pending.
class AdminServer::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Protocol::socket socket, std::shared_ptr<State> state)
      : socket_(std::move(socket)), idle_(socket_.get_executor()), state_(std::move(state)) {
    ++state_->connections;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { --state_->connections; }

  void read() {
    arm_idle();
    asio::async_read_until(socket_, asio::dynamic_buffer(input_, kAdminRequestBytesMax), '\n',
                           [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                             self->idle_.cancel();
                             if (!error) self->answer(bytes);
                           });
  }

 private:
  void answer(std::size_t bytes) {
    const std::string line = input_.substr(0, bytes - 1);
    input_.erase(0, bytes);
    answer_json_rpc(line, state_->handler,
                    [self = shared_from_this()](RpcAnswer answer) { self->write(std::move(answer)); });
  }

  void write(RpcAnswer answer) {
    if (!answer) return read();
    output_ = *answer + "\n";
    arm_idle();
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                        self->idle_.cancel();
                        if (!error) self->read();
                      });
  }

  void arm_idle() {
    idle_.expires_after(std::chrono::seconds(kAdminIdleSeconds));
    idle_.async_wait([weak = weak_from_this()](const error_code& error) {
      const std::shared_ptr<Connection> self = weak.lock();
      error_code ignored;
      if (!error && self != nullptr) self->socket_.close(ignored);
    });
  }

  Protocol::socket socket_;
  asio::steady_timer idle_;
  std::shared_ptr<State> state_;
  std::string input_;
  std::string output_;
};

proto::Result<std::unique_ptr<AdminServer>> AdminServer::listen(asio::io_context& io, const std::string& path,
                                                                RpcHandler handler) {
  error_code error;
  Protocol::socket probe(io);
  probe.connect(Protocol::endpoint(path), error);
  if (!error) return proto::Error{"another process answers at " + path + ": stop it, or give this one another socket"};
  std::unique_ptr<AdminServer> server(new AdminServer(io, path, std::move(handler)));
  struct stat status;
  if (lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) unlink(path.c_str());
  server->acceptor_.open(Protocol(), error);
  if (!error) {
    const mode_t before = umask(0117);  // 0660 from the first moment
    server->acceptor_.bind(Protocol::endpoint(path), error);
    umask(before);
  }
  if (!error) server->acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    server->path_.clear();  // not ours to remove
    return proto::Error{"cannot listen at " + path + ": " + error.message()};
  }
  server->accept();
  return server;
}

AdminServer::AdminServer(asio::io_context& io, std::string path, RpcHandler handler)
    : state_(std::make_shared<State>(State{std::move(handler)})), acceptor_(io), path_(std::move(path)) {}

AdminServer::~AdminServer() {
  error_code ignored;
  acceptor_.close(ignored);
  if (!path_.empty()) unlink(path_.c_str());
}

void AdminServer::accept() {
  acceptor_.async_accept([this](const error_code& error, Protocol::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error && state_->connections < kAdminConnectionsMax) {
      std::make_shared<Connection>(std::move(socket), state_)->read();
    }
    accept();
  });
}

}  // namespace weir::controlplane
