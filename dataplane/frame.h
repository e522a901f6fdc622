// What an Ethernet frame is: parsed and bounded, nothing changed. Pure: no DPDK, no state.
// Ethernet II and IEEE 802.1Q, RFC 791 (IPv4), RFC 768 (UDP), RFC 792 (ICMP), RFC 826 (ARP).
#pragma once

#include <cstdint>

#include "dataplane/network.h"
#include "proto/bytes.h"
#include "proto/counters.h"

namespace weir::dataplane {

enum class FrameKind : std::uint8_t { kDrop, kUdp, kIcmp, kArp };

/// Offsets and lengths in bytes; addresses and ports in host order.
struct Frame {
  FrameKind kind = FrameKind::kDrop;
  proto::DropReason reason = proto::DropReason::kNone;  ///< of kDrop
  std::uint16_t link_bytes = 0;                         ///< Ethernet header and tag: where ARP or IP starts
  std::uint16_t ip_bytes = 0;                           ///< kUdp, kIcmp: IPv4 total length
  std::uint32_t source = 0;                             ///< kUdp, kIcmp
  std::uint16_t source_port = 0;                        ///< kUdp
  std::uint16_t local_port = 0;                         ///< kUdp: destination port
  std::uint16_t payload_offset = 0;                     ///< kUdp: from the frame's start
  std::uint16_t payload_bytes = 0;                      ///< kUdp
};

/// Parses a frame as it came from `network`'s port. Accepted: VLAN as the network has it, IPv4 for the media address
/// without options and fragments and with a right header checksum, UDP and ICMP in it, and ARP (arp.h judges it).
/// A UDP checksum is not verified: virtual interfaces deliver locally made packets with a partial one.
Frame parse_frame(proto::Bytes frame, const Network& network);

}  // namespace weir::dataplane
