#include "controlplane/identity.h"

#include <boost/json/object.hpp>
#include <ctime>
#include <utility>

#include "controlplane/shard_clock.h"

namespace weir::controlplane {

namespace settings = proto::settings;

namespace {

std::int64_t unix_s() {
  return std::int64_t{std::time(nullptr)};
}

/// Where SIP is spoken and where chains are served: nobody makes us ask ourselves.
std::vector<settings::AddressPrefix> own_addresses(const settings::Settings& settings) {
  std::vector<settings::AddressPrefix> own;
  const auto add = [&own](const proto::IpAddress& address) {
    own.push_back({address, address.family == proto::Family::kIpv6 ? proto::kIpv6Bits : proto::kIpv4Bits});
  };
  for (const settings::RealmSettings& realm : settings.realms) {
    for (const settings::ListenerSettings& listener : realm.listeners) add(listener.local.address);
  }
  if (settings.identity.server.listen) add(settings.identity.server.listen->address);
  for (const settings::NetworkSettings& network : settings.networks) add(network.address);
  return own;
}

}  // namespace

proto::Result<IdentityCertificates::Parsed> parse_certificate(const FetchResult& fetched) {
  auto chain = IdentityCertificate::read_chain(fetched.bytes);
  if (!chain) return proto::Error{chain.error()};
  const std::int64_t not_after_s = (*chain)->not_after_s();
  return IdentityCertificates::Parsed{std::move(chain).value(), not_after_s};
}

proto::Result<std::unique_ptr<Identity>> Identity::create(boost::asio::io_context& io,
                                                          const settings::Settings& settings, IdentityFiles files) {
  auto resolver = AresResolver::create(io, settings.dns);
  if (!resolver) return proto::Error{resolver.error()};
  std::unique_ptr<Identity> identity(new Identity(settings, std::move(resolver).value()));
  if (proto::Status status = identity->start(io, std::move(files)); !status) return proto::Error{status.error()};
  return identity;
}

Identity::Identity(const settings::Settings& settings, std::unique_ptr<AresResolver> resolver)
    : settings_(settings),
      resolver_(std::move(resolver)),
      dns_(*resolver_, settings.dns, clock_ns),
      authentication_(settings, unix_s) {}

proto::Status Identity::start(boost::asio::io_context& io, IdentityFiles files) {
  auto fetcher = HttpsFetcher::create(io, dns_, settings_.identity.fetch, settings_.tls, own_addresses(settings_));
  if (!fetcher) return proto::Error{fetcher.error()};
  fetcher_ = std::move(fetcher).value();
  certificates_.emplace(*fetcher_, settings_.identity.fetch, parse_certificate, clock_ns, unix_s);
  verification_.emplace(settings_, *certificates_, unix_s);
  if (settings_.identity.server.listen) {
    auto server = IdentityServer::listen(io, settings_.identity.server, std::move(files.server_tls), unix_s);
    if (!server) return proto::Error{server.error()};
    server_ = std::move(server).value();
  }
  use(std::move(files));
  return proto::success();
}

void Identity::use(IdentityFiles files) {
  if (server_ != nullptr) {
    server_->use(*files.keys);
    if (files.server_tls != nullptr) server_->use(std::move(files.server_tls));
  }
  authentication_.use(std::move(files.keys));
  verification_->use(std::move(files.anchors));
}

std::unique_ptr<IdentityQuery> Identity::verify(const sip::Message& request, std::uint32_t realm,
                                                settings::IdentityUse use, const std::vector<sip::Fingerprint>& offered,
                                                Done done) {
  return verification_->verify(request, realm, use, offered, std::move(done));
}

void Identity::sign(sip::Message& request, std::uint32_t realm, const IdentityFacts& facts) {
  authentication_.sign(request, realm, facts);
}

boost::json::value Identity::view() const {
  const VerificationCounters& checked = verification_->counters();
  const AuthenticationCounters& made = authentication_.counters();
  return boost::json::object{{"passed", checked.passed},
                             {"failed", checked.failed},
                             {"without", checked.none},
                             {"tokens_made", made.tokens},
                             {"not_signed", made.failed},
                             {"certificates_cached", certificates_->size()},
                             {"certificate_bytes", certificates_->bytes()}};
}

}  // namespace weir::controlplane
