#include "proto/settings/check.h"

#include <algorithm>
#include <string>

#include "proto/limits.h"

namespace weir::proto::settings {

namespace {

/// Do two addresses of one family agree in their first bits?
bool agree(const IpAddress& a, const IpAddress& b, unsigned bits) {
  if (a.family != b.family) return false;
  const unsigned whole = bits / 8;
  if (!std::equal(a.bytes.begin(), a.bytes.begin() + whole, b.bytes.begin())) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || (a.bytes[whole] ^ b.bytes[whole]) >> (8 - rest) == 0;
}

bool contains(const NetworkSettings& network, const IpAddress& address) {
  return agree(network.address, address, network.prefix_bits);
}

/// fe80::/10: on every link, whatever its prefix.
bool is_link_local(const IpAddress& address) {
  return address.family == Family::kIpv6 && address.bytes[0] == 0xfe && address.bytes[1] >> 6 == 2;
}

bool overlap(const NetworkSettings& a, const NetworkSettings& b) {
  return agree(a.address, b.address, std::min(a.prefix_bits, b.prefix_bits));
}

/// One port and one VLAN: what arrives there is told apart by the media address.
bool share_link(const NetworkSettings& a, const NetworkSettings& b) {
  return a.device == b.device && a.vlan == b.vlan;
}

/// RFC 1122 section 3.2.1.3. Of IPv6: not multicast, nor in ::/64, where what is no host's address lies (RFC 4291).
bool is_host(const NetworkSettings& network) {
  const IpAddress& address = network.address;
  if (address.family == Family::kIpv6) {
    const bool reserved = std::all_of(address.bytes.begin(), address.bytes.begin() + 8, [](auto b) { return b == 0; });
    return address.bytes[0] != 0xff && !reserved && !is_link_local(address);
  }
  const std::uint32_t hosts = (std::uint32_t{1} << (32 - network.prefix_bits)) - 1;
  const std::uint32_t host = address.ipv4() & hosts;
  return host != 0 && host != hosts;
}

void check_gateways(const NetworkSettings& network, std::uint32_t line, std::vector<Mistake>& mistakes) {
  const std::string name = "network '" + network.name + "': ";
  for (std::size_t i = 0; i < network.gateways.size(); ++i) {
    const IpAddress& gateway = network.gateways[i];
    const bool reachable = network.address.family == gateway.family && is_link_local(gateway);
    if (!reachable && !contains(network, gateway)) {
      mistakes.push_back({line, name + "the gateway is not inside the network"});
    }
    if (gateway == network.address) mistakes.push_back({line, name + "the gateway is the media address itself"});
    if (std::count(network.gateways.begin(), network.gateways.begin() + static_cast<std::ptrdiff_t>(i), gateway) != 0) {
      mistakes.push_back({line, name + "gateway " + to_string(gateway) + " is named twice"});
    }
  }
}

void check_network(const NetworkSettings& network, std::uint32_t line, std::vector<Mistake>& mistakes) {
  if (network.address.family == Family::kNone) return;  // a mistake already
  const std::string name = "network '" + network.name + "': ";
  if (!is_host(network)) {
    const bool ipv4 = network.address.family == Family::kIpv4;
    mistakes.push_back({line, name + (ipv4 ? "the address is the network's own or its broadcast address"
                                           : "the address is no global address of one host")});
  }
  check_gateways(network, line, mistakes);
  if (network.neighbours.size() > kStaticNeighboursMax) {
    mistakes.push_back({line, name + "more than " + std::to_string(kStaticNeighboursMax) + " neighbours"});
  }
  for (std::size_t i = 0; i < network.neighbours.size(); ++i) {
    const IpAddress& address = network.neighbours[i].address;
    const bool reachable = network.address.family == address.family && is_link_local(address);
    if (!reachable && !contains(network, address)) {
      mistakes.push_back({line, name + "neighbour " + to_string(address) + " is not inside the network"});
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (network.neighbours[j].address == address) {
        mistakes.push_back({line, name + "neighbour " + to_string(address) + " is named twice"});
      }
    }
  }
}

/// What DPDK knows a device by: a PCI address, or a virtual device without its arguments.
std::string device_name(const NetworkSettings& network) {
  return network.device.substr(0, network.device.find(','));
}

/// Networks may share a device, even a VLAN of it, as long as an address says which one is meant. `both`: how a mistake
/// begins.
void check_neighbouring(const NetworkSettings& other, const NetworkSettings& network, const std::string& both,
                        std::uint32_t line, std::vector<Mistake>& mistakes) {
  if (network.address.family != Family::kNone && other.address == network.address) {
    mistakes.push_back({line, both + "have one address, " + to_string(network.address)});
  } else if (network.address.family != Family::kNone && overlap(other, network) && !share_link(other, network)) {
    mistakes.push_back({line, both + "overlap"});
  }
  if (other.device != network.device && !network.device.empty() && device_name(other) == device_name(network)) {
    mistakes.push_back({line, both + "write one device differently, " + device_name(network)});
  }
}

void check_networks(const Settings& settings, const Lines& lines, std::vector<Mistake>& mistakes) {
  if (settings.networks.empty()) mistakes.push_back({0, "there is no [[network]]"});
  if (settings.networks.size() > kNetworksMax) {
    mistakes.push_back({lines.networks[kNetworksMax], "at most " + std::to_string(kNetworksMax) + " networks"});
  }
  for (std::size_t i = 0; i < settings.networks.size(); ++i) {
    const NetworkSettings& network = settings.networks[i];
    check_network(network, lines.networks[i], mistakes);
    for (std::size_t j = 0; j < i; ++j) {
      const NetworkSettings& other = settings.networks[j];
      const std::string both = "networks '" + other.name + "' and '" + network.name + "' ";
      if (!network.name.empty() && other.name == network.name)
        mistakes.push_back({lines.networks[i], both + "have one name"});
      check_neighbouring(other, network, both, lines.networks[i], mistakes);
    }
  }
}

const NetworkSettings* find_network(const Settings& settings, const std::string& name) {
  const auto found = std::find_if(settings.networks.begin(), settings.networks.end(),
                                  [&](const NetworkSettings& network) { return network.name == name; });
  return found == settings.networks.end() ? nullptr : &*found;
}

/// ICE's candidates of both families have one port.
void check_common_ports(const RealmSettings& realm, const std::vector<const NetworkSettings*>& networks,
                        std::uint32_t line, std::vector<Mistake>& mistakes) {
  if (realm.policy.media.ice == Ice::kOff || networks.size() != 2) return;
  const auto& [one, other] = std::pair(networks[0], networks[1]);
  if (std::max(one->port_first, other->port_first) < std::min(one->port_last, other->port_last)) return;
  mistakes.push_back({line, "realm '" + realm.name + "' speaks ICE: its networks need ports that both have"});
}

/// A realm has one network, or one of each family: which one a leg takes, its peer's family says.
void check_realm_networks(const Settings& settings, const RealmSettings& realm, std::uint32_t line,
                          std::vector<Mistake>& mistakes) {
  std::vector<const NetworkSettings*> networks;
  for (const std::string& name : realm.networks) {
    const NetworkSettings* network = find_network(settings, name);
    if (network == nullptr) {
      mistakes.push_back({line, "there is no network '" + name + "'"});
      continue;
    }
    const auto is_like = [&](const NetworkSettings* other) { return other->address.family == network->address.family; };
    if (std::any_of(networks.begin(), networks.end(), is_like)) {
      mistakes.push_back({line, "realm '" + realm.name + "' has two networks of one family"});
    }
    networks.push_back(network);
  }
  check_common_ports(realm, networks, line, mistakes);
}

void check_listener(const Settings& settings, std::size_t realm, std::size_t listener, const Lines& lines,
                    std::vector<Mistake>& mistakes) {
  const ListenerSettings& mine = settings.realms[realm].listeners[listener];
  const std::string where = to_string(mine.local);
  for (const NetworkSettings& network : settings.networks) {
    if (network.address != mine.local.address) continue;
    mistakes.push_back({lines.realms[realm], where + " is the media address of network '" + network.name +
                                                 "', which the kernel does not have"});
  }
  for (std::size_t r = 0; r <= realm; ++r) {
    const std::vector<ListenerSettings>& others = settings.realms[r].listeners;
    const std::size_t end = r == realm ? listener : others.size();
    for (std::size_t i = 0; i < end; ++i) {
      const bool both_streams = mine.transport != SipTransport::kUdp && others[i].transport != SipTransport::kUdp;
      if (others[i].local != mine.local || (others[i].transport != mine.transport && !both_streams)) continue;
      // Realms can share a TLS listener: the name that a client asks for (SNI) says which one it means.
      if (others[i].transport == mine.transport && is_secured(mine.transport) && r != realm) continue;
      return mistakes.push_back({lines.realms[realm], where + " is listened on twice"});
    }
  }
}

void check_realm_tls(const RealmSettings& realm, std::uint32_t line, std::vector<Mistake>& mistakes) {
  const bool listens = std::any_of(realm.listeners.begin(), realm.listeners.end(),
                                   [](const ListenerSettings& listener) { return is_secured(listener.transport); });
  if (listens && realm.tls.certificates.empty()) {
    mistakes.push_back({line, "realm '" + realm.name + "' listens for TLS and has no [realm.tls] certificates"});
  }
}

void check_realm_page(const RealmSettings& realm, std::uint32_t line, std::vector<Mistake>& mistakes) {
  const bool shown = std::any_of(realm.listeners.begin(), realm.listeners.end(), [&](const ListenerSettings& listener) {
    return shows_page(realm.websocket, listener);
  });
  if (realm.websocket.page.empty() || shown) return;
  mistakes.push_back({line, "realm '" + realm.name +
                                "' has a page that nobody can ask for: it needs a wss: listener, or page_in_clear"});
}

void check_realm_codecs(const Settings& settings, const RealmSettings& realm, std::uint32_t line,
                        std::vector<Mistake>& mistakes) {
  if (!realm.policy.media.codecs.transcode || !settings.media.transcode_cores.empty()) return;
  mistakes.push_back({line, "realm '" + realm.name + "' transcodes, and [media] transcode_cores names no core for it"});
}

/// A cookie is a password to whoever sees it, and goes with whatever page a browser shows.
void check_realm_cookie(const RealmSettings& realm, std::uint32_t line, std::vector<Mistake>& mistakes) {
  if (realm.websocket.cookie.name.empty()) return;
  const auto& origins = realm.websocket.origins;
  if (std::find(origins.begin(), origins.end(), "*") != origins.end()) {
    mistakes.push_back({line, "realm '" + realm.name +
                                  "' has a cookie and takes pages of any origin: any page could use a visitor's"});
  }
  const bool in_clear = std::any_of(realm.listeners.begin(), realm.listeners.end(),
                                    [](const ListenerSettings& one) { return one.transport == SipTransport::kWs; });
  if (in_clear)
    mistakes.push_back({line, "realm '" + realm.name + "' has a cookie, which its ws: listener would carry in clear"});
  if (!realm.registrar.domains.empty() && !realm.registrar.auth) {
    mistakes.push_back({line, "realm '" + realm.name +
                                  "' has a cookie and auth = false: without one anybody could register as anybody"});
  }
}

void check_realm_sips(const RealmSettings& realm, std::uint32_t line, std::vector<Mistake>& mistakes) {
  if (realm.policy.sips != Sips::kRequire) return;
  const bool listens = std::any_of(realm.listeners.begin(), realm.listeners.end(),
                                   [](const ListenerSettings& one) { return is_secured(one.transport); });
  if (!listens)
    mistakes.push_back({line, "realm '" + realm.name + "' has sips = \"require\" and no tls or wss listener"});
}

void check_realms(const Settings& settings, const Lines& lines, std::vector<Mistake>& mistakes) {
  if (settings.realms.empty()) mistakes.push_back({0, "there is no [[realm]]: SIP would be spoken nowhere"});
  for (std::size_t i = 0; i < settings.realms.size(); ++i) {
    const RealmSettings& realm = settings.realms[i];
    check_realm_networks(settings, realm, lines.realms[i], mistakes);
    for (std::size_t j = 0; j < i; ++j) {
      if (realm.name.empty() || settings.realms[j].name != realm.name) continue;
      mistakes.push_back({lines.realms[i], "there are two realms '" + realm.name + "'"});
    }
    for (std::size_t j = 0; j < realm.listeners.size(); ++j) check_listener(settings, i, j, lines, mistakes);
    check_realm_tls(realm, lines.realms[i], mistakes);
    check_realm_page(realm, lines.realms[i], mistakes);
    check_realm_codecs(settings, realm, lines.realms[i], mistakes);
    check_realm_cookie(realm, lines.realms[i], mistakes);
    check_realm_sips(realm, lines.realms[i], mistakes);
  }
}

}  // namespace

void check(const Settings& settings, const Lines& lines, std::vector<Mistake>& mistakes) {
  check_networks(settings, lines, mistakes);
  check_realms(settings, lines, mistakes);
  check_trunks(settings, mistakes);
  check_routes(settings, mistakes);
}

}  // namespace weir::proto::settings
