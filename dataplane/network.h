// A media network as the workers see it: one DPDK port, one media address.
#pragma once

#include <cstdint>

#include "proto/inet.h"

namespace weir::dataplane {

/// Immutable once the workers run. Addresses are IPv4 in host order.
struct Network {
  std::uint16_t port_id = 0;  ///< DPDK port
  std::uint16_t vlan = 0;     ///< 802.1Q VLAN ID, 0: untagged
  std::uint32_t address = 0;  ///< the media address
  std::uint32_t mask = 0;
  std::uint32_t gateway = 0;  ///< 0: none
  proto::MacAddress mac{};
  bool ip_checksum_offload = false;   ///< the port writes IPv4 header checksums
  bool udp_checksum_offload = false;  ///< the port writes UDP checksums

  [[nodiscard]] bool on_link(std::uint32_t other) const { return ((other ^ address) & mask) == 0; }

  /// A host of this network that is not us: neither the network's own address nor its broadcast (RFC 1122 section
  /// 3.2.1.3). /31 and /32 have neither (RFC 3021).
  [[nodiscard]] bool is_neighbour(std::uint32_t other) const {
    if (!on_link(other) || other == address) return false;
    const std::uint32_t host = other & ~mask;
    return ~mask <= 1 || (host != 0 && host != ~mask);
  }

  /// Who gets a packet for `destination` on the wire; 0 if nobody can.
  [[nodiscard]] std::uint32_t next_hop(std::uint32_t destination) const {
    if (is_neighbour(destination)) return destination;
    return on_link(destination) ? 0 : gateway;
  }

  /// Bytes in front of the IP header.
  [[nodiscard]] std::uint16_t link_bytes() const {
    return static_cast<std::uint16_t>(proto::kEthernetBytes + (vlan != 0 ? proto::kVlanTagBytes : 0));
  }
};

/// May this address be a single host's, anywhere? Not 0/8, 127/8, multicast or the last class (RFC 1122 section
/// 3.2.1.3, RFC 1112).
constexpr bool is_unicast(std::uint32_t address) {
  const std::uint32_t first = address >> 24;
  return first != 0 && first != 127 && first < 224;
}

}  // namespace weir::dataplane
