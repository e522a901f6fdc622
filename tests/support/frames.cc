#include "tests/support/frames.h"

#include <algorithm>

#include "proto/assert.h"

namespace weir::tests {
namespace {

constexpr std::size_t kLink = 14;
constexpr std::size_t kIp = 20;

void append16(Packet& to, std::uint16_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

void append32(Packet& to, std::uint32_t value) {
  append16(to, static_cast<std::uint16_t>(value >> 16));
  append16(to, static_cast<std::uint16_t>(value));
}

template <typename Bytes>
void append(Packet& to, const Bytes& bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

template <typename AnyDatagram>
Packet link(const AnyDatagram& datagram, std::uint16_t ether_type) {
  Packet frame;
  append(frame, datagram.to);
  append(frame, datagram.from);
  if (datagram.vlan >= 0) {
    append16(frame, 0x8100);
    append16(frame, static_cast<std::uint16_t>(datagram.vlan));
  }
  append16(frame, ether_type);
  return frame;
}

void append_ip(Packet& frame, const Datagram& datagram, std::uint8_t protocol, std::size_t payload_bytes) {
  Packet ip = {0x45, 0};
  append16(ip, static_cast<std::uint16_t>(kIp + payload_bytes));
  append32(ip, 0x12340000);
  ip.push_back(63);
  ip.push_back(protocol);
  append16(ip, 0);
  append32(ip, datagram.source);
  append32(ip, datagram.destination);
  proto::store_be16(ip.data() + 10, internet_checksum({ip}));
  append(frame, ip);
}

/// Sum over the pseudo header (RFC 8200 section 8.1) of what an untagged or tagged IPv6 header at `ip` carries.
std::uint16_t sum_over_ipv6(const std::uint8_t* ip, proto::Bytes carried, std::uint8_t next_header) {
  return internet_checksum({{ip + 8, 32}, carried}, carried.size() + next_header);
}

/// Asserts IPv6's header and returns where UDP starts.
const std::uint8_t* check_ipv6(const Packet& frame) {
  const std::uint8_t* ip = frame.data() + kLink;
  WEIR_ASSERT(frame.size() >= kLink + 48 && ip[0] >> 4 == 6 && ip[6] == 17);
  WEIR_ASSERT(proto::load_be16(ip + 4) == frame.size() - kLink - 40);
  return ip + 40;
}

const std::uint8_t* check_ipv4(const Packet& frame) {
  WEIR_ASSERT(frame.size() >= kLink + kIp + 8);
  const std::uint8_t* ip = frame.data() + kLink;
  WEIR_ASSERT(internet_checksum({{ip, kIp}}) == 0);
  WEIR_ASSERT(proto::load_be16(ip + 2) == frame.size() - kLink);
  return ip + kIp;
}

}  // namespace

Packet udp_frame(const Datagram& datagram) {
  Packet frame = link(datagram, 0x0800);
  append_ip(frame, datagram, 17, 8 + datagram.payload.size());
  append16(frame, datagram.source_port);
  append16(frame, datagram.destination_port);
  append16(frame, static_cast<std::uint16_t>(8 + datagram.payload.size()));
  append16(frame, 0xbad1);  // as a virtual interface may leave it: partial
  append(frame, datagram.payload);
  return frame;
}

Packet echo_frame(const Datagram& addresses, std::size_t payload_bytes) {
  Packet icmp = {8, 0, 0, 0, 0x12, 0x34, 0, 1};
  for (std::size_t i = 0; i < payload_bytes; ++i) icmp.push_back(static_cast<std::uint8_t>(i));
  proto::store_be16(icmp.data() + 2, internet_checksum({icmp}));
  Packet frame = link(addresses, 0x0800);
  append_ip(frame, addresses, 1, icmp.size());
  append(frame, icmp);
  return frame;
}

Packet arp_frame(const ArpFields& fields) {
  Packet frame = link(Datagram{.to = fields.to, .from = fields.sender_mac, .payload = {}}, 0x0806);
  append(frame, Packet{0, 1, 8, 0, 6, 4});
  append16(frame, fields.operation);
  append(frame, fields.sender_mac);
  append32(frame, fields.sender);
  append(frame, fields.target_mac);
  append32(frame, fields.target);
  return frame;
}

Packet with(Packet packet, std::size_t offset, std::initializer_list<std::uint8_t> bytes) {
  WEIR_ASSERT(offset + bytes.size() <= packet.size());
  std::copy(bytes.begin(), bytes.end(), packet.begin() + static_cast<std::ptrdiff_t>(offset));
  return packet;
}

Packet with_ip_checksum(Packet frame) {
  proto::store_be16(frame.data() + kLink + 10, 0);
  proto::store_be16(frame.data() + kLink + 10, internet_checksum({{frame.data() + kLink, kIp}}));
  return frame;
}

Packet cut(Packet packet, std::size_t bytes) {
  packet.resize(bytes);
  return packet;
}

Packet rtp_packet(std::uint16_t sequence, std::uint32_t ssrc, std::size_t payload_bytes, std::uint8_t fill) {
  Packet packet = {0x80, 0};
  append16(packet, sequence);
  append32(packet, sequence * 160u);
  append32(packet, ssrc);
  packet.resize(12 + payload_bytes, fill);
  return packet;
}

std::uint16_t internet_checksum(std::initializer_list<proto::Bytes> parts, std::uint64_t sum) {
  for (const proto::Bytes part : parts) {
    for (std::size_t i = 0; i < part.size(); ++i) sum += std::uint64_t{part[i]} << (i % 2 == 0 ? 8 : 0);
  }
  while (sum > 0xffff) sum = (sum >> 16) + (sum & 0xffff);
  return static_cast<std::uint16_t>(~sum);
}

Packet ipv6_frame(const Datagram6& addresses, std::uint8_t next_header, const Packet& payload) {
  Packet frame = link(addresses, 0x86dd);
  append32(frame, 0x6ab12345);  // a traffic class and a flow label
  append16(frame, static_cast<std::uint16_t>(payload.size()));
  frame.push_back(next_header);
  frame.push_back(addresses.hop_limit);
  append(frame, proto::parse_ip_address(addresses.source).value().bytes);
  append(frame, proto::parse_ip_address(addresses.destination).value().bytes);
  append(frame, payload);
  return frame;
}

Packet udp6_frame(const Datagram6& datagram) {
  Packet udp;
  append16(udp, datagram.source_port);
  append16(udp, datagram.destination_port);
  append16(udp, static_cast<std::uint16_t>(8 + datagram.payload.size()));
  append16(udp, 0);
  append(udp, datagram.payload);
  Packet frame = ipv6_frame(datagram, 17, udp);
  const std::size_t at = frame.size() - udp.size();
  const std::uint16_t sum = sum_over_ipv6(frame.data() + at - 40, udp, 17);
  proto::store_be16(frame.data() + at + 6, sum == 0 ? 0xffff : sum);
  return frame;
}

Packet icmp6_frame(const Datagram6& addresses, Packet message) {
  Packet frame = ipv6_frame(addresses, 58, message);
  const std::size_t at = frame.size() - message.size();
  proto::store_be16(frame.data() + at + 2, sum_over_ipv6(frame.data() + at - 40, message, 58));
  return frame;
}

Packet echo6_frame(const Datagram6& addresses, std::size_t payload_bytes) {
  Packet icmp = {128, 0, 0, 0, 0x12, 0x34, 0, 1};
  for (std::size_t i = 0; i < payload_bytes; ++i) icmp.push_back(static_cast<std::uint8_t>(i));
  return icmp6_frame(addresses, icmp);
}

Packet nd_frame(const NdFields& fields) {
  Packet message = {fields.type, 0, 0, 0, fields.flags, 0, 0, 0};
  append(message, proto::parse_ip_address(fields.target).value().bytes);
  if (fields.option) {
    message.push_back(fields.type == 135 ? 1 : 2);
    message.push_back(1);
    append(message, fields.addresses.from);
  }
  return icmp6_frame(fields.addresses, message);
}

Packet udp_payload(const Packet& frame) {
  const bool over_ipv6 = proto::load_be16(frame.data() + 12) == 0x86dd;
  const std::uint8_t* at = over_ipv6 ? check_ipv6(frame) : check_ipv4(frame);
  Packet udp(at, frame.data() + frame.size());
  WEIR_ASSERT(proto::load_be16(udp.data() + 4) == udp.size());
  const std::uint16_t written = proto::load_be16(udp.data() + 6);
  proto::store_be16(udp.data() + 6, 0);
  const std::uint16_t sum =
      over_ipv6 ? sum_over_ipv6(at - 40, udp, 17) : internet_checksum({{at - 8, 8}, udp}, 17 + udp.size());
  WEIR_ASSERT(written == (sum == 0 ? 0xffff : sum));  // RFC 768, RFC 8200 section 8.1
  return {udp.begin() + 8, udp.end()};
}

}  // namespace weir::tests
