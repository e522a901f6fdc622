#include "proto/rtp.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "proto/rtcp.h"
#include "tests/support/guarded_bytes.h"

namespace weir::proto {
namespace {

std::vector<std::uint8_t> header(std::uint8_t first) {
  return {first, 0x88, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 0xca, 0xfe, 0xba, 0xbe};
}

TEST(Rtp, ReadsTheFixedHeader) {
  const std::vector<std::uint8_t> packet = header(0xa0);
  const std::optional<RtpView> view = parse_rtp(packet);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->sequence, 0x1234);
  EXPECT_EQ(view->timestamp, 0xdeadbeefu);
  EXPECT_EQ(view->ssrc, 0xcafebabeu);
  EXPECT_EQ(view->payload_type, 8);
  EXPECT_TRUE(view->marker);
  EXPECT_TRUE(view->padding);
  EXPECT_EQ(view->header_bytes, 12);
}

TEST(Rtp, CountsContributingSourcesAndExtensionIntoTheHeader) {
  std::vector<std::uint8_t> packet = header(0x80 | 0x10 | 3);
  packet.resize(12 + 12);
  packet.insert(packet.end(), {0xbe, 0xde, 0x00, 0x02, 1, 2, 3, 4, 5, 6, 7, 8});
  const std::optional<RtpView> view = parse_rtp(packet);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->header_bytes, 12 + 12 + 4 + 8);
}

TEST(Rtp, RefusesEveryLengthThatCutsTheHeader) {
  tests::GuardedBytes guarded;
  std::vector<std::uint8_t> packet = header(0x80 | 0x10 | 2);
  packet.resize(12 + 8);
  packet.insert(packet.end(), {0xbe, 0xde, 0x00, 0x01, 1, 2, 3, 4});
  for (std::size_t bytes = 0; bytes < packet.size(); ++bytes) {
    EXPECT_FALSE(parse_rtp(guarded.copy(Bytes(packet).first(bytes)))) << bytes;
  }
  EXPECT_TRUE(parse_rtp(guarded.copy(packet)));
}

TEST(Rtp, RefusesAVersionOtherThanTwo) {
  for (const int first : {0x00, 0x40, 0xc0}) EXPECT_FALSE(parse_rtp(header(static_cast<std::uint8_t>(first))));
}

TEST(Rtp, AnExtensionLengthThatLiesIsRefused) {
  tests::GuardedBytes guarded;
  std::vector<std::uint8_t> packet = header(0x90);
  packet.insert(packet.end(), {0xbe, 0xde, 0xff, 0xff, 0, 0, 0, 0});
  EXPECT_FALSE(parse_rtp(guarded.copy(packet)));
}

TEST(Rtp, NeverReadsBeyondRandomBytes) {
  tests::GuardedBytes guarded;
  std::mt19937 random(1);
  for (int round = 0; round < 200'000; ++round) {
    std::vector<std::uint8_t> packet(random() % 80);
    for (std::uint8_t& byte : packet) byte = static_cast<std::uint8_t>(random());
    if (!packet.empty()) packet[0] = static_cast<std::uint8_t>(0x80 | (packet[0] & 0x3f));
    const MutableBytes bytes = guarded.copy(packet);
    const std::optional<RtpView> view = parse_rtp(bytes);
    EXPECT_TRUE(!view || view->header_bytes <= packet.size());
    (void)rtcp_sender_ssrc(bytes);
    (void)parse_rtcp(bytes);
  }
}

TEST(Rtcp, WalksACompoundPacketToItsEnd) {
  // SR without report blocks, then SDES with one empty chunk.
  std::vector<std::uint8_t> packet(28 + 12);
  packet[0] = 0x80;
  packet[1] = 200;
  store_be16(&packet[2], 6);
  store_be32(&packet[4], 0x01020304);
  packet[28] = 0x81;
  packet[29] = 202;
  store_be16(&packet[30], 2);
  EXPECT_EQ(rtcp_sender_ssrc(packet), 0x01020304u);
  std::vector<std::uint8_t> types;
  Bytes rest = packet;
  while (!rest.empty()) {
    const std::optional<RtcpView> view = parse_rtcp(rest);
    ASSERT_TRUE(view);
    types.push_back(view->type);
    rest = rest.subspan(view->packet_bytes);
  }
  EXPECT_EQ(types, (std::vector<std::uint8_t>{200, 202}));
}

TEST(Rtcp, RefusesALengthBeyondThePacketAndEveryShortHeader) {
  tests::GuardedBytes guarded;
  const std::vector<std::uint8_t> lies = {0x80, 200, 0x00, 0x07, 1, 2, 3, 4};
  EXPECT_FALSE(parse_rtcp(guarded.copy(lies)));
  for (std::size_t bytes = 0; bytes < kRtcpHeaderBytes; ++bytes) {
    EXPECT_FALSE(rtcp_sender_ssrc(guarded.copy(Bytes(lies).first(bytes))));
  }
}

}  // namespace
}  // namespace weir::proto
