#include "controlplane/sips_policy.h"

namespace weir::controlplane {

namespace settings = proto::settings;

bool is_sips(const sip::Message& request) {
  const std::optional<sip::Uri> uri = request.request_uri();
  return uri && uri->scheme == sip::Scheme::kSips;
}

std::optional<Refusal> check_sips(const settings::RealmSettings& realm, const Path& from, const sip::Message& request) {
  if (!wants_sips(realm)) return std::nullopt;
  if (!is_sips(request)) return Refusal{403, "the realm takes requests to SIPS URIs only"};
  if (!settings::is_secured(from.transport)) return Refusal{403, "a SIPS URI over a transport that is not secured"};
  return std::nullopt;
}

bool wants_sips(const settings::RealmSettings& realm) {
  return realm.policy.sips == settings::Sips::kRequire;
}

void secure(Target& target) {
  if (target.uri.scheme == sip::Scheme::kSip) target.uri.scheme = sip::Scheme::kSips;
}

sip::Uri next_hop(const Target& target) {
  sip::Uri next = target.routes.empty() ? target.uri : target.routes.front().uri;
  if (target.uri.scheme == sip::Scheme::kSips) next.scheme = sip::Scheme::kSips;
  return next;
}

void drop_unsecured(std::vector<Path>& ways) {
  std::erase_if(ways, [](const Path& way) { return !settings::is_secured(way.transport); });
}

EndCause no_way(const Destination& destination) {
  if (destination.sips) return {480, "there is no secured way to the target"};
  return {500, "there is no way to the route's target"};
}

}  // namespace weir::controlplane
