// ARP and ICMP echo, and the questions of our own, over ports in memory.
#include "dataplane/answer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/support/accounting.h"
#include "tests/support/frames.h"
#include "tests/support/media_plane.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::EventKind;
using tests::expect_every_frame_accounted_for;
using tests::MediaPlane;
using tests::Packet;
using tests::rtp_packet;

constexpr std::uint16_t kPort = 20000;
constexpr std::uint16_t kExit = 20002;

TEST(Answerer, AnswersArpAndPing) {
  MediaPlane plane;
  plane.arrive(0, tests::arp_frame({}));
  plane.arrive(0, tests::echo_frame({.payload = {}}, 56));
  plane.arrive(0, tests::arp_frame({.target = 0xc6120177}));
  plane.arrive(0, Packet(20, 0));
  plane.run();
  EXPECT_EQ(plane.departed(0).size(), 2u);
  EXPECT_EQ(plane.dropped(DropReason::kArpNotForUs), 1u);
  EXPECT_EQ(plane.dropped(DropReason::kEtherTypeUnknown), 1u);
  expect_every_frame_accounted_for(plane, 4, 2);
}

TEST(Answerer, PingsAreAnsweredUpToARate) {
  MediaPlane plane;
  for (int i = 0; i < 1500; ++i) plane.arrive(0, tests::echo_frame({.payload = {}}, 8));
  for (int i = 0; i < 30; ++i) {
    plane.engine().worker(0).run_once(plane.now_ns);
    plane.departed(0);
  }
  EXPECT_EQ(plane.totals().answered, kEchoesPerSecondMax);
  EXPECT_EQ(plane.dropped(DropReason::kPoliced), 1500u - kEchoesPerSecondMax);
}

TEST(Answerer, AsksForTheNextHopOfAFlowBeforeItsFirstPacket) {
  MediaPlane plane({.static_neighbours = false});
  proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  plane.run(1);
  const std::vector<Packet> questions = plane.departed(1);
  ASSERT_EQ(questions.size(), 1u);
  EXPECT_EQ(proto::load_be32(questions[0].data() + 38), MediaPlane::peer_address(1));

  plane.arrive(0, 4000, kPort, rtp_packet(1, 1, 20));
  plane.run();
  EXPECT_EQ(plane.dropped(DropReason::kNextHopUnknown), 1u);
  EXPECT_TRUE(plane.departed(1).empty()) << "no second question within the second";

  plane.arrive(1, tests::arp_frame({.operation = 2,
                                    .sender_mac = MediaPlane::kPeerMac,
                                    .sender = MediaPlane::peer_address(1),
                                    .target = MediaPlane::our_address(1)}));
  plane.run();
  plane.arrive(0, 4000, kPort, rtp_packet(2, 1, 20));
  plane.run();
  const std::vector<Packet> sent = plane.departed(1);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(std::equal(MediaPlane::kPeerMac.begin(), MediaPlane::kPeerMac.end(), sent[0].begin()));
  EXPECT_EQ(plane.totals().absorbed, 1u);
}

TEST(Answerer, AStrangersPacketIsNoReasonToAsk) {
  MediaPlane plane({.static_neighbours = false});
  plane.arrive(0, 4000, 30000, rtp_packet(1, 1, 20));
  plane.arrive(0, tests::arp_frame({.operation = 2, .target = MediaPlane::our_address(0)}));
  plane.run();
  EXPECT_TRUE(plane.departed(0).empty());
  EXPECT_EQ(plane.totals().originated, 0u);
}

}  // namespace
}  // namespace weir::dataplane
