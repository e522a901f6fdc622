#include "dataplane/frame.h"

#include <gtest/gtest.h>

#include <random>

#include "proto/limits.h"
#include "tests/support/frames.h"
#include "tests/support/guarded_bytes.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using tests::arp_frame;
using tests::cut;
using tests::Datagram;
using tests::echo_frame;
using tests::GuardedBytes;
using tests::Packet;
using tests::udp6_frame;
using tests::udp_frame;
using tests::with;
using tests::with_ip_checksum;

constexpr Network kNetwork = {.address = 0xc612010a, .prefix_bits = 24};
constexpr Network kTagged = {.vlan = 100, .address = 0xc612010a, .prefix_bits = 24};

constexpr Address kOurs6{0x2001'0002'0000'0001, 0x0a};
constexpr Network kNetwork6 = {.address = kOurs6, .prefix_bits = 64};
constexpr Network kTagged6 = {.vlan = 100, .address = kOurs6, .prefix_bits = 64};

bool parse_plain(proto::Bytes bytes, const Network& network, PlainUdp& udp) {
  return network.is_ipv4() ? PlainUdpFilter(network).parse(bytes, udp) : PlainUdpIpv6Filter(network).parse(bytes, udp);
}

/// Parses behind a guard page: a read past the end is a fault. What the short way takes, the long one has to take too,
/// and alike.
Frame parse(const Packet& packet, const Network& network = kNetwork) {
  static GuardedBytes guarded;
  const proto::Bytes bytes = guarded.copy(packet);
  const Frame frame = parse_frame(bytes, network);
  PlainUdp udp{};
  if (parse_plain(bytes, network, udp)) {
    EXPECT_EQ(frame.kind, FrameKind::kUdp);
    EXPECT_EQ(frame.source,
              network.is_ipv4() ? Address(__builtin_bswap32(udp.source_be)) : Address::load_ipv6(udp.source_ipv6));
    EXPECT_EQ(frame.source_port, udp.source_port);
    EXPECT_EQ(frame.local_port, udp.local_port);
    EXPECT_EQ(frame.payload_offset, udp.payload_offset);
    EXPECT_EQ(frame.payload_bytes, udp.payload_bytes);
  }
  return frame;
}

Packet datagram(std::size_t payload_bytes = 20, int vlan = -1) {
  return udp_frame({.vlan = vlan, .payload = Packet(payload_bytes, 0x80)});
}

Packet datagram6(std::size_t payload_bytes = 20, int vlan = -1) {
  return udp6_frame({.vlan = vlan, .payload = Packet(payload_bytes, 0x80)});
}

TEST(Frame, AUdpDatagramForUsIsDescribed) {
  const Frame frame = parse(datagram());
  ASSERT_EQ(frame.kind, FrameKind::kUdp);
  EXPECT_EQ(frame.source, 0xc6120102u);
  EXPECT_EQ(frame.source_port, 4000);
  EXPECT_EQ(frame.local_port, 20000);
  EXPECT_EQ(frame.payload_offset, 42);
  EXPECT_EQ(frame.payload_bytes, 20);
}

TEST(Frame, TheShortWayTakesEveryOrdinaryDatagram) {
  PlainUdp udp{};
  for (const std::size_t bytes : {0u, 1u, 172u, 1472u}) {
    EXPECT_TRUE(parse_plain(datagram(bytes), kNetwork, udp)) << bytes;
    EXPECT_TRUE(parse_plain(datagram(bytes, 100), kTagged, udp)) << bytes;
  }
  for (const std::size_t bytes : {0u, 1u, 172u, 1452u}) {
    EXPECT_TRUE(parse_plain(datagram6(bytes), kNetwork6, udp)) << bytes;
    EXPECT_TRUE(parse_plain(datagram6(bytes, 100), kTagged6, udp)) << bytes;
  }
  EXPECT_FALSE(parse_plain(datagram(20, 100), kNetwork, udp));
  EXPECT_FALSE(parse_plain(datagram(20), kTagged, udp));
}

TEST(Frame, EachMalformationHasItsReason) {
  constexpr std::size_t kIp = 14;
  struct Row {
    const char* what;
    Packet frame;
    DropReason reason;
  };
  const Packet good = datagram();
  const Row rows[] = {
      {"nothing", {}, DropReason::kEthernetMalformed},
      {"half an Ethernet header", cut(good, 13), DropReason::kEthernetMalformed},
      {"half a VLAN tag", cut(datagram(20, 5), 17), DropReason::kEthernetMalformed},
      {"a VLAN nobody asked for", datagram(20, 5), DropReason::kVlanUnknown},
      {"IPv6", with(good, 12, {0x86, 0xdd}), DropReason::kEtherTypeUnknown},
      {"a tag in a tag", with(datagram(20, 0), 16, {0x81, 0x00}), DropReason::kEtherTypeUnknown},
      {"half an IP header", cut(good, kIp + 19), DropReason::kIpMalformed},
      {"IP version 6 in an IPv4 frame", with(good, kIp, {0x65}), DropReason::kIpMalformed},
      {"IP options", with(good, kIp, {0x46}), DropReason::kIpMalformed},
      {"a length beyond the frame", with_ip_checksum(with(good, kIp + 2, {0, 49})), DropReason::kIpMalformed},
      {"a length within the header", with_ip_checksum(with(good, kIp + 2, {0, 19})), DropReason::kIpMalformed},
      {"a wrong header checksum", with(good, kIp + 10, {0, 0}), DropReason::kIpChecksum},
      {"somebody else's address", with_ip_checksum(with(good, kIp + 19, {0x0b})), DropReason::kIpNotForUs},
      {"our address in a broadcast frame", with(good, 0, {0xff}), DropReason::kIpNotForUs},
      {"our own address as the source", with_ip_checksum(with(good, kIp + 15, {0x0a})), DropReason::kIpMalformed},
      {"a multicast source", with_ip_checksum(with(good, kIp + 12, {224})), DropReason::kIpMalformed},
      {"source 0.0.0.0", with_ip_checksum(with(good, kIp + 12, {0, 0, 0, 0})), DropReason::kIpMalformed},
      {"a first fragment", with_ip_checksum(with(good, kIp + 6, {0x20, 0})), DropReason::kIpFragment},
      {"a last fragment", with_ip_checksum(with(good, kIp + 6, {0, 1})), DropReason::kIpFragment},
      {"TCP", with_ip_checksum(with(good, kIp + 9, {6})), DropReason::kIpProtocolUnknown},
      {"half a UDP header", with_ip_checksum(with(good, kIp + 2, {0, 27})), DropReason::kUdpMalformed},
      {"a UDP length beyond the packet", with(good, kIp + 24, {0, 29}), DropReason::kUdpMalformed},
      {"a UDP length within the header", with(good, kIp + 24, {0, 7}), DropReason::kUdpMalformed},
      {"source port 0", with(good, kIp + 20, {0, 0}), DropReason::kUdpMalformed},
      {"more than the MTU", datagram(proto::kDatagramBytesMax + 1), DropReason::kTooLong},
  };
  for (const Row& row : rows) {
    const Frame frame = parse(row.frame);
    EXPECT_EQ(frame.kind, FrameKind::kDrop) << row.what;
    EXPECT_EQ(proto::drop_reason(frame.reason).name, proto::drop_reason(row.reason).name) << row.what;
  }
}

TEST(Frame, AnIpv6DatagramForUsIsDescribed) {
  const Frame frame = parse(datagram6(), kNetwork6);
  ASSERT_EQ(frame.kind, FrameKind::kUdp);
  EXPECT_EQ(frame.source, (Address{0x2001'0002'0000'0001, 2}));
  EXPECT_EQ(frame.source_port, 4000);
  EXPECT_EQ(frame.local_port, 20000);
  EXPECT_EQ(frame.payload_offset, 62);
  EXPECT_EQ(frame.payload_bytes, 20);
}

TEST(Frame, EachMalformationOfIpv6HasItsReason) {
  constexpr std::size_t kIp = 14;
  struct Row {
    const char* what;
    Packet frame;
    DropReason reason;
  };
  const Packet good = datagram6();
  const Packet inner = {17, 0, 1, 4, 0, 0, 0, 0, 0x12};  // an extension header of eight bytes
  const Row rows[] = {
      {"IPv4", datagram(), DropReason::kEtherTypeUnknown},
      {"ARP", arp_frame({}), DropReason::kEtherTypeUnknown},
      {"a VLAN nobody asked for", datagram6(20, 5), DropReason::kVlanUnknown},
      {"half an IP header", cut(good, kIp + 39), DropReason::kIpMalformed},
      {"IP version 4 in an IPv6 frame", with(good, kIp, {0x4a}), DropReason::kIpMalformed},
      {"a length beyond the frame", with(good, kIp + 4, {0, 29}), DropReason::kIpMalformed},
      {"a jumbogram's length", with(good, kIp + 4, {0, 0}), DropReason::kUdpMalformed},
      {"somebody else's address", with(good, kIp + 39, {0x0b}), DropReason::kIpNotForUs},
      {"media to a group", udp6_frame({.destination = "ff02::1", .payload = {}}), DropReason::kIpNotForUs},
      {"our address in a group's frame", with(good, 0, {0x33}), DropReason::kIpNotForUs},
      {"our own address as the source", with(good, kIp + 23, {0x0a}), DropReason::kIpMalformed},
      {"a group as the source", with(good, kIp + 8, {0xff}), DropReason::kIpMalformed},
      {"no source", udp6_frame({.source = "::", .payload = {}}), DropReason::kIpMalformed},
      {"loopback", udp6_frame({.source = "::1", .payload = {}}), DropReason::kIpMalformed},
      {"IPv4 in IPv6's clothes", udp6_frame({.source = "::ffff:198.18.1.2", .payload = {}}), DropReason::kIpMalformed},
      {"a fragment", tests::ipv6_frame({.payload = {}}, 44, inner), DropReason::kIpFragment},
      {"hop-by-hop options", tests::ipv6_frame({.payload = {}}, 0, inner), DropReason::kIpExtension},
      {"a routing header", tests::ipv6_frame({.payload = {}}, 43, inner), DropReason::kIpExtension},
      {"destination options", tests::ipv6_frame({.payload = {}}, 60, inner), DropReason::kIpExtension},
      {"TCP", with(good, kIp + 6, {6}), DropReason::kIpProtocolUnknown},
      {"nothing", with(cut(good, kIp + 40), kIp + 4, {0, 0, 59}), DropReason::kIpProtocolUnknown},
      {"ICMPv6 of no bytes", with(cut(good, kIp + 40), kIp + 4, {0, 0, 58}), DropReason::kIcmpNotEcho},
      {"half a UDP header", with(good, kIp + 4, {0, 7}), DropReason::kUdpMalformed},
      {"a UDP length beyond the packet", with(good, kIp + 44, {0, 29}), DropReason::kUdpMalformed},
      {"a UDP length within the header", with(good, kIp + 44, {0, 7}), DropReason::kUdpMalformed},
      {"source port 0", with(good, kIp + 40, {0, 0}), DropReason::kUdpMalformed},
      {"no UDP checksum", with(good, kIp + 46, {0, 0}), DropReason::kUdpChecksum},
      {"more than the MTU", datagram6(proto::kDatagramIpv6BytesMax + 1), DropReason::kTooLong},
  };
  for (const Row& row : rows) {
    const Frame frame = parse(row.frame, kNetwork6);
    EXPECT_EQ(frame.kind, FrameKind::kDrop) << row.what;
    EXPECT_EQ(proto::drop_reason(frame.reason).name, proto::drop_reason(row.reason).name) << row.what;
  }
}

TEST(Frame, NeighbourDiscoveryAndEchoAreToldApart) {
  EXPECT_EQ(parse(tests::nd_frame({}), kNetwork6).kind, FrameKind::kNd);
  EXPECT_EQ(parse(tests::echo6_frame({.payload = {}}, 56), kNetwork6).kind, FrameKind::kIcmp);
}

TEST(Frame, OfAPortsNetworksTheOneWithTagFamilyAndAddressTakesAFrame) {
  const Network networks[] = {{.address = 0xc612010a},
                              {.address = 0xc612010b},
                              {.vlan = 100, .address = 0xc612010a},
                              {.address = kOurs6, .prefix_bits = 64},
                              {.address = Address{kOurs6.high, 0x1'000b}, .prefix_bits = 64}};
  const std::uint8_t all[] = {0, 1, 2, 3, 4};
  struct Row {
    const char* what;
    Packet frame;
    std::uint8_t network;
  };
  const Row rows[] = {
      {"the first address", datagram(), 0},
      {"the second", udp_frame({.destination = 0xc612010b, .payload = {}}), 1},
      {"the first address with a tag", datagram(20, 100), 2},
      {"IPv6", datagram6(), 3},
      {"its second address", udp6_frame({.destination = "2001:2:0:1::1:b", .payload = {}}), 4},
      {"a question for the second address", arp_frame({.target = 0xc612010b}), 1},
      {"a solicitation", tests::nd_frame({}), 3},
      {"for its second address",
       tests::nd_frame({.addresses = {.destination = "ff02::1:ff01:b", .hop_limit = 255, .payload = {}},
                        .target = "2001:2:0:1::1:b"}),
       4},
  };
  for (const Row& row : rows) {
    const NetworkFrame taken = parse_frame(row.frame, networks, all);
    EXPECT_NE(taken.frame.kind, FrameKind::kDrop) << row.what;
    EXPECT_EQ(taken.network, row.network) << row.what;
  }
  EXPECT_EQ(parse_frame(datagram(20, 7), networks, all).frame.reason, DropReason::kVlanUnknown);
  EXPECT_EQ(parse_frame(udp_frame({.destination = 0xc612010c, .payload = {}}), networks, all).frame.reason,
            DropReason::kIpNotForUs);
  EXPECT_EQ(parse_frame(datagram6(20, 100), networks, all).frame.reason, DropReason::kEtherTypeUnknown);
}

TEST(Frame, DontFragmentAndPaddingAreNoReasonToDrop) {
  EXPECT_EQ(parse(with_ip_checksum(with(datagram(), 14 + 6, {0x40, 0}))).kind, FrameKind::kUdp);
  Packet padded = datagram(0);
  padded.resize(60);
  const Frame frame = parse(padded);
  EXPECT_EQ(frame.kind, FrameKind::kUdp);
  EXPECT_EQ(frame.payload_bytes, 0);
}

TEST(Frame, AUdpLengthShorterThanThePacketCutsThePayload) {
  EXPECT_EQ(parse(with(datagram(), 14 + 24, {0, 18})).payload_bytes, 10);
}

TEST(Frame, TheLongestDatagramFits) {
  EXPECT_EQ(parse(datagram(proto::kDatagramBytesMax)).payload_bytes, proto::kDatagramBytesMax);
}

TEST(Frame, ATaggedNetworkTakesItsTagOnly) {
  EXPECT_EQ(parse(datagram(20, 100), kTagged).kind, FrameKind::kUdp);
  EXPECT_EQ(parse(datagram(20, 0xe000 | 100), kTagged).payload_offset, 46) << "a priority is no other VLAN";
  EXPECT_EQ(parse(datagram(20, 101), kTagged).reason, DropReason::kVlanUnknown);
  EXPECT_EQ(parse(datagram(), kTagged).reason, DropReason::kVlanUnknown);
  EXPECT_EQ(parse(datagram(20, 0), kNetwork).kind, FrameKind::kUdp) << "VLAN 0 is a priority only";
}

TEST(Frame, ArpAndIcmpAreToldApart) {
  EXPECT_EQ(parse(arp_frame({})).kind, FrameKind::kArp);
  EXPECT_EQ(parse(echo_frame({.payload = {}}, 56)).kind, FrameKind::kIcmp);
}

TEST(Frame, NeverReadsBeyondMutatedFramesAndWhatItSaysLiesInside) {
  std::mt19937 random(7);
  const Packet seeds[] = {datagram(),  datagram(20, 100),  arp_frame({}),       echo_frame({.payload = {}}, 8),
                          datagram6(), datagram6(20, 100), tests::nd_frame({}), tests::echo6_frame({.payload = {}}, 8)};
  const Network networks[] = {kNetwork, kTagged, kNetwork6, kTagged6};
  for (int round = 0; round < 200'000; ++round) {
    Packet bytes = seeds[random() % 8];
    for (unsigned flips = random() % 4; flips > 0; --flips) {
      bytes[random() % bytes.size()] ^= static_cast<std::uint8_t>(1u << random() % 8);
    }
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    const Frame frame = parse(bytes, networks[random() % 4]);
    EXPECT_EQ(frame.kind == FrameKind::kDrop, frame.reason != DropReason::kNone);
    if (frame.kind == FrameKind::kUdp) {
      ASSERT_LE(frame.payload_offset + frame.payload_bytes, static_cast<int>(bytes.size()));
    }
  }
}

}  // namespace
}  // namespace weir::dataplane
