// The headers in front of a datagram of ours: Ethernet and VLAN, IPv4, UDP. Pure: no DPDK.
// RFC 791, RFC 768, RFC 2474 (DSCP), RFC 6864 (identification of datagrams that are never fragmented).
#pragma once

#include <cstdint>

#include "dataplane/network.h"

namespace weir::dataplane {

/// A UDP datagram's way out. Addresses and ports in host order.
struct Way {
  std::uint64_t mac;  ///< of the next hop, as Neighbours::find gives it
  std::uint32_t destination;
  std::uint16_t destination_port;
  std::uint16_t source_port;
  std::uint8_t dscp;
};

/// Bytes in front of a UDP payload.
inline std::uint16_t header_bytes(const Network& network) {
  return static_cast<std::uint16_t>(network.link_bytes() + proto::kIpv4Bytes + proto::kUdpBytes);
}

/// Writes header_bytes(network) bytes in front of `payload`, which is at most proto::kDatagramBytesMax long. Checksums
/// that the port writes are left as it wants them: IPv4's zero, UDP's that of the pseudo header.
void write_headers(std::uint8_t* payload, std::uint32_t payload_bytes, const Network& network, const Way& way);

}  // namespace weir::dataplane
