#include "dataplane/icmp.h"

#include <gtest/gtest.h>

#include "tests/support/frames.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using tests::echo_frame;
using tests::Packet;
using tests::with;

constexpr Network kNetwork = {.address = 0xc612010a, .prefix_bits = 24, .mac = {0x02, 0, 0, 0, 0, 0x01}};
constexpr std::size_t kIcmp = 34;

DropReason answer(Packet& packet) {
  const Frame frame = parse_frame(packet, kNetwork);
  EXPECT_EQ(frame.kind, FrameKind::kIcmp);
  return answer_echo(packet, frame, kNetwork);
}

TEST(Icmp, AnEchoRequestBecomesItsReply) {
  for (const std::size_t payload_bytes : {0u, 1u, 56u, 1472u}) {
    const Packet request = echo_frame({.payload = {}}, payload_bytes);
    Packet reply = request;
    ASSERT_EQ(answer(reply), DropReason::kNone);
    ASSERT_EQ(reply.size(), request.size());
    EXPECT_TRUE(std::equal(reply.begin(), reply.begin() + 6, request.begin() + 6)) << "to who asked";
    EXPECT_TRUE(std::equal(reply.begin() + 6, reply.begin() + 12, request.begin())) << "from us";
    EXPECT_EQ(proto::load_be32(reply.data() + 26), 0xc612010au);
    EXPECT_EQ(proto::load_be32(reply.data() + 30), 0xc6120102u);
    EXPECT_EQ(tests::internet_checksum({{reply.data() + 14, 20}}), 0);
    EXPECT_EQ(reply[kIcmp], 0);
    EXPECT_EQ(tests::internet_checksum({{reply.data() + kIcmp, reply.size() - kIcmp}}), 0);
    EXPECT_TRUE(std::equal(reply.begin() + kIcmp + 4, reply.end(), request.begin() + kIcmp + 4)) << "data unchanged";
  }
}

TEST(Icmp, AnIpv6EchoRequestBecomesItsReply) {
  const Network network = {.address = Address{0x2001'0002'0000'0001, 0x0a}, .prefix_bits = 64, .mac = kNetwork.mac};
  for (const std::size_t payload_bytes : {0u, 1u, 56u, 1452u}) {
    const Packet request = tests::echo6_frame({.payload = {}}, payload_bytes);
    Packet reply = request;
    ASSERT_EQ(answer_echo(reply, parse_frame(reply, network), network), DropReason::kNone);
    ASSERT_EQ(reply.size(), request.size());
    EXPECT_TRUE(std::equal(reply.begin(), reply.begin() + 6, request.begin() + 6)) << "to who asked";
    EXPECT_TRUE(std::equal(reply.begin() + 22, reply.begin() + 38, request.begin() + 38)) << "from us";
    EXPECT_TRUE(std::equal(reply.begin() + 38, reply.begin() + 54, request.begin() + 22));
    EXPECT_EQ(reply[54], 129);
    const proto::Bytes message(reply.data() + 54, reply.size() - 54);
    EXPECT_EQ(tests::internet_checksum({{reply.data() + 22, 32}, message}, message.size() + 58), 0);
    EXPECT_TRUE(std::equal(reply.begin() + 58, reply.end(), request.begin() + 58)) << "data unchanged";
  }
  Packet wrong = with(tests::echo6_frame({.payload = {}}, 8), 56, {0, 0});
  EXPECT_EQ(answer_echo(wrong, parse_frame(wrong, network), network), DropReason::kIcmpNotEcho);
  Packet to_all = tests::echo6_frame({.to = {0x33, 0x33, 0, 0, 0, 1}, .destination = "ff02::1", .payload = {}}, 8);
  EXPECT_EQ(answer_echo(to_all, parse_frame(to_all, network), network), DropReason::kIcmpNotEcho);
}

TEST(Icmp, WhatIsNoWholeEchoRequestIsDroppedUnchanged) {
  const Packet good = echo_frame({.payload = {}}, 8);
  struct Row {
    const char* what;
    Packet frame;
  };
  Packet shortened = good;
  proto::store_be16(shortened.data() + 16, 27);
  const Row rows[] = {
      {"a wrong checksum", with(good, kIcmp + 2, {0, 0})},
      {"a reply", with(with(good, kIcmp, {0}), kIcmp + 2, {0, 0})},
      {"a code", with(good, kIcmp + 1, {1})},
      {"a redirect", with(good, kIcmp, {5})},
      {"cut short", tests::with_ip_checksum(shortened)},
  };
  for (const Row& row : rows) {
    Packet frame = row.frame;
    EXPECT_EQ(answer(frame), DropReason::kIcmpNotEcho) << row.what;
    EXPECT_EQ(frame, row.frame) << row.what;
  }
}

}  // namespace
}  // namespace weir::dataplane
