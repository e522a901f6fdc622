// The headers in front of a datagram of ours: Ethernet and VLAN, IPv4 or IPv6, UDP. Pure: no DPDK.
// RFC 791, RFC 8200, RFC 768, RFC 2474 (DSCP), RFC 6864 (identification of datagrams that are never fragmented).
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

/// A UDP datagram's way out. Ports in host order.
struct Way {
  std::uint64_t mac;    ///< of the next hop, as Neighbours::find gives it
  Address destination;  ///< of the network's family
  std::uint16_t destination_port;
  std::uint16_t source_port;
  std::uint8_t dscp;
};

/// Bytes in front of a UDP payload.
inline std::uint16_t header_bytes(const Network& network) {
  const std::size_t ip_bytes = network.is_ipv4() ? proto::kIpv4Bytes : proto::kIpv6Bytes;
  return static_cast<std::uint16_t>(network.link_bytes() + ip_bytes + proto::kUdpBytes);
}

inline constexpr std::uint8_t kTtl = 64;

/// What PreparedHeaders holds of the headers: all of IPv4's, rounded up to what copies well, and all of IPv6's but the
/// link header.
inline constexpr std::size_t kPreparedBytes = 48;
static_assert(kPreparedBytes >= proto::kEthernetBytes + proto::kVlanTagBytes + proto::kIpv4Bytes + proto::kUdpBytes);
static_assert(kPreparedBytes == proto::kIpv6Bytes + proto::kUdpBytes);

/// What write_headers may overwrite in front of a payload.
inline constexpr std::size_t kHeaderRoomBytes = kPreparedBytes + proto::kEthernetBytes + proto::kVlanTagBytes;

inline constexpr std::uint8_t kOffloadIp = 1;
inline constexpr std::uint8_t kOffloadUdp = 2;
inline constexpr std::uint8_t kOverIpv6 = 4;

/// The longest UDP payload that these headers may carry.
inline std::size_t payload_bytes_max(std::uint8_t marks) {
  return (marks & kOverIpv6) != 0 ? proto::kDatagramIpv6BytesMax : proto::kDatagramBytesMax;
}

/// The headers of a way, but for the checksum that covers the payload: made once, copied in front of every packet.
/// IPv4's are whole, and fitted to a length when that changes; IPv6's get their lengths packet by packet. One cache
/// line; IPv6 needs no sum of its header, so its next hop lies where IPv4 has that.
struct PreparedHeaders {
  std::array<std::uint8_t, kPreparedBytes> bytes;  ///< the headers at its end
  union {
    std::uint32_t ip_sum;   ///< IPv4: words of its header
    std::uint32_t mac_end;  ///< IPv6: the last four bytes of the next hop's hardware address, as they lie in memory
  };
  std::uint32_t udp_sum;             ///< of pseudo and UDP header; where the port sums, of the first alone
  std::uint32_t neighbours_version;  ///< of whoever keeps it: when it was made (Neighbours::version)
  std::uint8_t marks;                ///< kOffloadIp | kOffloadUdp: what the port writes; kOverIpv6
  std::uint8_t header_bytes;         ///< of `bytes`, and IPv6's link header
  union {
    std::uint16_t payload_bytes;  ///< IPv4: what lengths and sums stand for
    std::uint16_t mac_start;      ///< IPv6: the first two bytes of the next hop's hardware address
  };
};
static_assert(sizeof(PreparedHeaders) == 64);

/// Writes the checksums that do not cover the payload: IPv4's, and what the port wants in UDP's place. `end` is that of
/// the headers.
inline void write_ipv4_sums(const PreparedHeaders& prepared, std::uint8_t* end) {
  if ((prepared.marks & kOffloadIp) == 0) {
    proto::store_native16(end - proto::kUdpBytes - proto::kIpv4Bytes + 10, proto::checksum_fold(prepared.ip_sum));
  }
  if ((prepared.marks & kOffloadUdp) != 0) {
    proto::store_native16(end - 2, static_cast<std::uint16_t>(~proto::checksum_fold(prepared.udp_sum)));
  }
}

/// For an empty payload.
inline PreparedHeaders prepare_ipv4_headers(const Network& network, const Way& way) {
  PreparedHeaders prepared{};
  std::uint8_t* udp = prepared.bytes.data() + kPreparedBytes - proto::kUdpBytes;
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
  proto::store_be32(ip + 12, network.address.ipv4());
  proto::store_be32(ip + 16, way.destination.ipv4());
  proto::store_be16(udp, way.source_port);
  proto::store_be16(udp + 2, way.destination_port);
  proto::store_be16(udp + 4, proto::kUdpBytes);

  prepared.marks = static_cast<std::uint8_t>((network.ip_checksum_offload ? kOffloadIp : 0) |
                                             (network.udp_checksum_offload ? kOffloadUdp : 0));
  prepared.ip_sum = proto::checksum_words({ip, proto::kIpv4Bytes});
  // The pseudo header: addresses, protocol, length.
  prepared.udp_sum = proto::checksum_words({ip + 12, 8}) + proto::checksum_word(proto::kIpProtocolUdp) +
                     proto::checksum_word(proto::kUdpBytes);
  if (!network.udp_checksum_offload) prepared.udp_sum += proto::checksum_words({udp, proto::kUdpBytes});
  write_ipv4_sums(prepared, prepared.bytes.data() + kPreparedBytes);
  return prepared;
}

/// Flow label 0: no flow is told from another in the network (RFC 6437 section 3 leaves that to the sender).
inline PreparedHeaders prepare_ipv6_headers(const Network& network, const Way& way) {
  PreparedHeaders prepared{};
  std::uint8_t* ip = prepared.bytes.data();
  std::uint8_t* udp = ip + proto::kIpv6Bytes;
  constexpr std::uint32_t kVersion = 6;
  constexpr std::uint32_t kDscpShift = 22;  // into the traffic class
  constexpr std::uint32_t kProtocolHops = proto::kIpProtocolUdp << 8 | kTtl;
  proto::store_be32(ip, kVersion << 28 | static_cast<std::uint32_t>(way.dscp) << kDscpShift);
  proto::store_be32(ip + 4, kProtocolHops);
  network.address.store_ipv6(ip + 8);
  way.destination.store_ipv6(ip + 24);
  proto::store_be16(udp, way.source_port);
  proto::store_be16(udp + 2, way.destination_port);

  prepared.marks = static_cast<std::uint8_t>(kOverIpv6 | (network.udp_checksum_offload ? kOffloadUdp : 0));
  prepared.mac_start = __builtin_bswap16(static_cast<std::uint16_t>(way.mac >> 32));
  prepared.mac_end = __builtin_bswap32(static_cast<std::uint32_t>(way.mac));
  std::uint32_t udp_sum = proto::ipv6_pseudo_words(ip, 0, proto::kIpProtocolUdp);
  if (!network.udp_checksum_offload) udp_sum += proto::checksum_words({udp, proto::kUdpBytes});
  prepared.udp_sum = proto::checksum_fold(udp_sum) ^ 0xffff;
  return prepared;
}

inline PreparedHeaders prepare_headers(const Network& network, const Way& way) {
  PreparedHeaders prepared =
      network.is_ipv4() ? prepare_ipv4_headers(network, way) : prepare_ipv6_headers(network, way);
  prepared.header_bytes = static_cast<std::uint8_t>(header_bytes(network));
  return prepared;
}

/// The UDP checksum as it goes on the wire, or, where the port sums, that of the pseudo header.
[[gnu::always_inline]] inline std::uint16_t udp_checksum(proto::Bytes payload, std::uint32_t udp_length,
                                                         std::uint32_t udp_sum, std::uint8_t marks) {
  if ((marks & kOffloadUdp) != 0) return static_cast<std::uint16_t>(~proto::checksum_fold(udp_sum + udp_length));
  // The length counts twice: in the pseudo header and in UDP's own.
  const std::uint16_t checksum = proto::checksum_fold(udp_sum + 2 * udp_length + proto::checksum_words(payload));
  return checksum == 0 ? std::uint16_t{0xffff} : checksum;  // 0 means "no checksum" (RFC 768)
}

/// write_headers for IPv6. Not inline: it would be in the way of IPv4's.
[[gnu::noinline]] inline void write_ipv6_headers(std::uint8_t* payload, std::uint32_t payload_bytes,
                                                 const PreparedHeaders& prepared, const Network& network) {
  const auto udp_bytes = static_cast<std::uint16_t>(payload_bytes + proto::kUdpBytes);
  const std::uint32_t udp_length = proto::checksum_word(udp_bytes);
  std::uint8_t* udp = payload - proto::kUdpBytes;
  std::uint8_t* ip = udp - proto::kIpv6Bytes;
  std::uint8_t* link = payload - prepared.header_bytes;
  const std::uint16_t checksum = udp_checksum({payload, payload_bytes}, udp_length, prepared.udp_sum, prepared.marks);
  std::memcpy(ip, prepared.bytes.data(), kPreparedBytes);
  proto::store_native16(ip + 4, static_cast<std::uint16_t>(udp_length));
  proto::store_native16(udp + 4, static_cast<std::uint16_t>(udp_length));
  proto::store_native16(udp + 6, checksum);
  proto::store_native16(link, prepared.mac_start);
  std::memcpy(link + 2, &prepared.mac_end, 4);
  std::memcpy(link + 6, network.mac.data(), 6);
  if (network.vlan != 0) {
    proto::store_be16(link + 12, proto::kEtherTypeVlan);
    proto::store_be16(link + 14, network.vlan);
  }
  proto::store_be16(ip - 2, proto::kEtherTypeIpv6);
}

/// Fits IPv4 headers to another payload length, and those that were just copied in front of `payload` with them: copied
/// afterwards, they would be loaded right after they were stored in smaller pieces.
[[gnu::noinline]] inline void fit_ipv4_length(PreparedHeaders& prepared, std::uint32_t payload_bytes,
                                              std::uint8_t* payload) {
  const auto udp_bytes = static_cast<std::uint16_t>(payload_bytes + proto::kUdpBytes);
  const auto ip_bytes = static_cast<std::uint16_t>(udp_bytes + proto::kIpv4Bytes);
  const auto udp_bytes_before = static_cast<std::uint16_t>(prepared.payload_bytes + proto::kUdpBytes);
  const auto ip_bytes_before = static_cast<std::uint16_t>(udp_bytes_before + proto::kIpv4Bytes);
  const std::uint32_t udp_change = proto::checksum_word(udp_bytes) - proto::checksum_word(udp_bytes_before);
  prepared.ip_sum += proto::checksum_word(ip_bytes) - proto::checksum_word(ip_bytes_before);
  // The length counts twice: in the pseudo header and in UDP's own.
  prepared.udp_sum += (prepared.marks & kOffloadUdp) != 0 ? udp_change : 2 * udp_change;
  prepared.payload_bytes = static_cast<std::uint16_t>(payload_bytes);
  for (std::uint8_t* end : {prepared.bytes.data() + kPreparedBytes, payload}) {
    proto::store_be16(end - proto::kUdpBytes - proto::kIpv4Bytes + 2, ip_bytes);
    proto::store_be16(end - proto::kUdpBytes + 4, udp_bytes);
    write_ipv4_sums(prepared, end);
  }
}

/// Writes the headers in front of `payload`, which is at most payload_bytes_max() long; up to kHeaderRoomBytes in front
/// of it are overwritten. `prepared` was made for `network`. Checksums that the port writes are left as it wants them:
/// IPv4's zero, UDP's that of the pseudo header.
[[gnu::always_inline]] inline void write_headers(std::uint8_t* payload, std::uint32_t payload_bytes,
                                                 PreparedHeaders& prepared, const Network& network) {
  if ((prepared.marks & kOverIpv6) != 0) return write_ipv6_headers(payload, payload_bytes, prepared, network);
  std::memcpy(payload - kPreparedBytes, prepared.bytes.data(), kPreparedBytes);
  if (prepared.payload_bytes != payload_bytes) [[unlikely]]
    fit_ipv4_length(prepared, payload_bytes, payload);
  if ((prepared.marks & kOffloadUdp) != 0) return;
  const std::uint16_t checksum =
      proto::checksum_fold(prepared.udp_sum + proto::checksum_words({payload, payload_bytes}));
  proto::store_native16(payload - 2, checksum == 0 ? 0xffff : checksum);  // 0 means "no checksum" (RFC 768)
}

}  // namespace weir::dataplane
