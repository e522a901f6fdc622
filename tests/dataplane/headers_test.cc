#include "dataplane/headers.h"

#include <gtest/gtest.h>

#include <cstring>

#include <random>

#include "proto/limits.h"
#include "tests/support/frames.h"

namespace weir::dataplane {
namespace {

using tests::Packet;

constexpr Network kNetwork = {.address = 0xc612010a, .mask = 0xffffff00, .mac = {0x02, 0, 0, 0, 0, 0x01}};
constexpr Way kWay = {
    .mac = 0x020000000002, .destination = 0xc6120102, .destination_port = 4000, .source_port = 20000, .dscp = 46};

Packet write(const Packet& payload, const Network& network, const Way& way = kWay) {
  Packet room(kHeaderRoomBytes + payload.size(), 0xee);
  std::copy(payload.begin(), payload.end(), room.begin() + kHeaderRoomBytes);
  const auto payload_bytes = static_cast<std::uint32_t>(payload.size());
  PreparedHeaders prepared = prepare_headers(network, way);
  write_headers(room.data() + kHeaderRoomBytes, payload_bytes, prepared);
  return {room.begin() + static_cast<std::ptrdiff_t>(kHeaderRoomBytes - header_bytes(network)), room.end()};
}

TEST(Headers, EveryByteIsWhereTheRfcsWantIt) {
  const Packet frame = write({0x80, 0x00, 0x12, 0x34}, kNetwork);
  const Packet expected = {
      0x02, 0,       0,    0,    0,    0x02, 0x02, 0,    0,  0,  0,    0x01, 0x08, 0x00,  // Ethernet
      0x45, 46 << 2, 0,    32,   0,    0,    0x40, 0,    64, 17, 0x13, 0x81,  // IPv4: DF, TTL 64, UDP; checksum below
      0xc6, 0x12,    0x01, 0x0a, 0xc6, 0x12, 0x01, 0x02,                      // addresses
      0x4e, 0x20,    0x0f, 0xa0, 0,    12,   0,    0,                         // UDP; checksum below
      0x80, 0x00,    0x12, 0x34,
  };
  ASSERT_EQ(frame.size(), expected.size());
  for (std::size_t i = 0; i < frame.size(); ++i) {
    if (i == 24 || i == 25 || i == 40 || i == 41) continue;  // checksums: the next test
    EXPECT_EQ(frame[i], expected[i]) << "byte " << i;
  }
}

TEST(Headers, ChecksumsAreRightAtEveryLength) {
  std::mt19937 random(3);
  for (std::size_t bytes = 0; bytes <= proto::kDatagramBytesMax; ++bytes) {
    Packet payload(bytes);
    for (std::uint8_t& byte : payload) byte = static_cast<std::uint8_t>(random());
    EXPECT_EQ(tests::udp_payload(write(payload, kNetwork)), payload);  // it asserts both checksums
  }
}

TEST(Headers, AUdpChecksumThatComesOutAsZeroIsSentAsAllOnes) {
  Packet payload = {0, 0};
  const Packet frame = write(payload, kNetwork);
  // The payload that makes the sum all ones: its complement is the checksum of a zero payload.
  std::copy(frame.begin() + 40, frame.begin() + 42, payload.begin());
  EXPECT_EQ(proto::load_be16(write(payload, kNetwork).data() + 40), 0xffff);
}

TEST(Headers, WhatThePortComputesIsLeftToIt) {
  Network network = kNetwork;
  network.ip_checksum_offload = true;
  network.udp_checksum_offload = true;
  const Packet frame = write({1, 2, 3}, network);
  EXPECT_EQ(proto::load_be16(frame.data() + 24), 0);
  // Of UDP: the pseudo header's sum, not complemented, as DPDK's RTE_MBUF_F_TX_UDP_CKSUM asks for.
  std::uint64_t sum = 0xc612u + 0x010au + 0xc612u + 0x0102u + 17u + 11u;
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  EXPECT_EQ(proto::load_be16(frame.data() + 40), sum);
}

TEST(Headers, ATaggedNetworkTagsItsFrames) {
  Network network = kNetwork;
  network.vlan = 100;
  const Packet frame = write({1}, network);
  EXPECT_EQ(proto::load_be32(frame.data() + 12), 0x81000064u);
  EXPECT_EQ(proto::load_be16(frame.data() + 16), 0x0800);
  Packet untagged(frame.size() - proto::kVlanTagBytes);
  std::memcpy(untagged.data(), frame.data(), 12);
  std::memcpy(untagged.data() + 12, frame.data() + 16, untagged.size() - 12);
  EXPECT_EQ(tests::udp_payload(untagged), Packet{1});
}

}  // namespace
}  // namespace weir::dataplane
