// A flow of a full agent through the whole plane: responses to its checks come through, roles are settled, and the pair
// is weir-control's to choose. RFC 8445 sections 7.2.5 and 7.3.1.1.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/ice_flow.h"

namespace weir::dataplane {
namespace {

using proto::CommandKind;
using proto::DropReason;
using proto::EventKind;
using testing::ElementsAre;
using tests::IceFlow;
using tests::kinds;
using tests::MediaPlane;
using tests::Packet;
using tests::StunAnswer;

constexpr std::uint64_t kOurTieBreaker = 100;

class FullIce : public testing::Test {
 protected:
  void become(proto::IceRole role, std::uint16_t peer_port = 0) {
    proto::Command command = flow.command(CommandKind::kSetPeer);
    command.spec.ice_role = role;
    command.spec.ice_tie_breaker = kOurTieBreaker;
    command.spec.accepts = proto::kAcceptRtp;
    if (peer_port != 0) command.spec.peer = MediaPlane::peer(0, peer_port);
    ASSERT_EQ(flow.plane.command(command).kind, EventKind::kPeerSet);
  }
  /// weir-control makes a check; what left for the peer.
  Packet inject(std::uint32_t transaction) {
    proto::Inject inject{};
    inject.flow = flow.command(CommandKind::kSetPeer).flow;
    inject.destination = MediaPlane::peer(0, 4000);
    const Packet check = tests::stun_check({.transaction = transaction});
    inject.bytes = static_cast<std::uint16_t>(check.size());
    std::copy(check.begin(), check.end(), inject.data);
    proto::RingState state = flow.plane.control().inject_producer(0).push(inject);
    EXPECT_EQ(state, proto::RingState::kOk);
    flow.plane.run(2);
    const std::vector<Packet> left = flow.plane.departed(0);
    return left.size() == 1 ? tests::udp_payload(left[0]) : Packet();
  }
  static Packet response(std::uint32_t transaction) {
    return tests::stun_check({.type = 0x0101, .transaction = transaction});
  }
  IceFlow flow;
};

TEST_F(FullIce, AResponseToACheckOfOursGoesToWeirControl) {
  become(proto::IceRole::kControlling);
  EXPECT_EQ(inject(71), tests::stun_check({.transaction = 71}));
  flow.arrive(response(71));
  const std::vector<proto::Punt> punts = flow.plane.punts();
  ASSERT_EQ(punts.size(), 1u);
  EXPECT_EQ(punts[0].source, MediaPlane::peer(0, 4000));
}

TEST_F(FullIce, AResponseToNoneIsDroppedHere) {
  become(proto::IceRole::kControlling);
  (void)inject(71);
  for (std::uint32_t guess = 72; guess < 172; ++guess) flow.arrive(response(guess));
  EXPECT_TRUE(flow.plane.punts().empty());
  EXPECT_EQ(flow.dropped(DropReason::kStunNotRequest), 100u);
}

TEST_F(FullIce, TheLatestChecksAreRememberedAndOlderOnesForgotten) {
  become(proto::IceRole::kControlling);
  for (std::uint32_t one = 1; one <= kIceSent + 1; ++one) (void)inject(one);
  flow.arrive(response(1));
  EXPECT_TRUE(flow.plane.punts().empty());
  flow.arrive(response(2));
  EXPECT_EQ(flow.plane.punts().size(), 1u);
}

TEST_F(FullIce, ALiteAgentsFlowTakesNoResponses) {
  (void)inject(71);
  flow.arrive(response(71));
  EXPECT_TRUE(flow.plane.punts().empty());
  EXPECT_EQ(flow.dropped(DropReason::kStunNotRequest), 1u);
}

TEST_F(FullIce, ANominationIsToldButThePeerIsWeirControls) {
  become(proto::IceRole::kControlled, 4111);
  EXPECT_TRUE(flow.check({.nominates = true}, 4000));
  EXPECT_THAT(kinds(flow.plane.events()), ElementsAre(EventKind::kIceChecked, EventKind::kIceNominated));
  EXPECT_TRUE(flow.passes(4111)) << "the peer";
  EXPECT_TRUE(flow.passes(4000)) << "and who has checked (section 12.2)";
  EXPECT_FALSE(flow.passes(4222));
  EXPECT_TRUE(flow.punts_dtls(4111));
  EXPECT_FALSE(flow.punts_dtls(4222));
  become(proto::IceRole::kControlled, 4000);
  EXPECT_FALSE(flow.passes(4111)) << "it is the peer no more, and never checked";
}

TEST_F(FullIce, WhoControlsIsNotToldWhichPair) {
  become(proto::IceRole::kControlling);
  EXPECT_TRUE(flow.check({.nominates = true, .controlled = true}));
  EXPECT_THAT(kinds(flow.plane.events()), ElementsAre(EventKind::kIceChecked));
}

TEST_F(FullIce, EachCheckIsToldWithWhatItBroughtBeyondItsAnswer) {
  become(proto::IceRole::kControlled);
  for (const std::uint32_t transaction : {1u, 1u, 2u}) {
    const tests::Check check{.transaction = transaction};
    EXPECT_TRUE(flow.check(check));
    const std::vector<proto::Event> events = flow.plane.events();
    ASSERT_THAT(kinds(events), ElementsAre(EventKind::kIceChecked)) << transaction;
    EXPECT_EQ(events[0].bytes, tests::stun_check(check).size() - tests::udp_payload(flow.frame()).size());
  }
  EXPECT_TRUE(flow.check({.transaction = 3, .nominates = true}));
  const std::vector<proto::Event> chosen = flow.plane.events();
  ASSERT_THAT(kinds(chosen), ElementsAre(EventKind::kIceChecked, EventKind::kIceNominated));
  EXPECT_EQ(chosen[1].bytes, 0u) << "counted already";
  EXPECT_TRUE(flow.check({.transaction = 4}));
  EXPECT_THAT(kinds(flow.plane.events()), ElementsAre(EventKind::kIceChecked)) << "weir-control has not found it yet";
  become(proto::IceRole::kControlled, 4000);
  EXPECT_TRUE(flow.check({.transaction = 5}));
  EXPECT_TRUE(flow.plane.events().empty()) << "there is nothing to wait for";
}

TEST_F(FullIce, RolesThatConflictAreSettledByTheTieBreaker) {
  // The peer's is 0x0102030405060708 (tests/support/stun_peer.cc): greater than ours.
  become(proto::IceRole::kControlling);
  const std::optional<StunAnswer> taken = flow.check({.transaction = 1});
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->error, 0u) << "we take the other role";
  const std::vector<proto::Event> events = flow.plane.events();
  ASSERT_THAT(kinds(events), ElementsAre(EventKind::kIceRoleLost, EventKind::kIceChecked));
  EXPECT_EQ(events[0].ssrc, static_cast<std::uint32_t>(proto::IceRole::kControlled));
  EXPECT_TRUE(flow.check({.transaction = 2}));
  EXPECT_THAT(kinds(flow.plane.events()), ElementsAre(EventKind::kIceChecked)) << "the role once";
  const std::optional<StunAnswer> refused = flow.check({.transaction = 3, .controlled = true});
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->error, 487u) << "both controlled: who has the greater one is to control";
  EXPECT_TRUE(refused->integrity_holds);
}

TEST_F(FullIce, ARoleWithoutCredentialsIsRefused) {
  proto::Command command = flow.command(CommandKind::kSetPeer);
  command.spec.ice_role = static_cast<proto::IceRole>(3);
  EXPECT_EQ(flow.plane.command(command).refusal, proto::Refusal::kEnumOutOfRange);
  command.spec.ice_role = proto::IceRole::kControlled;
  command.spec.source_policy = proto::SourcePolicy::kSignalled;
  command.spec.ice = {};
  EXPECT_EQ(flow.plane.command(command).refusal, proto::Refusal::kEnumOutOfRange);
}

}  // namespace
}  // namespace weir::dataplane
