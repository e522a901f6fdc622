// Identity of a shard: it signs what goes out, checks what comes in, fetches others' certificates and serves our own.
// RFC 8224.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "controlplane/ares_resolver.h"
#include "controlplane/authentication_service.h"
#include "controlplane/dns_cache.h"
#include "controlplane/https_fetch.h"
#include "controlplane/identity_files.h"
#include "controlplane/identity_server.h"
#include "controlplane/identity_service.h"
#include "controlplane/verification_service.h"
#include "proto/result.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

/// What a fetched chain is, for the cache.
proto::Result<IdentityCertificates::Parsed> parse_certificate(const FetchResult& fetched);

class Identity : public IdentityService {
 public:
  /// Listens where [identity.server] says. `io` and `settings` outlive it. Errors: a name server, a file of
  /// authorities, an address that cannot be listened at.
  static proto::Result<std::unique_ptr<Identity>> create(boost::asio::io_context& io,
                                                         const proto::settings::Settings& settings,
                                                         IdentityFiles files);
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  /// From now on these; chains that were served go on being served.
  void use(IdentityFiles files);

  // IdentityService
  std::unique_ptr<IdentityQuery> verify(const sip::Message& request, std::uint32_t realm,
                                        proto::settings::IdentityUse use, const std::vector<sip::Fingerprint>& offered,
                                        Done done) override;
  void sign(sip::Message& request, std::uint32_t realm, const IdentityFacts& facts) override;

  /// For weirctl status.
  [[nodiscard]] boost::json::value view() const;

 private:
  Identity(const proto::settings::Settings& settings, std::unique_ptr<AresResolver> resolver);
  proto::Status start(boost::asio::io_context& io, IdentityFiles files);

  const proto::settings::Settings& settings_;
  std::unique_ptr<AresResolver> resolver_;
  DnsCache dns_;
  std::unique_ptr<HttpsFetcher> fetcher_;
  std::optional<IdentityCertificates> certificates_;
  std::optional<VerificationService> verification_;
  AuthenticationService authentication_;
  std::unique_ptr<IdentityServer> server_;  ///< null: none is configured
};

}  // namespace weir::controlplane
