#include "controlplane/ares_resolver.h"

#include <sys/time.h>

#include <chrono>

namespace weir::controlplane {

namespace asio = boost::asio;
using boost::system::error_code;
using Descriptor = asio::posix::stream_descriptor;

namespace {

constexpr int kClassInternet = 1;

struct Question {
  std::string name;
  DnsType type;
  Resolver::Answered answered;
};

DnsAnswer read_answer(const Question& question, int status, const unsigned char* bytes, int length) {
  DnsAnswer nothing;
  nothing.status = DnsStatus::kNothing;
  switch (status) {
    case ARES_SUCCESS:
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
      if (bytes == nullptr) return nothing;
      return read_dns_answer({bytes, static_cast<std::size_t>(length)}, question.name, question.type);
    case ARES_ESERVFAIL:
    case ARES_EFORMERR:
    case ARES_ENOTIMP:
    case ARES_EREFUSED:
      // Some servers say so of types they do not know.
      nothing.ttl_s = AresResolver::kRefusalSeconds;
      return nothing;
    default:
      return {};
  }
}

void on_answer(void* argument, int status, int, unsigned char* bytes, int length) {
  const std::unique_ptr<Question> question(static_cast<Question*>(argument));
  if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) return;
  question->answered(read_answer(*question, status, bytes, length));
}

}  // namespace

proto::Result<std::unique_ptr<AresResolver>> AresResolver::create(asio::io_context& io,
                                                                  const proto::settings::DnsSettings& settings) {
  static const int kLibrary = ares_library_init(ARES_LIB_INIT_ALL);
  if (kLibrary != ARES_SUCCESS) return proto::Error{std::string("c-ares: ") + ares_strerror(kLibrary)};
  std::unique_ptr<AresResolver> resolver(new AresResolver(io));
  char only_dns[] = "b";
  ares_options options{};
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  options.timeout = static_cast<int>(settings.timeout_ms);
  options.tries = static_cast<int>(settings.tries);
  options.lookups = only_dns;
  options.sock_state_cb = [](void* self, ares_socket_t socket, int reads, int writes) {
    static_cast<AresResolver*>(self)->on_socket(socket, reads != 0, writes != 0);
  };
  options.sock_state_cb_data = resolver.get();
  int status = ares_init_options(
      &resolver->channel_, &options,
      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
  std::string servers;
  for (const proto::Endpoint& server : settings.servers) {
    servers += (servers.empty() ? "" : ",") + proto::to_string(server);
  }
  if (status == ARES_SUCCESS && !servers.empty()) {
    status = ares_set_servers_ports_csv(resolver->channel_, servers.c_str());
  }
  if (status != ARES_SUCCESS) return proto::Error{std::string("cannot ask the DNS: ") + ares_strerror(status)};
  return resolver;
}

AresResolver::~AresResolver() {
  self_.reset();
  if (channel_ != nullptr) ares_destroy(channel_);
}

void AresResolver::query(const std::string& name, DnsType type, Answered answered) {
  auto question = std::make_unique<Question>(Question{name, type, std::move(answered)});
  Question& asked = *question;
  ares_query(channel_, asked.name.c_str(), kClassInternet, static_cast<int>(type), on_answer, question.release());
  set_timer();
}

/// c-ares opens a socket, changes what it wants of it, or (neither) is about to close it.
void AresResolver::on_socket(int socket, bool reads, bool writes) {
  auto known = sockets_.find(socket);
  if (!reads && !writes) {
    if (known == sockets_.end()) return;
    known->second->reads = known->second->writes = false;
    known->second->descriptor.release();  // c-ares closes it
    sockets_.erase(known);
    return;
  }
  if (known == sockets_.end()) {
    known = sockets_.emplace(socket, std::make_shared<Socket>(Socket{Descriptor(io_, socket)})).first;
  }
  const std::shared_ptr<Socket> state = known->second;
  state->reads = reads;
  state->writes = writes;
  if (reads) wait(state, true);
  if (writes) wait(state, false);
}

void AresResolver::wait(const std::shared_ptr<Socket>& socket, bool reading) {
  bool& awaited = reading ? socket->awaits_read : socket->awaits_write;
  if (awaited) return;
  awaited = true;
  const int number = socket->descriptor.native_handle();
  socket->descriptor.async_wait(reading ? Descriptor::wait_read : Descriptor::wait_write,
                                [weak = std::weak_ptr(self_), socket, number, reading](const error_code& error) {
                                  (reading ? socket->awaits_read : socket->awaits_write) = false;
                                  const auto self = weak.lock();
                                  if (error || self == nullptr || !(reading ? socket->reads : socket->writes)) return;
                                  AresResolver& resolver = **self;
                                  ares_process_fd(resolver.channel_, reading ? number : ARES_SOCKET_BAD,
                                                  reading ? ARES_SOCKET_BAD : number);
                                  if (reading ? socket->reads : socket->writes) resolver.wait(socket, reading);
                                  resolver.set_timer();
                                });
}

void AresResolver::set_timer() {
  timeval left{};
  if (ares_timeout(channel_, nullptr, &left) == nullptr) return;
  timer_.expires_after(std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec));
  timer_.async_wait([weak = std::weak_ptr(self_)](const error_code& error) {
    const auto self = weak.lock();
    if (error || self == nullptr) return;
    ares_process_fd((*self)->channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    (*self)->set_timer();
  });
}

}  // namespace weir::controlplane
