#include "controlplane/own_addresses.h"

#include <algorithm>

namespace weir::controlplane {

namespace settings = proto::settings;

namespace {

bool is_broadcast_of(const settings::NetworkSettings& network, const proto::IpAddress& address) {
  if (address.family != proto::Family::kIpv4 || network.address.family != proto::Family::kIpv4) return false;
  if (network.prefix_bits >= 31) return false;  // RFC 3021: no broadcast address
  const std::uint32_t hosts = 0xffff'ffffu >> network.prefix_bits;
  const std::uint32_t prefix = network.address.ipv4() & ~hosts;
  return address.ipv4() == (prefix | hosts) || address.ipv4() == prefix;
}

bool listens_at(const settings::RealmSettings& realm, const proto::IpAddress& address) {
  return std::any_of(realm.listeners.begin(), realm.listeners.end(),
                     [&](const settings::ListenerSettings& listener) { return listener.local.address == address; });
}

}  // namespace

bool is_ours_or_everybodys(const settings::Settings& settings, const proto::IpAddress& address) {
  return std::any_of(settings.networks.begin(), settings.networks.end(),
                     [&](const settings::NetworkSettings& network) {
                       return network.address == address || is_broadcast_of(network, address);
                     }) ||
         std::any_of(settings.realms.begin(), settings.realms.end(),
                     [&](const settings::RealmSettings& realm) { return listens_at(realm, address); });
}

}  // namespace weir::controlplane
