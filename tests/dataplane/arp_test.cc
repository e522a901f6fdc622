#include "dataplane/arp.h"

#include <gtest/gtest.h>

#include "tests/support/frames.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::MacAddress;
using tests::arp_frame;
using tests::cut;
using tests::Packet;
using tests::with;

constexpr MacAddress kOurs = {0x02, 0, 0, 0, 0, 0x01};
constexpr MacAddress kPeer = {0x02, 0, 0, 0, 0, 0x02};
constexpr Network kNetwork = {.address = 0xc612010a, .prefix_bits = 24, .mac = kOurs};

TEST(Arp, EachPacketIsJudged) {
  struct Row {
    const char* what;
    Packet frame;
    ArpKind kind;
    DropReason reason;
  };
  const Row rows[] = {
      {"a request for us", arp_frame({}), ArpKind::kRequest, DropReason::kNone},
      {"a probe for our address", arp_frame({.sender = 0}), ArpKind::kRequest, DropReason::kNone},
      {"a reply to us", arp_frame({.to = kOurs, .operation = 2, .target_mac = kOurs}), ArpKind::kReply,
       DropReason::kNone},
      {"an announcement", arp_frame({.target = 0xc6120102}), ArpKind::kAnnounce, DropReason::kNone},
      {"a request for another", arp_frame({.target = 0xc6120103}), ArpKind::kDrop, DropReason::kArpNotForUs},
      {"from another network", arp_frame({.sender = 0xc6120202}), ArpKind::kDrop, DropReason::kArpNotForUs},
      {"from who claims to be us", arp_frame({.sender = 0xc612010a}), ArpKind::kDrop, DropReason::kArpNotForUs},
      {"from the broadcast address", arp_frame({.sender = 0xc61201ff}), ArpKind::kDrop, DropReason::kArpNotForUs},
      {"a reply from 0.0.0.0", arp_frame({.operation = 2, .sender = 0}), ArpKind::kDrop, DropReason::kArpNotForUs},
      {"cut short", cut(arp_frame({}), 41), ArpKind::kDrop, DropReason::kArpMalformed},
      {"not Ethernet", with(arp_frame({}), 14, {0, 6}), ArpKind::kDrop, DropReason::kArpMalformed},
      {"not IPv4", with(arp_frame({}), 16, {0x86}), ArpKind::kDrop, DropReason::kArpMalformed},
      {"RARP", arp_frame({.operation = 3}), ArpKind::kDrop, DropReason::kArpMalformed},
      {"another sender than the frame's", with(arp_frame({}), 6, {0x06}), ArpKind::kDrop, DropReason::kArpMalformed},
      {"a group as the sender", arp_frame({.sender_mac = {1, 0, 0x5e, 0, 0, 1}}), ArpKind::kDrop,
       DropReason::kArpMalformed},
      {"no sender", arp_frame({.sender_mac = {}}), ArpKind::kDrop, DropReason::kArpMalformed},
  };
  for (const Row& row : rows) {
    const Arp arp = parse_arp(row.frame, 14, kNetwork);
    EXPECT_EQ(arp.kind, row.kind) << row.what;
    EXPECT_EQ(arp.reason, row.reason) << row.what;
  }
}

TEST(Arp, ARequestBecomesItsReply) {
  Packet frame = arp_frame({});
  answer_arp(frame, 14, kNetwork);
  const Packet expected = arp_frame({.to = kPeer,
                                     .operation = 2,
                                     .sender_mac = kOurs,
                                     .sender = 0xc612010a,
                                     .target_mac = kPeer,
                                     .target = 0xc6120102});
  EXPECT_EQ(frame, expected);
}

TEST(Arp, AQuestionOfOursIsOneThatWeWouldAnswer) {
  Packet frame(kArpFrameBytes, 0xee);
  write_arp_request(frame.data(), kNetwork, 0xc6120102, kBroadcastMac);
  Packet expected = arp_frame({.sender_mac = kOurs, .sender = 0xc612010a, .target = 0xc6120102});
  expected.resize(kArpFrameBytes);
  EXPECT_EQ(frame, expected);
  constexpr Network kTheirs = {.address = 0xc6120102, .prefix_bits = 24, .mac = kPeer};
  EXPECT_EQ(parse_arp(frame, 14, kTheirs).kind, ArpKind::kRequest);
}

TEST(Arp, AQuestionOnATaggedNetworkCarriesTheTag) {
  Network tagged = kNetwork;
  tagged.vlan = 100;
  Packet frame(kArpFrameBytes);
  write_arp_request(frame.data(), tagged, 0xc6120102, kBroadcastMac);
  EXPECT_EQ(proto::load_be32(frame.data() + 12), 0x81000064u);
  EXPECT_EQ(proto::load_be32(frame.data() + 16), 0x08060001u);
}

}  // namespace
}  // namespace weir::dataplane
