#include "proto/inet.h"

#include <arpa/inet.h>

#include <cstdio>

namespace weir::proto {

IpAddress IpAddress::from_ipv4(std::uint32_t host_order) {
  IpAddress address;
  address.family = Family::kIpv4;
  store_be32(address.bytes.data(), host_order);
  return address;
}

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

std::string to_string(const IpAddress& address) {
  if (address.family == Family::kNone) return "none";
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(address.family == Family::kIpv4 ? AF_INET : AF_INET6, address.bytes.data(), text, sizeof text);
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

// The sum does not depend on byte order but for one swap at the end (RFC 1071 section 2), so words are added as they
// lie in memory, 64 bits at a time in two lanes whose carries have 32 bits of room.
std::uint64_t checksum_add(std::uint64_t sum, Bytes bytes) {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t even = 0;
  std::uint64_t odd = 0;
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    even += word & 0xffffffff;
    odd += word >> 32;
  }
  std::uint64_t tail = 0;
  if (left != 0) std::memcpy(&tail, at, left);
  even += (tail & 0xffffffff) + (tail >> 32);
  std::uint64_t native = (even & 0xffffffff) + (even >> 32) + (odd & 0xffffffff) + (odd >> 32);
  while (native >> 16 != 0) native = (native & 0xffff) + (native >> 16);
  return sum + __builtin_bswap16(static_cast<std::uint16_t>(native));
}

std::uint16_t checksum_fold(std::uint64_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::uint16_t ipv4_checksum(Bytes header) {
  return checksum_fold(checksum_add(0, header));
}

std::uint16_t udp_checksum(Bytes source, Bytes destination, Bytes udp) {
  std::uint64_t sum = checksum_add(0, source);
  sum = checksum_add(sum, destination);
  sum += kIpProtocolUdp;
  sum += udp.size();
  sum = checksum_add(sum, udp);
  const std::uint16_t checksum = checksum_fold(sum);
  return checksum == 0 ? 0xffff : checksum;
}

}  // namespace weir::proto
