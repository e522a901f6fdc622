#include "dataplane/frame.h"

#include "dataplane/arp.h"
#include "dataplane/nd.h"
#include "proto/limits.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;

constexpr std::uint16_t kFragmentMask = 0x3fff;   // more fragments, and the offset
constexpr std::uint8_t kVersionAndLength = 0x45;  // IPv4, five words: no options
constexpr std::uint8_t kNdTypeFirst = 133;        // RFC 4861 section 4: router solicitation to redirect
constexpr std::uint8_t kNdTypeLast = 137;

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

/// `header_bytes`: of IP.
DropReason parse_udp(proto::Bytes bytes, std::size_t header_bytes, Frame& frame) {
  const std::size_t room = frame.ip_bytes - header_bytes;
  if (room < proto::kUdpBytes) return DropReason::kUdpMalformed;
  const std::uint8_t* udp = bytes.data() + frame.link_bytes + header_bytes;
  frame.source_port = proto::load_be16(udp);
  frame.local_port = proto::load_be16(udp + 2);
  const std::size_t udp_bytes = proto::load_be16(udp + 4);
  // Port 0 is "no port" (RFC 768), and an endpoint of port 0 is "unknown" in proto/.
  if (udp_bytes < proto::kUdpBytes || udp_bytes > room || frame.source_port == 0) return DropReason::kUdpMalformed;
  frame.payload_offset = static_cast<std::uint16_t>(frame.link_bytes + header_bytes + proto::kUdpBytes);
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
  if (network.address != Address(proto::load_be32(packet.data() + 16))) return DropReason::kIpNotForUs;
  // RFC 1122 section 3.3.6: what came as a link-layer broadcast is not for one host.
  if ((bytes[0] & 1) != 0) return DropReason::kIpNotForUs;
  frame.source = proto::load_be32(packet.data() + 12);
  if (!is_unicast(frame.source) || frame.source == network.address) return DropReason::kIpMalformed;
  if ((proto::load_be16(packet.data() + 6) & kFragmentMask) != 0) return DropReason::kIpFragment;
  if (packet[9] == proto::kIpProtocolUdp) return parse_udp(bytes, proto::kIpv4Bytes, frame);
  if (packet[9] != proto::kIpProtocolIcmp) return DropReason::kIpProtocolUnknown;
  frame.kind = FrameKind::kIcmp;
  return DropReason::kNone;
}

/// What follows the IPv6 header is none of UDP and ICMPv6. RFC 8200 section 4, RFC 7045 section 2.2 list the extension
/// headers: media has none of them, and what a host must do for them (RFC 8200) nobody has to do who drops.
DropReason name_next_header(std::uint8_t next_header) {
  switch (next_header) {
    case 44:
      return DropReason::kIpFragment;
    case 0:    // hop-by-hop options
    case 43:   // routing
    case 51:   // authentication
    case 60:   // destination options
    case 135:  // mobility
    case 139:  // host identity protocol
    case 140:  // shim6
      return DropReason::kIpExtension;
    default:
      return DropReason::kIpProtocolUnknown;
  }
}

DropReason parse_icmpv6(proto::Bytes bytes, Frame& frame) {
  if (frame.ip_bytes == proto::kIpv6Bytes) return DropReason::kIcmpNotEcho;
  const std::uint8_t type = bytes[frame.link_bytes + proto::kIpv6Bytes];
  frame.kind = type >= kNdTypeFirst && type <= kNdTypeLast ? FrameKind::kNd : FrameKind::kIcmp;
  return DropReason::kNone;
}

DropReason parse_ipv6(proto::Bytes bytes, const Network& network, Frame& frame) {
  const proto::Bytes packet = bytes.subspan(frame.link_bytes);
  if (packet.size() < proto::kIpv6Bytes || packet[0] >> 4 != 6) return DropReason::kIpMalformed;
  const std::size_t ip_bytes = proto::kIpv6Bytes + proto::load_be16(packet.data() + 4);
  if (ip_bytes > packet.size()) return DropReason::kIpMalformed;
  if (ip_bytes > proto::kMtuBytes) return DropReason::kTooLong;
  frame.ip_bytes = static_cast<std::uint16_t>(ip_bytes);
  const std::uint8_t next_header = packet[6];
  const Address destination = Address::load_ipv6(packet.data() + 24);
  const bool to_group = next_header == proto::kIpProtocolIcmpv6 &&
                        (destination == kAllNodes || destination == solicited_node(network.address));
  // As with IPv4, what came to a link-layer group is not for one host.
  if (!to_group && (destination != network.address || (bytes[0] & 1) != 0)) return DropReason::kIpNotForUs;
  frame.source = Address::load_ipv6(packet.data() + 8);
  const bool no_source = frame.source.is_none() && next_header == proto::kIpProtocolIcmpv6;  // RFC 4862 section 5.4.2
  const bool single_host = is_unicast(frame.source) && !frame.source.is_ipv4();
  if ((!single_host && !no_source) || frame.source == network.address) return DropReason::kIpMalformed;
  if (next_header == proto::kIpProtocolIcmpv6) return parse_icmpv6(bytes, frame);
  if (next_header != proto::kIpProtocolUdp) return name_next_header(next_header);
  const DropReason reason = parse_udp(bytes, proto::kIpv6Bytes, frame);
  if (reason != DropReason::kNone) return reason;
  const bool has_checksum = proto::load_be16(packet.data() + proto::kIpv6Bytes + 6) != 0;
  return has_checksum ? DropReason::kNone : DropReason::kUdpChecksum;
}

/// How far a frame came on its way into a network: the reason of the one it came furthest in is the one to tell.
unsigned how_far(DropReason reason) {
  switch (reason) {
    case DropReason::kVlanUnknown:
      return 0;
    case DropReason::kEtherTypeUnknown:
      return 1;
    case DropReason::kIpNotForUs:
    case DropReason::kArpNotForUs:
    case DropReason::kNdNotForUs:
      return 2;
    default:
      return 3;
  }
}

/// Why this network has no use for the frame, ARP and neighbour discovery included.
DropReason refusal_of(proto::Bytes bytes, const Frame& frame, const Network& network) {
  switch (frame.kind) {
    case FrameKind::kArp:
      return parse_arp(bytes, frame.link_bytes, network).reason;
    case FrameKind::kNd:
      return parse_nd(bytes, frame, network).reason;
    case FrameKind::kDrop:
    case FrameKind::kUdp:
    case FrameKind::kIcmp:
      break;
  }
  return frame.reason;
}

}  // namespace

Frame parse_frame(proto::Bytes bytes, const Network& network) {
  std::uint16_t ether_type = 0;
  Frame frame = parse_link(bytes, network, ether_type);
  if (frame.reason != DropReason::kNone) return frame;
  if (ether_type == proto::kEtherTypeArp && network.is_ipv4()) {
    frame.kind = FrameKind::kArp;
    return frame;
  }
  if (ether_type != (network.is_ipv4() ? proto::kEtherTypeIpv4 : proto::kEtherTypeIpv6)) {
    return dropped(DropReason::kEtherTypeUnknown);
  }
  const DropReason reason = network.is_ipv4() ? parse_ipv4(bytes, network, frame) : parse_ipv6(bytes, network, frame);
  return reason == DropReason::kNone ? frame : dropped(reason);
}

NetworkFrame parse_frame(proto::Bytes bytes, std::span<const Network> networks,
                         std::span<const std::uint8_t> candidates) {
  NetworkFrame best = {.network = candidates.front(), .frame = dropped(DropReason::kVlanUnknown)};
  for (const std::uint8_t candidate : candidates) {
    const Frame frame = parse_frame(bytes, networks[candidate]);
    const DropReason refusal = refusal_of(bytes, frame, networks[candidate]);
    if (refusal == DropReason::kNone) return {candidate, frame};
    if (how_far(refusal) > how_far(best.frame.reason)) best = {candidate, dropped(refusal)};
  }
  return best;
}

}  // namespace weir::dataplane
