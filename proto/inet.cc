#include "proto/inet.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdio>

namespace weir::proto {

Result<IpAddress> parse_ip_address(std::string_view text) {
  const std::string copy(text);
  IpAddress address;
  // inet_pton would stop at a NUL and not see what follows it.
  if (copy.find('\0') != std::string::npos) return Error{"an IP address holds no NUL"};
  if (inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) {
    address.family = Family::kIpv4;
    return address;
  }
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) {
    address.family = Family::kIpv6;
    return address;
  }
  return Error{"'" + copy + "' is not an IP address"};
}

bool is_host(const IpAddress& address) {
  const auto& bytes = address.bytes;
  switch (address.family) {
    case Family::kNone:
      return false;
    case Family::kIpv4:
      return bytes[0] != 0 && bytes[0] != 127 && bytes[0] < 224;
    case Family::kIpv6:
      break;
  }
  // ::, ::1, ::a.b.c.d and ::ffff:a.b.c.d begin with ten zero bytes; ff00::/8 is multicast (RFC 4291 section 2.4).
  return bytes[0] != 0xff &&
         std::any_of(bytes.begin(), bytes.begin() + 10, [](std::uint8_t byte) { return byte != 0; });
}

bool is_loopback(const IpAddress& address) {
  if (address.family == Family::kIpv4) return address.bytes[0] == 127;
  constexpr std::array<std::uint8_t, 16> kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return address.family == Family::kIpv6 && address.bytes == kLoopback;
}

namespace {

/// As inet_ntop writes it, without its printf: every message of a call has several.
std::string dotted(const IpAddress& address) {
  std::string text = std::to_string(address.bytes[0]);
  for (std::size_t i = 1; i < 4; ++i) {
    text += '.';
    text += std::to_string(address.bytes[i]);
  }
  return text;
}

}  // namespace

std::string to_string(const IpAddress& address) {
  if (address.family == Family::kNone) return "none";
  if (address.family == Family::kIpv4) return dotted(address);
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(AF_INET6, address.bytes.data(), text, sizeof text);
  return text;
}

std::string to_string(const Endpoint& endpoint) {
  const std::string host = to_string(endpoint.address);
  const std::string port = std::to_string(endpoint.port);
  return endpoint.address.family == Family::kIpv6 ? "[" + host + "]:" + port : host + ":" + port;
}

Result<MacAddress> parse_mac_address(std::string_view text) {
  const std::string copy(text);
  unsigned part[6];
  char rest = 0;
  if (copy.size() != 17 || std::sscanf(copy.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x%c", &part[0], &part[1], &part[2],
                                       &part[3], &part[4], &part[5], &rest) != 6) {
    return Error{"'" + copy + "' is not a MAC address like 02:00:00:00:00:01"};
  }
  MacAddress mac;
  for (std::size_t i = 0; i < mac.size(); ++i) mac[i] = static_cast<std::uint8_t>(part[i]);
  return mac;
}

std::string to_string(const MacAddress& mac) {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
  return text;
}

}  // namespace weir::proto
