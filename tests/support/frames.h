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

/// The UDP payload of an untagged frame that Weir sent; asserts its lengths and checksums.
Packet udp_payload(const Packet& frame);

}  // namespace weir::tests
