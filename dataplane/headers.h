// The headers in front of a datagram of ours: Ethernet and VLAN, IPv4, UDP. Pure: no DPDK.
// RFC 791, RFC 768, RFC 2474 (DSCP), RFC 6864 (identification of datagrams that are never fragmented).
// Inline: every packet gets them. Checksums are summed from the fields' values, never read back: a load of what was
// just stored in smaller pieces waits until the stores have left the store buffer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dataplane/network.h"
#include "proto/checksum.h"

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

inline constexpr std::uint8_t kTtl = 64;

/// What write_headers overwrites in front of a payload: the longest headers, rounded up to what copies well.
inline constexpr std::size_t kHeaderRoomBytes = 48;
static_assert(kHeaderRoomBytes >= proto::kEthernetBytes + proto::kVlanTagBytes + proto::kIpv4Bytes + proto::kUdpBytes);

inline constexpr std::uint8_t kOffloadIp = 1;
inline constexpr std::uint8_t kOffloadUdp = 2;

/// The headers of a way, whole but for the checksum that covers the payload. Made once, fitted to a length when that
/// changes, copied in front of every packet.
struct PreparedHeaders {
  std::array<std::uint8_t, kHeaderRoomBytes> bytes;  ///< the headers at its end
  std::uint32_t ip_sum;                              ///< words of the IPv4 header; where the port sums, nothing counts
  std::uint32_t udp_sum;             ///< of pseudo and UDP header; where the port sums, of the first alone
  std::uint32_t neighbours_version;  ///< of whoever keeps it: when it was made (Neighbours::version)
  std::uint16_t payload_bytes;       ///< what the lengths and sums stand for
  std::uint8_t checksum_offload;     ///< kOffloadIp | kOffloadUdp: what the port writes
  std::uint8_t header_bytes;         ///< of `bytes`

  [[nodiscard]] std::uint64_t link_bytes() const { return header_bytes - proto::kIpv4Bytes - proto::kUdpBytes; }
};
static_assert(sizeof(PreparedHeaders) == 64);

/// Writes the checksums that do not cover the payload: IPv4's, and what the port wants in UDP's place. `end` is that of
/// the headers.
inline void write_sums(const PreparedHeaders& prepared, std::uint8_t* end) {
  if ((prepared.checksum_offload & kOffloadIp) == 0) {
    proto::store_native16(end - proto::kUdpBytes - proto::kIpv4Bytes + 10, proto::checksum_fold(prepared.ip_sum));
  }
  if ((prepared.checksum_offload & kOffloadUdp) != 0) {
    proto::store_native16(end - 2, static_cast<std::uint16_t>(~proto::checksum_fold(prepared.udp_sum)));
  }
}

/// Headers for an empty payload.
inline PreparedHeaders prepare_headers(const Network& network, const Way& way) {
  PreparedHeaders prepared{};
  std::uint8_t* udp = prepared.bytes.data() + kHeaderRoomBytes - proto::kUdpBytes;
  std::uint8_t* ip = udp - proto::kIpv4Bytes;
  std::uint8_t* link = ip - network.link_bytes();
  proto::store_be32(link, static_cast<std::uint32_t>(way.mac >> 16));
  proto::store_be16(link + 4, static_cast<std::uint16_t>(way.mac));
  std::memcpy(link + 6, network.mac.data(), 6);
  if (network.vlan != 0) {
    proto::store_be16(link + 12, proto::kEtherTypeVlan);
    proto::store_be16(link + 14, network.vlan);
  }
  proto::store_be16(ip - 2, proto::kEtherTypeIpv4);

  constexpr std::uint32_t kVersionLength = 0x4500;
  constexpr std::uint32_t kDontFragment = 0x4000;
  constexpr std::uint32_t kTtlProtocol = kTtl << 8 | proto::kIpProtocolUdp;
  const std::uint32_t first = kVersionLength | static_cast<std::uint32_t>(way.dscp) << 2;
  proto::store_be32(ip, first << 16 | (proto::kIpv4Bytes + proto::kUdpBytes));
  proto::store_be32(ip + 4, kDontFragment);  // identification 0
  proto::store_be32(ip + 8, kTtlProtocol << 16);
  proto::store_be32(ip + 12, network.address);
  proto::store_be32(ip + 16, way.destination);
  proto::store_be16(udp, way.source_port);
  proto::store_be16(udp + 2, way.destination_port);
  proto::store_be16(udp + 4, proto::kUdpBytes);

  prepared.header_bytes = static_cast<std::uint8_t>(header_bytes(network));
  prepared.checksum_offload = static_cast<std::uint8_t>((network.ip_checksum_offload ? kOffloadIp : 0) |
                                                        (network.udp_checksum_offload ? kOffloadUdp : 0));
  prepared.ip_sum = proto::checksum_words({ip, proto::kIpv4Bytes});
  // The pseudo header: addresses, protocol, length.
  prepared.udp_sum = proto::checksum_words({ip + 12, 8}) + proto::checksum_word(proto::kIpProtocolUdp) +
                     proto::checksum_word(proto::kUdpBytes);
  if (!network.udp_checksum_offload) prepared.udp_sum += proto::checksum_words({udp, proto::kUdpBytes});
  write_sums(prepared, prepared.bytes.data() + kHeaderRoomBytes);
  return prepared;
}

/// Fits the headers to another payload length, and those that were just copied in front of `payload` with them: copied
/// afterwards, they would be loaded right after they were stored in smaller pieces.
[[gnu::noinline]] inline void fit_length(PreparedHeaders& prepared, std::uint32_t payload_bytes,
                                         std::uint8_t* payload) {
  const auto udp_bytes = static_cast<std::uint16_t>(payload_bytes + proto::kUdpBytes);
  const auto ip_bytes = static_cast<std::uint16_t>(udp_bytes + proto::kIpv4Bytes);
  const auto udp_bytes_before = static_cast<std::uint16_t>(prepared.payload_bytes + proto::kUdpBytes);
  const auto ip_bytes_before = static_cast<std::uint16_t>(udp_bytes_before + proto::kIpv4Bytes);
  const std::uint32_t udp_change = proto::checksum_word(udp_bytes) - proto::checksum_word(udp_bytes_before);
  prepared.ip_sum += proto::checksum_word(ip_bytes) - proto::checksum_word(ip_bytes_before);
  // The length counts twice: in the pseudo header and in UDP's own.
  prepared.udp_sum += (prepared.checksum_offload & kOffloadUdp) != 0 ? udp_change : 2 * udp_change;
  prepared.payload_bytes = static_cast<std::uint16_t>(payload_bytes);
  for (std::uint8_t* end : {prepared.bytes.data() + kHeaderRoomBytes, payload}) {
    proto::store_be16(end - proto::kUdpBytes - proto::kIpv4Bytes + 2, ip_bytes);
    proto::store_be16(end - proto::kUdpBytes + 4, udp_bytes);
    write_sums(prepared, end);
  }
}

/// Writes the headers in front of `payload`, which is at most proto::kDatagramBytesMax long; kHeaderRoomBytes in front
/// of it are overwritten. Checksums that the port writes are left as it wants them: IPv4's zero, UDP's that of the
/// pseudo header.
[[gnu::always_inline]] inline void write_headers(std::uint8_t* payload, std::uint32_t payload_bytes,
                                                 PreparedHeaders& prepared) {
  std::memcpy(payload - kHeaderRoomBytes, prepared.bytes.data(), kHeaderRoomBytes);
  if (prepared.payload_bytes != payload_bytes) [[unlikely]]
    fit_length(prepared, payload_bytes, payload);
  if ((prepared.checksum_offload & kOffloadUdp) != 0) return;
  const std::uint16_t checksum =
      proto::checksum_fold(prepared.udp_sum + proto::checksum_words({payload, payload_bytes}));
  proto::store_native16(payload - 2, checksum == 0 ? 0xffff : checksum);  // 0 means "no checksum" (RFC 768)
}

}  // namespace weir::dataplane
