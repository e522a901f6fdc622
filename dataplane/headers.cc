#include "dataplane/headers.h"

#include <cstring>

namespace weir::dataplane {
namespace {

constexpr std::uint8_t kTtl = 64;
constexpr std::uint16_t kDontFragment = 0x4000;

void write_link(std::uint8_t* link, const Network& network, std::uint64_t to) {
  proto::store_be32(link, static_cast<std::uint32_t>(to >> 16));
  proto::store_be16(link + 4, static_cast<std::uint16_t>(to));
  std::memcpy(link + 6, network.mac.data(), 6);
  if (network.vlan != 0) {
    proto::store_be16(link + 12, proto::kEtherTypeVlan);
    proto::store_be16(link + 14, network.vlan);
    link += proto::kVlanTagBytes;
  }
  proto::store_be16(link + 12, proto::kEtherTypeIpv4);
}

void write_ipv4(std::uint8_t* ip, std::uint32_t ip_bytes, const Network& network, const Way& way) {
  ip[0] = 0x45;
  ip[1] = static_cast<std::uint8_t>(way.dscp << 2);
  proto::store_be16(ip + 2, static_cast<std::uint16_t>(ip_bytes));
  proto::store_be16(ip + 4, 0);
  proto::store_be16(ip + 6, kDontFragment);
  ip[8] = kTtl;
  ip[9] = proto::kIpProtocolUdp;
  proto::store_be16(ip + 10, 0);
  proto::store_be32(ip + 12, network.address);
  proto::store_be32(ip + 16, way.destination);
  if (!network.ip_checksum_offload) {
    proto::store_be16(ip + 10, proto::ipv4_checksum(proto::Bytes(ip, proto::kIpv4Bytes)));
  }
}

/// Pseudo header: addresses, protocol, UDP length. In network order, not folded.
std::uint64_t pseudo_sum(std::uint32_t udp_bytes, const Network& network, const Way& way) {
  return std::uint64_t{network.address} + way.destination + proto::kIpProtocolUdp + udp_bytes;
}

std::uint16_t checksum_in_software(const std::uint8_t* udp, std::uint32_t udp_bytes, std::uint64_t pseudo) {
  const std::uint16_t folded = proto::checksum_fold(proto::checksum_add(pseudo, {udp, udp_bytes}));
  return folded == 0 ? 0xffff : folded;  // 0 means "no checksum" (RFC 768)
}

void write_udp(std::uint8_t* udp, std::uint32_t udp_bytes, const Network& network, const Way& way) {
  proto::store_be16(udp, way.source_port);
  proto::store_be16(udp + 2, way.destination_port);
  proto::store_be16(udp + 4, static_cast<std::uint16_t>(udp_bytes));
  proto::store_be16(udp + 6, 0);
  const std::uint64_t pseudo = pseudo_sum(udp_bytes, network, way);
  const std::uint16_t checksum = network.udp_checksum_offload
                                     ? static_cast<std::uint16_t>(~proto::checksum_fold(pseudo))
                                     : checksum_in_software(udp, udp_bytes, pseudo);
  proto::store_be16(udp + 6, checksum);
}

}  // namespace

void write_headers(std::uint8_t* payload, std::uint32_t payload_bytes, const Network& network, const Way& way) {
  const auto udp_bytes = static_cast<std::uint32_t>(payload_bytes + proto::kUdpBytes);
  std::uint8_t* udp = payload - proto::kUdpBytes;
  std::uint8_t* ip = udp - proto::kIpv4Bytes;
  write_link(ip - network.link_bytes(), network, way.mac);
  write_ipv4(ip, static_cast<std::uint32_t>(udp_bytes + proto::kIpv4Bytes), network, way);
  write_udp(udp, udp_bytes, network, way);
}

}  // namespace weir::dataplane
