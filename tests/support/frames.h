// Ethernet frames as tests send them, byte by byte, without any of the code under test but loads, stores and sums.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "proto/inet.h"

namespace weir::tests {

using Packet = std::vector<std::uint8_t>;

/// What a UDP datagram's frame says. Addresses and ports in host order.
struct Datagram {
  proto::MacAddress to{0x02, 0, 0, 0, 0, 0x01};
  proto::MacAddress from{0x02, 0, 0, 0, 0, 0x02};
  int vlan = -1;  ///< -1: no tag
  std::uint32_t source = 0xc6120102;
  std::uint32_t destination = 0xc612010a;
  std::uint16_t source_port = 4000;
  std::uint16_t destination_port = 20000;
  Packet payload;
};

Packet udp_frame(const Datagram& datagram);

/// An ICMP echo request with `payload_bytes` bytes of data.
Packet echo_frame(const Datagram& addresses, std::size_t payload_bytes);

struct ArpFields {
  proto::MacAddress to{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  std::uint16_t operation = 1;
  proto::MacAddress sender_mac{0x02, 0, 0, 0, 0, 0x02};
  std::uint32_t sender = 0xc6120102;
  proto::MacAddress target_mac{};
  std::uint32_t target = 0xc612010a;
};
Packet arp_frame(const ArpFields& fields);

/// The same over IPv6. `source` and `destination` as text.
struct Datagram6 {
  proto::MacAddress to{0x02, 0, 0, 0, 0, 0x01};
  proto::MacAddress from{0x02, 0, 0, 0, 0, 0x02};
  int vlan = -1;  ///< -1: no tag
  const char* source = "2001:2:0:1::2";
  const char* destination = "2001:2:0:1::a";
  std::uint8_t hop_limit = 63;
  std::uint16_t source_port = 4000;
  std::uint16_t destination_port = 20000;
  Packet payload;
};
/// A UDP datagram with a right checksum.
Packet udp6_frame(const Datagram6& datagram);
/// `payload` as it follows the IPv6 header.
Packet ipv6_frame(const Datagram6& addresses, std::uint8_t next_header, const Packet& payload);
/// An ICMPv6 message; its checksum is filled in.
Packet icmp6_frame(const Datagram6& addresses, Packet message);
/// An echo request with `payload_bytes` bytes of data.
Packet echo6_frame(const Datagram6& addresses, std::size_t payload_bytes);

/// A neighbour solicitation (135) or advertisement (136) with one option that tells the sender's hardware address.
struct NdFields {
  Datagram6 addresses{
      .to = {0x33, 0x33, 0xff, 0, 0, 0x0a}, .destination = "ff02::1:ff00:a", .hop_limit = 255, .payload = {}};
  std::uint8_t type = 135;
  std::uint8_t flags = 0;
  const char* target = "2001:2:0:1::a";
  bool option = true;
};
Packet nd_frame(const NdFields& fields);

/// Bytes at an offset are replaced.
Packet with(Packet packet, std::size_t offset, std::initializer_list<std::uint8_t> bytes);
/// After a change of an untagged frame's IPv4 header: its checksum is right again.
Packet with_ip_checksum(Packet frame);
Packet cut(Packet packet, std::size_t bytes);

/// An RTP packet of payload type 0 whose payload repeats `fill`.
Packet rtp_packet(std::uint16_t sequence, std::uint32_t ssrc, std::size_t payload_bytes, std::uint8_t fill = 0x55);

/// RFC 1071 by the letter: 16-bit words one by one, the last padded with zero, `sum` added; complemented. Slow, and not
/// Weir's: what Weir computes is checked against it.
std::uint16_t internet_checksum(std::initializer_list<proto::Bytes> parts, std::uint64_t sum = 0);

/// The UDP payload of an untagged frame that Weir sent, over IPv4 or IPv6; asserts its lengths and checksums.
Packet udp_payload(const Packet& frame);

}  // namespace weir::tests
