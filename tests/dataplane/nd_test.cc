#include "dataplane/nd.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/frames.h"
#include "tests/support/guarded_bytes.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::MacAddress;
using tests::Datagram6;
using tests::nd_frame;
using tests::NdFields;
using tests::Packet;

constexpr MacAddress kOursMac = {0x02, 0, 0, 0, 0, 0x01};
constexpr MacAddress kPeerMac = {0x02, 0, 0, 0, 0, 0x02};
constexpr Address kOurs{0x2001'0002'0000'0001, 0x0a};
constexpr Address kPeer{0x2001'0002'0000'0001, 0x02};
constexpr Network kNetwork = {.address = kOurs, .prefix_bits = 64, .mac = kOursMac};

Datagram6 to_us(std::uint8_t hop_limit = 255) {
  return {.hop_limit = hop_limit, .payload = {}};
}
Datagram6 to_group(const char* source, const char* group = "ff02::1:ff00:a") {
  return {
      .to = {0x33, 0x33, 0xff, 0, 0, 0x0a}, .source = source, .destination = group, .hop_limit = 255, .payload = {}};
}

/// An advertisement from the peer.
NdFields advertisement(std::uint8_t flags, const Datagram6& addresses, const char* target = "2001:2:0:1::2") {
  return {.addresses = addresses, .type = 136, .flags = flags, .target = target};
}

/// An ICMPv6 message that is longer or other than nd_frame writes.
Packet message(std::initializer_list<std::uint8_t> tail, std::size_t target_bytes = 16) {
  Packet bytes = {135, 0, 0, 0, 0, 0, 0, 0};
  const auto target = proto::parse_ip_address("2001:2:0:1::a").value().bytes;
  bytes.insert(bytes.end(), target.begin(), target.begin() + static_cast<std::ptrdiff_t>(target_bytes));
  bytes.insert(bytes.end(), tail);
  return tests::icmp6_frame(to_group("2001:2:0:1::2"), bytes);
}

Nd judge(const Packet& packet) {
  static tests::GuardedBytes guarded;
  const proto::Bytes bytes = guarded.copy(packet);
  const Frame frame = parse_frame(bytes, kNetwork);
  if (frame.kind == FrameKind::kNd) return parse_nd(bytes, frame, kNetwork);
  return {.kind = NdKind::kDrop, .reason = frame.reason, .sender = {}, .sender_mac = {}};
}

TEST(Nd, EachMessageIsJudged) {
  struct Row {
    const char* what;
    Packet frame;
    NdKind kind;
    DropReason reason;
  };
  constexpr NdKind kDrop = NdKind::kDrop;
  const Row rows[] = {
      {"a solicitation for us", nd_frame({}), NdKind::kSolicitation, DropReason::kNone},
      {"one to us alone, without an option", nd_frame({.addresses = to_us(), .option = false}), NdKind::kSolicitation,
       DropReason::kNone},
      {"from a link-local address", nd_frame({.addresses = to_group("fe80::2")}), NdKind::kSolicitation,
       DropReason::kNone},
      {"somebody wants our address", nd_frame({.addresses = to_group("::"), .option = false}), NdKind::kSolicitation,
       DropReason::kNone},
      {"an answer to us", nd_frame(advertisement(0x60, to_us())), NdKind::kAnswer, DropReason::kNone},
      {"an announcement", nd_frame(advertisement(0x20, to_group("2001:2:0:1::2", "ff02::1"))), NdKind::kAnnouncement,
       DropReason::kNone},
      {"a router's answer", nd_frame(advertisement(0xe0, to_us(), "fe80::1")), NdKind::kAnswer, DropReason::kNone},
      {"for another", nd_frame({.target = "2001:2:0:1::1:a"}), kDrop, DropReason::kNdNotForUs},
      {"from another network", nd_frame({.addresses = to_group("2001:2:0:9::2")}), kDrop, DropReason::kNdNotForUs},
      {"about another network", nd_frame(advertisement(0x60, to_us(), "2001:2:0:9::2")), kDrop,
       DropReason::kNdNotForUs},
      {"about us", nd_frame(advertisement(0x60, to_us(), "2001:2:0:1::a")), kDrop, DropReason::kNdNotForUs},
      {"a router advertisement", tests::icmp6_frame(to_group("fe80::1", "ff02::1"), Packet{134, 0, 0, 0, 64, 0, 0, 0}),
       kDrop, DropReason::kNdNotForUs},
      {"a redirect", tests::icmp6_frame(to_us(), Packet{137, 0, 0, 0, 0, 0, 0, 0}), kDrop, DropReason::kNdNotForUs},
      {"forwarded by a router", nd_frame({.addresses = to_us(254)}), kDrop, DropReason::kNdMalformed},
      {"a wrong checksum", tests::with(nd_frame({}), 56, {0, 0}), kDrop, DropReason::kNdMalformed},
      {"a code",
       tests::icmp6_frame(to_us(), {135, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), kDrop,
       DropReason::kNdMalformed},
      {"a group as the target", nd_frame({.target = "ff02::1"}), kDrop, DropReason::kNdMalformed},
      {"cut short", message({}, 15), kDrop, DropReason::kNdMalformed},
      {"half an option", message({1, 1, 2, 0}), kDrop, DropReason::kNdMalformed},
      {"an option without length", message({1, 0, 2, 0, 0, 0, 0, 2}), kDrop, DropReason::kNdMalformed},
      {"an option beyond the message", message({14, 2, 0, 0, 0, 0, 0, 0}), kDrop, DropReason::kNdMalformed},
      {"another option", message({14, 1, 0, 0, 0, 0, 0, 0}), NdKind::kSolicitation, DropReason::kNone},
      {"another sender than the frame's", message({1, 1, 2, 0, 0, 0, 0, 9}), kDrop, DropReason::kNdMalformed},
      {"a group as the sender",
       nd_frame({.addresses = {.from = {0x33, 0x33, 0, 0, 0, 1}, .hop_limit = 255, .payload = {}}}), kDrop,
       DropReason::kNdMalformed},
      {"who has no address tells one", nd_frame({.addresses = to_group("::")}), kDrop, DropReason::kNdMalformed},
      {"an answer to all", nd_frame(advertisement(0x40, to_group("2001:2:0:1::2", "ff02::1"))), kDrop,
       DropReason::kNdMalformed},
  };
  for (const Row& row : rows) {
    const Nd nd = judge(row.frame);
    EXPECT_EQ(nd.kind, row.kind) << row.what;
    EXPECT_EQ(proto::drop_reason(nd.reason).name, proto::drop_reason(row.reason).name) << row.what;
    if (nd.kind != kDrop) {
      EXPECT_EQ(nd.sender_mac, kPeerMac) << row.what;
    }
  }
}

Packet answered(Packet frame, const Network& network) {
  const Frame parsed = parse_frame(frame, network);
  const Nd nd = parse_nd(frame, parsed, network);
  EXPECT_EQ(nd.kind, NdKind::kSolicitation);
  frame.resize(kNdFrameBytesMax);
  frame.resize(answer_nd(frame.data(), nd, network));
  return frame;
}

TEST(Nd, ASolicitationBecomesAnAdvertisementThatTheAskerTakes) {
  const Packet answer = answered(nd_frame({}), kNetwork);
  EXPECT_TRUE(std::equal(kPeerMac.begin(), kPeerMac.end(), answer.begin()));
  const Network theirs = {.address = kPeer, .prefix_bits = 64, .mac = kPeerMac};
  const Nd heard = parse_nd(answer, parse_frame(answer, theirs), theirs);
  EXPECT_EQ(heard.kind, NdKind::kAnswer);
  EXPECT_EQ(heard.sender, kOurs);
  EXPECT_EQ(heard.sender_mac, kOursMac);
  EXPECT_EQ(answer[14 + 7], 255);
  EXPECT_EQ(answer[14 + 40 + 4], 0x60) << "solicited, override";
}

TEST(Nd, WhoWantsOurAddressIsToldThroughAllNodes) {
  const Packet answer = answered(nd_frame({.addresses = to_group("::"), .option = false}), kNetwork);
  EXPECT_TRUE(std::equal(answer.begin(), answer.begin() + 6, MacAddress{0x33, 0x33, 0, 0, 0, 1}.begin()));
  EXPECT_EQ(Address::load_ipv6(answer.data() + 14 + 24), kAllNodes);
  EXPECT_EQ(answer[14 + 40 + 4], 0x20) << "not solicited";
}

TEST(Nd, ASolicitationOfOursIsTakenByItsTarget) {
  for (const std::uint16_t vlan : {std::uint16_t{0}, std::uint16_t{100}}) {
    Network ours = kNetwork;
    ours.vlan = vlan;
    const Network theirs = {.vlan = vlan, .address = kPeer, .prefix_bits = 64, .mac = kPeerMac};
    Packet to_all(kNdFrameBytesMax);
    to_all.resize(write_solicitation(to_all.data(), ours, kPeer, nullptr));
    EXPECT_TRUE(std::equal(to_all.begin(), to_all.begin() + 6, MacAddress{0x33, 0x33, 0xff, 0, 0, 2}.begin()));
    EXPECT_EQ(to_all.size(), ours.link_bytes() + 72u);
    Packet to_one(kNdFrameBytesMax);
    to_one.resize(write_solicitation(to_one.data(), ours, kPeer, &kPeerMac));
    for (const Packet& frame : {to_all, to_one}) {
      const Nd nd = parse_nd(frame, parse_frame(frame, theirs), theirs);
      EXPECT_EQ(nd.kind, NdKind::kSolicitation);
      EXPECT_EQ(nd.sender, kOurs);
      EXPECT_EQ(nd.sender_mac, kOursMac);
    }
  }
}

TEST(Nd, NeverReadsBeyondMutatedFrames) {
  std::mt19937 random(11);
  const Packet seeds[] = {nd_frame({}), nd_frame(advertisement(0x60, to_us()))};
  for (int round = 0; round < 100'000; ++round) {
    Packet bytes = seeds[random() % 2];
    bytes[14 + 40 + 24 + random() % 2] = static_cast<std::uint8_t>(random());
    bytes.resize(54 + random() % 33);
    proto::store_be16(bytes.data() + 18, static_cast<std::uint16_t>(bytes.size() - 54));
    if (bytes.size() > 58) {
      proto::store_be16(bytes.data() + 56, 0);
      const proto::Bytes carried(bytes.data() + 54, bytes.size() - 54);
      proto::store_be16(bytes.data() + 56,
                        tests::internet_checksum({{bytes.data() + 22, 32}, carried}, carried.size() + 58));
    }
    const Nd nd = judge(bytes);
    EXPECT_EQ(nd.kind == NdKind::kDrop, nd.reason != DropReason::kNone);
  }
}

}  // namespace
}  // namespace weir::dataplane
