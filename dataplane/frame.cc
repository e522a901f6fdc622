#include "dataplane/frame.h"

#include "proto/limits.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;

constexpr std::uint16_t kFragmentMask = 0x3fff;   // more fragments, and the offset
constexpr std::uint8_t kVersionAndLength = 0x45;  // IPv4, five words: no options

Frame dropped(DropReason reason) {
  Frame frame;
  frame.reason = reason;
  return frame;
}

/// Ethernet and VLAN. `ether_type` is that of what follows.
Frame parse_link(proto::Bytes bytes, const Network& network, std::uint16_t& ether_type) {
  if (bytes.size() < proto::kEthernetBytes) return dropped(DropReason::kEthernetMalformed);
  Frame frame;
  frame.link_bytes = proto::kEthernetBytes;
  ether_type = proto::load_be16(bytes.data() + 12);
  std::uint16_t vlan = 0;  // a tag of VLAN 0 carries a priority only (IEEE 802.1Q)
  if (ether_type == proto::kEtherTypeVlan) {
    if (bytes.size() < proto::kEthernetBytes + proto::kVlanTagBytes) return dropped(DropReason::kEthernetMalformed);
    vlan = proto::load_be16(bytes.data() + 14) & kVlanIdMask;
    ether_type = proto::load_be16(bytes.data() + 16);
    frame.link_bytes += proto::kVlanTagBytes;
  }
  if (vlan != network.vlan) return dropped(DropReason::kVlanUnknown);
  return frame;
}

DropReason parse_udp(proto::Bytes bytes, Frame& frame) {
  const std::size_t room = frame.ip_bytes - proto::kIpv4Bytes;
  if (room < proto::kUdpBytes) return DropReason::kUdpMalformed;
  const std::uint8_t* udp = bytes.data() + frame.link_bytes + proto::kIpv4Bytes;
  frame.source_port = proto::load_be16(udp);
  frame.local_port = proto::load_be16(udp + 2);
  const std::size_t udp_bytes = proto::load_be16(udp + 4);
  // Port 0 is "no port" (RFC 768), and an endpoint of port 0 is "unknown" in proto/.
  if (udp_bytes < proto::kUdpBytes || udp_bytes > room || frame.source_port == 0) return DropReason::kUdpMalformed;
  frame.payload_offset = static_cast<std::uint16_t>(frame.link_bytes + proto::kIpv4Bytes + proto::kUdpBytes);
  frame.payload_bytes = static_cast<std::uint16_t>(udp_bytes - proto::kUdpBytes);
  frame.kind = FrameKind::kUdp;
  return DropReason::kNone;
}

DropReason parse_ipv4(proto::Bytes bytes, const Network& network, Frame& frame) {
  const proto::Bytes packet = bytes.subspan(frame.link_bytes);
  if (packet.size() < proto::kIpv4Bytes || packet[0] != kVersionAndLength) return DropReason::kIpMalformed;
  frame.ip_bytes = proto::load_be16(packet.data() + 2);
  if (frame.ip_bytes < proto::kIpv4Bytes || frame.ip_bytes > packet.size()) return DropReason::kIpMalformed;
  if (frame.ip_bytes > proto::kMtuBytes) return DropReason::kTooLong;
  // A header with its checksum in place sums to zero (RFC 1071).
  if (!proto::ipv4_checksum_holds(packet.data())) return DropReason::kIpChecksum;
  if (proto::load_be32(packet.data() + 16) != network.address) return DropReason::kIpNotForUs;
  // RFC 1122 section 3.3.6: what came as a link-layer broadcast is not for one host.
  if ((bytes[0] & 1) != 0) return DropReason::kIpNotForUs;
  frame.source = proto::load_be32(packet.data() + 12);
  if (!is_unicast(frame.source) || frame.source == network.address) return DropReason::kIpMalformed;
  if ((proto::load_be16(packet.data() + 6) & kFragmentMask) != 0) return DropReason::kIpFragment;
  if (packet[9] == proto::kIpProtocolUdp) return parse_udp(bytes, frame);
  if (packet[9] != proto::kIpProtocolIcmp) return DropReason::kIpProtocolUnknown;
  frame.kind = FrameKind::kIcmp;
  return DropReason::kNone;
}

}  // namespace

Frame parse_frame(proto::Bytes bytes, const Network& network) {
  std::uint16_t ether_type = 0;
  Frame frame = parse_link(bytes, network, ether_type);
  if (frame.reason != DropReason::kNone) return frame;
  if (ether_type == proto::kEtherTypeArp) {
    frame.kind = FrameKind::kArp;
    return frame;
  }
  if (ether_type != proto::kEtherTypeIpv4) return dropped(DropReason::kEtherTypeUnknown);
  const DropReason reason = parse_ipv4(bytes, network, frame);
  return reason == DropReason::kNone ? frame : dropped(reason);
}

}  // namespace weir::dataplane
