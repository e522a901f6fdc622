// A small HTTPS server: our own certificate chains, for those who verify what we sign. GET and HEAD, one question a
// connection. RFC 9110, RFC 9112, RFC 8226 section 8 (certificates are fetched by HTTPS).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>

#include "controlplane/certificate_cache.h"
#include "controlplane/identity_chains.h"
#include "controlplane/openssl_handles.h"
#include "controlplane/seats.h"
#include "controlplane/source.h"
#include "proto/result.h"
#include "proto/settings/identity_settings.h"
#include "proto/settings/transport_settings.h"

namespace weir::controlplane {

/// The server's TLS: reads its chain and key; blocks while it does. Errors: TlsRealm's.
proto::Result<SslContextHandle> load_identity_server_tls(const proto::settings::IdentityServerSettings& settings,
                                                         const proto::settings::TlsSettings& tls,
                                                         const std::string& user);

class IdentityServer {
 public:
  /// Of a request's head.
  static constexpr std::size_t kHeadBytesMax = 4096;
  /// A connection's whole life: handshake, question and answer.
  static constexpr std::uint32_t kConnectionMs = 5000;

  /// Listens at settings.listen, which is set. Errors: it cannot; `io` outlives the server.
  static proto::Result<std::unique_ptr<IdentityServer>> listen(boost::asio::io_context& io,
                                                               const proto::settings::IdentityServerSettings& settings,
                                                               SslContextHandle tls, UnixClock clock);
  IdentityServer(const IdentityServer&) = delete;
  IdentityServer& operator=(const IdentityServer&) = delete;
  /// Stops listening; connections end.
  ~IdentityServer();

  /// These chains too from now on.
  void use(const IdentityKeys& keys);
  /// For connections to come.
  void use(SslContextHandle tls);

  /// Where it listens; the port is the system's choice if the settings say 0.
  [[nodiscard]] proto::Endpoint local() const;

 private:
  class Connection;
  struct State;

  IdentityServer(boost::asio::io_context& io, const proto::settings::IdentityServerSettings& settings,
                 SslContextHandle tls, UnixClock clock);
  proto::Status bind(const proto::Endpoint& local);
  void accept();
  void admit(boost::asio::ip::tcp::socket socket);

  std::shared_ptr<State> state_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  std::shared_ptr<IdentityServer*> self_ = std::make_shared<IdentityServer*>(this);  ///< handlers ask whether we live
};

}  // namespace weir::controlplane
