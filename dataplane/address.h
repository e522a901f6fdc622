// An IP address of either family as one number, for what is done a few times a second: next hops, neighbours, answers.
// IPv4 is mapped into IPv6 (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2), so that there is one way to compare, mask and
// look up. Packets in the fast path are compared as they lie in memory instead.
#pragma once

#include <cstdint>

#include "proto/inet.h"

namespace weir::dataplane {

/// In host order. The unspecified address, ::, stands for none, and so does IPv4's 0.0.0.0.
struct Address {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  static constexpr std::uint64_t kMapped = 0x0000ffff00000000;

  constexpr Address() = default;
  /// IPv4, in host order. Implicit: numbers are how IPv4 addresses are written down here.
  constexpr Address(std::uint32_t ipv4) : low(ipv4 == 0 ? 0 : kMapped | ipv4) {}
  constexpr Address(std::uint64_t high_half, std::uint64_t low_half) : high(high_half), low(low_half) {}
  explicit Address(const proto::IpAddress& address) {
    if (address.family == proto::Family::kIpv4) *this = Address(address.ipv4());
    if (address.family == proto::Family::kIpv6) *this = load_ipv6(address.bytes.data());
  }
  /// From an IPv6 header.
  static Address load_ipv6(const std::uint8_t* at) { return {proto::load_be64(at), proto::load_be64(at + 8)}; }

  friend constexpr bool operator==(const Address&, const Address&) = default;

  [[nodiscard]] constexpr bool is_none() const { return high == 0 && low == 0; }
  [[nodiscard]] constexpr bool is_ipv4() const { return high == 0 && (low >> 32) == kMapped >> 32; }
  [[nodiscard]] constexpr std::uint32_t ipv4() const { return static_cast<std::uint32_t>(low); }
  /// fe80::/10 (RFC 4291 section 2.5.6): on every link.
  [[nodiscard]] constexpr bool is_link_local() const { return high >> 54 == 0xfe80 >> 6; }

  void store_ipv6(std::uint8_t* at) const {
    proto::store_be64(at, high);
    proto::store_be64(at + 8, low);
  }
  [[nodiscard]] proto::IpAddress ip_address() const {
    if (is_ipv4()) return proto::IpAddress::from_ipv4(ipv4());
    proto::IpAddress address;
    address.family = proto::Family::kIpv6;
    store_ipv6(address.bytes.data());
    return address;
  }
};

/// ff02::1, every node of a link (RFC 4291 section 2.7.1).
inline constexpr Address kAllNodes{0xff02'0000'0000'0000, 1};

/// The group in which the owner of an IPv6 address listens for questions (RFC 4291 section 2.7.1).
constexpr Address solicited_node(const Address& address) {
  return {0xff02'0000'0000'0000, 0x0000'0001'ff00'0000 | (address.low & 0xff'ffff)};
}

/// The hardware address of an IPv6 multicast group (RFC 2464 section 7).
constexpr proto::MacAddress group_mac(const Address& group) {
  return {0x33,
          0x33,
          static_cast<std::uint8_t>(group.low >> 24),
          static_cast<std::uint8_t>(group.low >> 16),
          static_cast<std::uint8_t>(group.low >> 8),
          static_cast<std::uint8_t>(group.low)};
}

/// May this address be a single host's, anywhere? Not 0/8, 127/8, multicast or the last class (RFC 1122 section
/// 3.2.1.3, RFC 1112).
constexpr bool is_unicast(std::uint32_t ipv4) {
  const std::uint32_t first = ipv4 >> 24;
  return first != 0 && first != 127 && first < 224;
}

/// The same for either family. Of IPv6: not ff00::/8, nor anything in ::/64, where the unspecified address, loopback
/// and IPv4 in other clothes lie (RFC 4291 section 2.5).
constexpr bool is_unicast(const Address& address) {
  if (address.is_ipv4()) return is_unicast(address.ipv4());
  return address.high != 0 && address.high >> 56 != 0xff;
}

}  // namespace weir::dataplane
