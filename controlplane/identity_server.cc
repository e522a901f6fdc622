#include "controlplane/identity_server.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <chrono>
#include <set>
#include <utility>

#include "controlplane/shard_clock.h"
#include "controlplane/sockets.h"
#include "controlplane/source_rates.h"
#include "controlplane/tls_context.h"

namespace weir::controlplane {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using proto::Error;
using proto::Result;
using proto::settings::IdentityServerSettings;

/// New connections of one source a second, for each that it may have at once: many share an address.
constexpr std::uint32_t kNewPerSecond = 4;

/// What connections need of the server, and may outlive it in.
struct IdentityServer::State {
  IdentityServerSettings settings;
  asio::ssl::context tls;
  UnixClock clock;
  IdentityChains chains{};
  Seats<Source> sources{};
  SourceRates rates{};
  std::set<Connection*> connections{};
};

/// One client: a handshake, a question, an answer. Lives as long as an operation of it is pending.
class IdentityServer::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, std::shared_ptr<State> state, Seats<Source>::Seat seat)
      : deadline_(socket.get_executor()),
        stream_(std::move(socket), state->tls),
        state_(std::move(state)),
        seat_(std::move(seat)) {
    state_->connections.insert(this);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { state_->connections.erase(this); }

  void serve() {
    deadline_.expires_after(std::chrono::milliseconds(kConnectionMs));
    deadline_.async_wait([weak = weak_from_this()](const error_code& error) {
      const std::shared_ptr<Connection> self = weak.lock();
      if (!error && self != nullptr) self->close();
    });
    stream_.async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](const error_code& error) {
      if (!error) self->read();
    });
  }

  void close() {
    error_code ignored;
    stream_.lowest_layer().close(ignored);
  }

 private:
  void read() {
    parser_.header_limit(kHeadBytesMax);
    // What follows the head is no part of any question that is answered here.
    http::async_read_header(
        stream_, buffer_, parser_, [self = shared_from_this()](const error_code& error, std::size_t) {
          if (!error) return self->answer(self->state_->chains.answer(self->parser_.get(), self->state_->clock()));
          if (error == http::error::header_limit || error == http::error::buffer_overflow) {
            return self->answer(refuse_page(http::status::request_header_fields_too_large));
          }
          // Who has just gone gets no answer; who wrote something else than a question does.
          if (error.category() == http::make_error_code(http::error::bad_method).category() &&
              error != http::error::end_of_stream && error != http::error::partial_message) {
            self->answer(refuse_page(http::status::bad_request));
          }
        });
  }

  void answer(PageAnswer answer) {
    answer_ = std::move(answer);
    const std::array<asio::const_buffer, 2> bytes{
        asio::buffer(answer_.head), answer_.body == nullptr ? asio::const_buffer() : asio::buffer(*answer_.body)};
    asio::async_write(stream_, bytes, [self = shared_from_this()](const error_code& error, std::size_t) {
      if (!error) self->end();
    });
  }

  /// The peer ends too, or the deadline does it for it: closed at once, what it has still written would be answered
  /// with a reset, which may overtake our answer.
  void end() {
    stream_.async_shutdown([self = shared_from_this()](const error_code&) {});
  }

  asio::steady_timer deadline_;
  asio::ssl::stream<tcp::socket> stream_;
  std::shared_ptr<State> state_;
  Seats<Source>::Seat seat_;
  boost::beast::flat_buffer buffer_{2 * kHeadBytesMax};
  http::request_parser<http::empty_body> parser_;
  PageAnswer answer_;
};

Result<SslContextHandle> load_identity_server_tls(const IdentityServerSettings& settings,
                                                  const proto::settings::TlsSettings& tls, const std::string& user) {
  Result<SslContextHandle> context = make_tls_context(TLS_server_method(), "", tls);
  if (!context) return Error{context.error()};
  const Result<OwnCertificate> own = load_own_certificate(settings.certificate, user);
  if (!own) return Error{own.error()};
  const proto::Status shown = show(context->get(), own.value(), settings.certificate.chain);
  if (!shown) return Error{shown.error()};
  return context;
}

Result<std::unique_ptr<IdentityServer>> IdentityServer::listen(asio::io_context& io,
                                                               const IdentityServerSettings& settings,
                                                               SslContextHandle tls, UnixClock clock) {
  std::unique_ptr<IdentityServer> server(new IdentityServer(io, settings, std::move(tls), std::move(clock)));
  if (proto::Status status = server->bind(settings.listen.value()); !status) return Error{status.error()};
  server->accept();
  return server;
}

IdentityServer::IdentityServer(asio::io_context& io, const IdentityServerSettings& settings, SslContextHandle tls,
                               UnixClock clock)
    : state_(new State{settings, asio::ssl::context(tls.release()), std::move(clock)}), acceptor_(io), pause_(io) {}

IdentityServer::~IdentityServer() {
  for (Connection* connection : state_->connections) connection->close();
}

proto::Status IdentityServer::bind(const proto::Endpoint& local) {
  const error_code error = listen_at(acceptor_, local);
  if (!error) return proto::success();
  return Error{"cannot listen at " + proto::to_string(local) +
               " for those who fetch our certificates: " + error.message()};
}

void IdentityServer::use(const IdentityKeys& keys) {
  state_->chains.add(keys, state_->clock());
}

void IdentityServer::use(SslContextHandle tls) {
  state_->tls = asio::ssl::context(tls.release());
}

proto::Endpoint IdentityServer::local() const {
  return from_asio(acceptor_.local_endpoint());
}

void IdentityServer::accept() {
  acceptor_.async_accept([this, weak = std::weak_ptr(self_)](const error_code& error, tcp::socket socket) {
    if (weak.expired()) return;
    if (!error) {
      admit(std::move(socket));
      return accept();
    }
    // Out of descriptors, say: waiting is the only cure, and spinning none.
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait([this, weak](const error_code&) {
      if (!weak.expired()) accept();
    });
  });
}

/// One too many, or too soon, is closed without a word: a handshake is what costs.
void IdentityServer::admit(tcp::socket socket) {
  error_code error;
  const proto::Endpoint peer = from_asio(socket.remote_endpoint(error));
  if (error || state_->connections.size() >= state_->settings.connections_max) return;
  const Source source = source_of(peer.address);
  const std::uint32_t most = state_->settings.connections_per_source_max;
  auto seat = state_->sources.take(source, most);
  if (seat && state_->rates.take(clock_ns(), source, kNewPerSecond * most))
    std::make_shared<Connection>(std::move(socket), state_, std::move(*seat))->serve();
}

}  // namespace weir::controlplane
