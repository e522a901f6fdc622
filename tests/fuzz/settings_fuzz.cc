// Any text is either settings or mistakes; settings without mistakes hold what the rest of Weir relies on.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/assert.h"
#include "proto/limits.h"
#include "proto/settings/settings.h"
#include "proto/settings/users.h"

using namespace weir::proto;

namespace {

void check_network(const settings::NetworkSettings& network) {
  WEIR_ASSERT(network.port_first % 2 == 0 && network.port_last % 2 == 1 && network.port_first < network.port_last);
  WEIR_ASSERT(network.prefix_bits >= 1 && network.prefix_bits <= (network.address.family == Family::kIpv4 ? 30 : 128));
}

bool has_realm(const settings::Settings& settings, const std::string& name) {
  return std::any_of(settings.realms.begin(), settings.realms.end(), [&](const auto& r) { return r.name == name; });
}

void check_policy(const settings::RealmPolicy& policy) {
  WEIR_ASSERT(!policy.media.keying.empty());
  WEIR_ASSERT(policy.session.min_s >= 90);
  WEIR_ASSERT(policy.session.expires_s == 0 || policy.session.expires_s >= policy.session.min_s);
}

void check_trunk(const settings::Settings& settings, const settings::TrunkSettings& trunk) {
  WEIR_ASSERT(!trunk.targets.empty() && has_realm(settings, trunk.realm));
  if (!trunk.credentials) return;
  WEIR_ASSERT(trunk.credentials->password.empty() != trunk.credentials->password_file.empty());
}

void check_route(const settings::Settings& settings, const settings::RouteSettings& route) {
  const auto is_trunk = [&](const settings::TrunkSettings& trunk) { return trunk.name == route.trunk; };
  const bool to_trunk = std::any_of(settings.trunks.begin(), settings.trunks.end(), is_trunk);
  WEIR_ASSERT(has_realm(settings, route.realm) && (to_trunk || has_realm(settings, route.to_realm)));
  WEIR_ASSERT((to_trunk ? 1 : 0) + (route.target.empty() ? 0 : 1) + (route.registrar ? 1 : 0) == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  settings::read_users({reinterpret_cast<const char*>(data), size}, {});
  const settings::Reading reading = settings::read_settings({reinterpret_cast<const char*>(data), size});
  settings::to_string("file", reading.mistakes);
  if (!reading.mistakes.empty()) return 0;
  const settings::Settings& settings = reading.settings;
  WEIR_ASSERT(!settings.networks.empty() && settings.networks.size() <= kNetworksMax);
  for (const settings::NetworkSettings& network : settings.networks) check_network(network);
  for (const settings::RealmSettings& realm : settings.realms) check_policy(realm.policy);
  for (const settings::TrunkSettings& trunk : settings.trunks) check_trunk(settings, trunk);
  for (const settings::RouteSettings& route : settings.routes) check_route(settings, route);
  return 0;
}
