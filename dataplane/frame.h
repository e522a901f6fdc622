// What an Ethernet frame is: parsed and bounded, nothing changed. Pure: no DPDK, no state.
// Ethernet II and IEEE 802.1Q, RFC 791 (IPv4), RFC 768 (UDP), RFC 792 (ICMP), RFC 826 (ARP).
#pragma once

#include <cstdint>

#include "dataplane/network.h"
#include "proto/bytes.h"
#include "proto/checksum.h"
#include "proto/counters.h"
#include "proto/limits.h"

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

inline constexpr std::uint16_t kVlanIdMask = 0x0fff;

/// Parses a frame as it came from `network`'s port. Accepted: VLAN as the network has it, IPv4 for the media address
/// without options and fragments and with a right header checksum, UDP and ICMP in it, and ARP (arp.h judges it).
/// A UDP checksum is not verified: virtual interfaces deliver locally made packets with a partial one.
Frame parse_frame(proto::Bytes bytes, const Network& network);

/// A UDP datagram in a frame. Ports in host order, lengths in bytes.
struct PlainUdp {
  std::uint32_t source_be;
  std::uint16_t source_port;
  std::uint16_t local_port;
  std::uint16_t payload_offset;
  std::uint16_t payload_bytes;
};

/// The short way for what nearly every frame is: UDP for us, nothing odd about it. Few and joined comparisons, in
/// memory's own byte order, since they hardly ever fail.
class PlainUdpFilter {
 public:
  explicit PlainUdpFilter(const Network& network)
      : address_be_(__builtin_bswap32(network.address)), link_bytes_(network.link_bytes()), vlan_(network.vlan) {}

  /// True: parse_frame would say kUdp with these values. False: parse_frame decides.
  [[gnu::always_inline]] bool parse(proto::Bytes bytes, PlainUdp& udp) const {
    const std::uint32_t headers = std::uint32_t{link_bytes_} + proto::kIpv4Bytes + proto::kUdpBytes;
    if (bytes.size() < headers) return false;
    const std::uint8_t* ip = bytes.data() + link_bytes_;
    const std::uint32_t source_be = proto::load_native32(ip + 12);
    // EtherType IPv4, version 4, five words; no fragment, protocol UDP; our address; no link-layer multicast.
    const std::uint32_t differs = ((proto::load_native32(ip - 2) & 0x00ffffff) ^ 0x00450008) |
                                  ((proto::load_native32(ip + 6) & 0xff00ff3f) ^ 0x11000000) |
                                  (proto::load_native32(ip + 16) ^ address_be_) | (bytes[0] & 1u);
    if (differs != 0 || (vlan_ != 0 && !carries_tag(ip))) return false;
    const std::uint32_t ip_bytes = proto::load_be16(ip + 2);
    const std::uint64_t header = proto::load_be64(ip + proto::kIpv4Bytes);  // ports, length, checksum
    const auto udp_bytes = static_cast<std::uint16_t>(header >> 16);
    udp.source_be = source_be;
    udp.source_port = static_cast<std::uint16_t>(header >> 48);
    udp.local_port = static_cast<std::uint16_t>(header >> 32);
    udp.payload_offset = static_cast<std::uint16_t>(headers);
    udp.payload_bytes = static_cast<std::uint16_t>(udp_bytes - proto::kUdpBytes);
    if (udp.payload_bytes > proto::kDatagramBytesMax) return false;  // too long, or shorter than UDP's header
    if (udp_bytes + proto::kIpv4Bytes != ip_bytes || ip_bytes > bytes.size() - link_bytes_) return false;
    if (!is_unicast(ip[12]) || source_be == address_be_ || udp.source_port == 0) return false;
    return proto::ipv4_checksum_holds(ip);
  }

 private:
  [[nodiscard]] bool carries_tag(const std::uint8_t* ip) const {
    return proto::load_be16(ip - 6) == proto::kEtherTypeVlan && (proto::load_be16(ip - 4) & kVlanIdMask) == vlan_;
  }
  /// By the first byte of an address, as is_unicast(std::uint32_t) says.
  static bool is_unicast(std::uint8_t first) { return (first - 1u < 223u) & (first != 127); }

  std::uint32_t address_be_;
  std::uint16_t link_bytes_;
  std::uint16_t vlan_;
};

}  // namespace weir::dataplane
