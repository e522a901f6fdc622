// A media network as the workers see it: one media address of either family, on a DPDK port that it may share with
// other networks.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/address.h"
#include "proto/inet.h"
#include "proto/limits.h"

namespace weir::dataplane {

/// Immutable once the workers run. The media address says which family the network speaks.
struct Network {
  std::uint16_t port_id = 0;                            ///< DPDK port
  std::uint16_t vlan = 0;                               ///< 802.1Q VLAN ID, 0: untagged
  Address address;                                      ///< the media address
  std::uint8_t prefix_bits = 24;                        ///< as written behind the address
  std::array<Address, proto::kGatewaysMax> gateways{};  ///< best first; none behind the last
  proto::MacAddress mac{};
  bool ip_checksum_offload = false;   ///< the port writes IPv4 header checksums
  bool udp_checksum_offload = false;  ///< the port writes UDP checksums

  [[nodiscard]] bool is_ipv4() const { return address.is_ipv4(); }

  [[nodiscard]] bool on_link(const Address& other) const {
    const unsigned bits = prefix_bits + (is_ipv4() ? 96u : 0u);
    const std::uint64_t high = bits == 0 ? 0 : ~std::uint64_t{0} << (bits < 64 ? 64 - bits : 0);
    const std::uint64_t low = bits <= 64 ? 0 : ~std::uint64_t{0} << (128 - bits);
    return (((other.high ^ address.high) & high) | ((other.low ^ address.low) & low)) == 0;
  }

  /// A host of this network that is not us. IPv4: neither the network's own address nor its broadcast (RFC 1122
  /// section 3.2.1.3); /31 and /32 have neither (RFC 3021). IPv6: also any link-local address.
  [[nodiscard]] bool is_neighbour(const Address& other) const {
    if (other == address || other.is_ipv4() != is_ipv4()) return false;
    if (!is_ipv4()) return is_unicast(other) && (other.is_link_local() || on_link(other));
    if (!on_link(other)) return false;
    const std::uint32_t hosts = prefix_bits == 0 ? ~std::uint32_t{0} : (std::uint32_t{1} << (32 - prefix_bits)) - 1;
    const std::uint32_t host = other.ipv4() & hosts;
    return hosts <= 1 || (host != 0 && host != hosts);
  }

  /// Who gets a packet for `destination` on the wire, if `gateway` is in force; none if nobody can.
  [[nodiscard]] Address next_hop(const Address& destination, std::size_t gateway = 0) const {
    if (is_neighbour(destination)) return destination;
    const bool leaves = !on_link(destination) && destination.is_ipv4() == is_ipv4() && !destination.is_none();
    return leaves ? gateways[gateway] : Address();
  }

  /// Bytes in front of the IP header.
  [[nodiscard]] std::uint16_t link_bytes() const {
    return static_cast<std::uint16_t>(proto::kEthernetBytes + (vlan != 0 ? proto::kVlanTagBytes : 0));
  }
};

/// Writes the Ethernet header and the tag of a frame of ours; returns where its payload starts.
std::uint8_t* write_link(std::uint8_t* frame, const Network& network, const proto::MacAddress& to,
                         std::uint16_t ether_type);

}  // namespace weir::dataplane
