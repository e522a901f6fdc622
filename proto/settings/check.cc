#include "proto/settings/check.h"

#include <re2/re2.h>

#include <algorithm>
#include <string>

#include "proto/limits.h"

namespace weir::proto::settings {

namespace {

std::uint32_t mask_of(std::uint8_t prefix_bits) {
  return prefix_bits == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix_bits);
}

bool contains(const NetworkSettings& network, const IpAddress& address) {
  return ((network.address.ipv4() ^ address.ipv4()) & mask_of(network.prefix_bits)) == 0;
}

bool overlap(const NetworkSettings& a, const NetworkSettings& b) {
  if (a.address.family == Family::kNone || b.address.family == Family::kNone) return false;
  return ((a.address.ipv4() ^ b.address.ipv4()) & mask_of(std::min(a.prefix_bits, b.prefix_bits))) == 0;
}

void check_network(const NetworkSettings& network, std::uint32_t line, std::vector<Mistake>& mistakes) {
  if (network.address.family == Family::kNone) return;  // a mistake already
  const std::string name = "network '" + network.name + "': ";
  const std::uint32_t host = network.address.ipv4() & ~mask_of(network.prefix_bits);
  if (host == 0 || host == ~mask_of(network.prefix_bits)) {
    mistakes.push_back({line, name + "the address is the network's own or its broadcast address"});
  }
  if (network.gateway && !contains(network, *network.gateway)) {
    mistakes.push_back({line, name + "the gateway is not inside the network"});
  }
  if (network.gateway == network.address) {
    mistakes.push_back({line, name + "the gateway is the media address itself"});
  }
  for (std::size_t i = 0; i < network.neighbours.size(); ++i) {
    const IpAddress& address = network.neighbours[i].address;
    if (!contains(network, address)) {
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
      if (overlap(other, network)) mistakes.push_back({lines.networks[i], both + "overlap"});
      if (!network.device.empty() && device_name(other) == device_name(network)) {
        mistakes.push_back({lines.networks[i], both + "have one device, " + device_name(network)});
      }
    }
  }
}

bool has_network(const Settings& settings, const std::string& name) {
  return std::any_of(settings.networks.begin(), settings.networks.end(),
                     [&](const NetworkSettings& network) { return network.name == name; });
}

bool has_realm(const Settings& settings, const std::string& name) {
  return std::any_of(settings.realms.begin(), settings.realms.end(),
                     [&](const RealmSettings& realm) { return realm.name == name; });
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
      if (others[i].transport != mine.transport || others[i].local != mine.local) continue;
      mistakes.push_back({lines.realms[realm], where + " is listened on twice"});
    }
  }
}

void check_realms(const Settings& settings, const Lines& lines, std::vector<Mistake>& mistakes) {
  if (settings.realms.empty()) mistakes.push_back({0, "there is no [[realm]]: SIP would be spoken nowhere"});
  for (std::size_t i = 0; i < settings.realms.size(); ++i) {
    const RealmSettings& realm = settings.realms[i];
    if (!realm.network.empty() && !has_network(settings, realm.network)) {
      mistakes.push_back({lines.realms[i], "there is no network '" + realm.network + "'"});
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (realm.name.empty() || settings.realms[j].name != realm.name) continue;
      mistakes.push_back({lines.realms[i], "there are two realms '" + realm.name + "'"});
    }
    for (std::size_t j = 0; j < realm.listeners.size(); ++j) check_listener(settings, i, j, lines, mistakes);
  }
}

void check_route(const Settings& settings, const RouteSettings& route, std::vector<Mistake>& mistakes) {
  for (const std::string* name : {&route.realm, &route.to_realm}) {
    if (!name->empty() && !has_realm(settings, *name)) {
      mistakes.push_back({route.line, "there is no realm '" + *name + "'"});
    }
  }
  if (route.pattern.empty() || route.target.empty()) return;
  const RE2 pattern(route.pattern, RE2::Quiet);
  std::string reason;
  if (!pattern.ok()) {
    mistakes.push_back({route.line, "match '" + route.pattern + "': " + pattern.error()});
  } else if (!pattern.CheckRewriteString(route.target, &reason)) {
    mistakes.push_back({route.line, "target '" + route.target + "': " + reason});
  }
  if (route.target.rfind("sip:", 0) != 0) {
    mistakes.push_back({route.line, "target '" + route.target + "' is no sip: URI"});
  }
}

}  // namespace

void check(const Settings& settings, const Lines& lines, std::vector<Mistake>& mistakes) {
  check_networks(settings, lines, mistakes);
  check_realms(settings, lines, mistakes);
  if (settings.routes.empty()) mistakes.push_back({0, "there is no [[route]]: every call would be answered 404"});
  for (const RouteSettings& route : settings.routes) check_route(settings, route, mistakes);
}

}  // namespace weir::proto::settings
