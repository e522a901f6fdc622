// Addresses and the Ethernet, ARP, IPv4, IPv6, UDP and ICMP layouts.
// RFC 826 (ARP), RFC 791 (IPv4), RFC 8200 (IPv6), RFC 768 (UDP), RFC 792 (ICMP), RFC 4443 (ICMPv6).
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "proto/bytes.h"
#include "proto/result.h"

namespace weir::proto {

enum class Family : std::uint8_t { kNone = 0, kIpv4 = 4, kIpv6 = 6 };

/// An IP address. IPv4 lies in the first four bytes, network order; the rest is zero.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  Family family = Family::kNone;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;

  /// IPv4 address as a host-order integer; 0 for any other family.
  [[nodiscard]] std::uint32_t ipv4() const { return family == Family::kIpv4 ? load_be32(bytes.data()) : 0; }
  static IpAddress from_ipv4(std::uint32_t host_order) {
    IpAddress address;
    address.family = Family::kIpv4;
    store_be32(address.bytes.data(), host_order);
    return address;
  }
};
static_assert(sizeof(IpAddress) == 17);

inline constexpr std::uint8_t kIpv4Bits = 32;
inline constexpr std::uint8_t kIpv6Bits = 128;
/// Whether two addresses of one family have as many leading bits in common. `bits` <= kIpv4Bits or kIpv6Bits.
inline bool share_prefix(const IpAddress& a, const IpAddress& b, std::uint32_t bits) {
  if (a.family != b.family || a.family == Family::kNone) return false;
  const std::uint32_t whole = bits / 8;
  const auto differing = static_cast<std::uint8_t>(a.bytes[whole % 16] ^ b.bytes[whole % 16]);
  return std::memcmp(a.bytes.data(), b.bytes.data(), whole) == 0 &&
         (bits % 8 == 0 || static_cast<std::uint32_t>(std::countl_zero(differing)) >= bits % 8);
}

/// Whether the address is of one other host: not unspecified, loopback, multicast, broadcast or reserved (240.0.0.0/4),
/// nor an IPv4 address in IPv6's clothes, which would hide any of them (RFC 4291 section 2.5.5). What a peer says may
/// name anything: nothing is sent to where this is false.
bool is_host(const IpAddress& address);

/// 127.0.0.0/8 and ::1: this host itself, by a way that nobody else is on.
bool is_loopback(const IpAddress& address);

/// How many leading bits, in each family.
struct PrefixBits {
  std::uint8_t ipv4 = 0;
  std::uint8_t ipv6 = 0;

  [[nodiscard]] std::uint8_t of(Family family) const { return family == Family::kIpv6 ? ipv6 : ipv4; }
};

/// Address and UDP or TCP port. The port is in host order. No padding: compared and hashed as bytes.
struct Endpoint {
  IpAddress address;
  std::uint8_t reserved = 0;
  std::uint16_t port = 0;

  friend bool operator==(const Endpoint& a, const Endpoint& b) { return std::memcmp(&a, &b, sizeof a) == 0; }
  /// `address_be` as it lies in an IPv4 header. In three whole words: a copy made right afterwards need not wait.
  void set_ipv4(std::uint32_t address_be, std::uint16_t to_port) {
    const std::uint64_t words[2] = {address_be, 0};
    const std::uint32_t last = static_cast<std::uint32_t>(Family::kIpv4) | std::uint32_t{to_port} << 16;
    std::memcpy(address.bytes.data(), words, 8);
    std::memcpy(address.bytes.data() + 8, words + 1, 8);
    std::memcpy(&address.family, &last, 4);
  }
  /// The same of an IPv6 header's address.
  void set_ipv6(const std::uint8_t* address_be, std::uint16_t to_port) {
    const std::uint64_t words[2] = {load_native64(address_be), load_native64(address_be + 8)};
    const std::uint32_t last = static_cast<std::uint32_t>(Family::kIpv6) | std::uint32_t{to_port} << 16;
    std::memcpy(address.bytes.data(), words, 8);
    std::memcpy(address.bytes.data() + 8, words + 1, 8);
    std::memcpy(&address.family, &last, 4);
  }
};
static_assert(sizeof(Endpoint) == 20 && std::has_unique_object_representations_v<Endpoint>);

/// Parses "198.18.0.1" or "2001:2::1" (no brackets, no zone).
Result<IpAddress> parse_ip_address(std::string_view text);
std::string to_string(const IpAddress& address);
/// "198.18.0.1:5060" or "[2001:2::1]:5060".
std::string to_string(const Endpoint& endpoint);

using MacAddress = std::array<std::uint8_t, 6>;
/// Parses "02:00:00:00:00:01".
Result<MacAddress> parse_mac_address(std::string_view text);
std::string to_string(const MacAddress& mac);

inline constexpr std::size_t kEthernetBytes = 14;
inline constexpr std::size_t kVlanTagBytes = 4;
inline constexpr std::size_t kIpv4Bytes = 20;
inline constexpr std::size_t kIpv6Bytes = 40;
inline constexpr std::size_t kUdpBytes = 8;
inline constexpr std::size_t kArpBytes = 28;

inline constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr std::uint16_t kEtherTypeArp = 0x0806;
inline constexpr std::uint16_t kEtherTypeVlan = 0x8100;
inline constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;
inline constexpr std::uint8_t kIpProtocolIcmp = 1;
inline constexpr std::uint8_t kIpProtocolUdp = 17;
inline constexpr std::uint8_t kIpProtocolIcmpv6 = 58;

}  // namespace weir::proto
