// Connectivity checks through the whole plane: answered, nominated, consented to. RFC 8445 section 7.3, RFC 7675.
#include "dataplane/ice_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/ice_flow.h"

namespace weir::dataplane {
namespace {

using proto::CommandKind;
using proto::DropReason;
using proto::EventKind;
using testing::ElementsAre;
using tests::Check;
using tests::IceFlow;
using tests::kinds;
using tests::MediaPlane;
using tests::StunAnswer;

constexpr std::string_view kNextPassword = "anotherpassword123456+/";

TEST(IceAnswer, ACheckIsAnsweredToWhereItCameFromAndSaysWhereThatIs) {
  IceFlow flow;
  const std::optional<StunAnswer> answer = flow.check({.transaction = 77}, 4321);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->type, 0x0101);
  EXPECT_EQ(answer->transaction, 77u);
  EXPECT_EQ(answer->mapped, "198.18.1.2:4321");
  EXPECT_TRUE(answer->integrity_holds);
  EXPECT_TRUE(answer->fingerprint_holds);
  EXPECT_EQ(proto::load_be32(flow.frame().data() + 26), MediaPlane::our_address(0));
  EXPECT_EQ(proto::load_be32(flow.frame().data() + 30), IceFlow::kPeer);
  EXPECT_EQ(proto::load_be16(flow.frame().data() + 34), IceFlow::kPort);
  EXPECT_EQ(proto::load_be16(flow.frame().data() + 36), 4321);
  EXPECT_EQ(flow.plane.totals().answered, 1u);
  const std::vector<proto::Event> events = flow.plane.events();
  ASSERT_THAT(kinds(events), ElementsAre(EventKind::kIceChecked));
  EXPECT_EQ(events[0].source, MediaPlane::peer(0, 4321));
}

TEST(IceAnswer, TheFirstCheckOfAHostNobodyKnowsIsAnsweredAndItsNextHopAskedFor) {
  IceFlow flow;
  flow.arrive(tests::stun_check({.transaction = 78}), 4000, IceFlow::kPeer + 0x53);
  EXPECT_EQ(flow.dropped(DropReason::kNextHopUnknown), 0u);
  EXPECT_EQ(flow.plane.totals().answered, 1u);
  const std::vector<tests::Packet> frames = flow.plane.departed(0);
  ASSERT_EQ(frames.size(), 2u);
  std::size_t questions = 0;
  for (const tests::Packet& frame : frames) {
    if (proto::load_be16(frame.data() + 12) == 0x0806) {
      ++questions;  // so that media finds its way
      continue;
    }
    EXPECT_EQ(proto::load_be32(frame.data() + 30), IceFlow::kPeer + 0x53);
    EXPECT_TRUE(std::equal(MediaPlane::kPeerMac.begin(), MediaPlane::kPeerMac.end(), frame.begin()))
        << "to the neighbour that brought it";
  }
  EXPECT_EQ(questions, 1u);
}

TEST(IceAnswer, AFlowThatIsOpenAnswersTooAndOneThatDrainsDoesNot) {
  IceFlow flow(CommandKind::kOpen);
  EXPECT_TRUE(flow.check({.nominates = true}));
  EXPECT_FALSE(flow.passes(4000)) << "it takes no media yet";
  ASSERT_EQ(flow.plane.command(flow.command(CommandKind::kInstall)).kind, EventKind::kInstalled);
  EXPECT_TRUE(flow.passes(4000)) << "who was nominated stays";
  ASSERT_EQ(flow.plane.command(flow.command(CommandKind::kDrain)).kind, EventKind::kDrained);
  EXPECT_FALSE(flow.check({.transaction = 2}));
  EXPECT_EQ(flow.dropped(DropReason::kDraining), 1u);
}

TEST(IceAnswer, AFullBurstIsAnsweredEachItsOwn) {
  IceFlow flow;
  for (std::uint32_t i = 0; i < 70; ++i) {
    flow.plane.arrive(0, static_cast<std::uint16_t>(4000 + i % 4), IceFlow::kPort,
                      tests::stun_check({.transaction = 100 + i}));
  }
  flow.plane.run(2);
  const std::vector<tests::Packet> frames = flow.plane.departed(0);
  ASSERT_EQ(frames.size(), 70u);
  for (std::uint32_t i = 0; i < 70; ++i) {
    const StunAnswer answer = tests::read_stun_answer(tests::udp_payload(frames[i]));
    EXPECT_EQ(answer.transaction, 100 + i);
    EXPECT_EQ(answer.mapped, "198.18.1.2:" + std::to_string(4000 + i % 4));
    EXPECT_TRUE(answer.integrity_holds && answer.fingerprint_holds);
  }
}

TEST(IceAnswer, MediaComesFromCheckedSourcesAndOnceOneIsNominatedFromItAlone) {
  IceFlow flow;
  EXPECT_FALSE(flow.passes(4000));
  ASSERT_TRUE(flow.check({.transaction = 1}, 4000));
  EXPECT_TRUE(flow.passes(4000)) << "RFC 8445 section 12.2";
  EXPECT_FALSE(flow.passes(4001));
  flow.nominate(4001, 2);
  EXPECT_TRUE(flow.passes(4001));
  EXPECT_FALSE(flow.passes(4000));
  EXPECT_EQ(flow.dropped(DropReason::kSourceNotAllowed), 3u);
  std::vector<proto::Event> events = flow.plane.events();
  std::erase_if(events, [](const proto::Event& event) { return event.kind == EventKind::kFirstAuthenticated; });
  ASSERT_THAT(kinds(events), ElementsAre(EventKind::kIceChecked, EventKind::kIceChecked, EventKind::kIceNominated));
  EXPECT_EQ(events[2].source, MediaPlane::peer(0, 4001));
  EXPECT_EQ(events[2].ssrc, 0u);
  EXPECT_EQ(flow.plane.control().flow_status(IceFlow::kIndex).source, MediaPlane::peer(0, 4001));
}

TEST(IceAnswer, TheLatestNominationMovesTheFlow) {
  IceFlow flow;
  flow.nominate(4000, 1);
  flow.plane.sleep_ms(1500);
  flow.nominate(4001, 2);
  EXPECT_TRUE(flow.passes(4001));
  EXPECT_FALSE(flow.passes(4000));
}

TEST(IceAnswer, OfAggressiveNominationsTheOneOfHighestPriorityStays) {
  IceFlow flow;
  ASSERT_TRUE(flow.check({.transaction = 1, .priority = 200, .nominates = true}, 4000));
  ASSERT_TRUE(flow.check({.transaction = 2, .priority = 100, .nominates = true}, 4001)) << "it is answered";
  EXPECT_TRUE(flow.passes(4000));
  ASSERT_TRUE(flow.check({.transaction = 3, .priority = 300, .nominates = true}, 4002));
  EXPECT_TRUE(flow.passes(4002));
}

TEST(IceAnswer, DtlsComesFromCheckedSourcesAlone) {
  IceFlow flow;
  EXPECT_FALSE(flow.punts_dtls(4000));
  ASSERT_TRUE(flow.check({.transaction = 1}, 4000));
  EXPECT_TRUE(flow.punts_dtls(4000));
  EXPECT_FALSE(flow.punts_dtls(4001));
  flow.nominate(4001, 2);
  EXPECT_TRUE(flow.punts_dtls(4001));
  EXPECT_TRUE(flow.punts_dtls(4000)) << "checked, though another was nominated";
}

TEST(IceAnswer, WhatHasToBeUnderstoodAndIsNotIsAnsweredWith420AndRecordsNothing) {
  IceFlow flow;
  const auto answer = flow.check({.nominates = true, .unknown = {0x7001, 0x7002}});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->type, 0x0111);
  EXPECT_EQ(answer->error, 420u);
  EXPECT_THAT(answer->unknown, ElementsAre(0x7001, 0x7002));
  EXPECT_TRUE(answer->integrity_holds && answer->fingerprint_holds);
  EXPECT_FALSE(flow.punts_dtls(4000));
  EXPECT_FALSE(flow.passes(4000));
  EXPECT_TRUE(flow.plane.events().empty());
}

TEST(IceAnswer, APeerThatWantsToBeControlledIsToldOfTheConflict) {
  IceFlow flow;
  const auto answer = flow.check({.nominates = true, .controlled = true});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error, 487u);
  EXPECT_TRUE(answer->integrity_holds && answer->fingerprint_holds);
  EXPECT_FALSE(flow.passes(4000));
}

TEST(IceAnswer, ARetransmissionIsAnsweredAgainAndSaidOnce) {
  IceFlow flow;
  flow.nominate(4000, 1);
  flow.nominate(4000, 1);
  EXPECT_THAT(kinds(flow.plane.events()), ElementsAre(EventKind::kIceChecked, EventKind::kIceNominated));
}

TEST(IceAnswer, ARestartTakesBothCredentialsUntilTheOldOnesGo) {
  IceFlow flow;
  flow.nominate(4000, 1);
  proto::Command restart = flow.command(CommandKind::kSetPeer);
  restart.spec.ice[1] = tests::ice_credentials("next", kNextPassword);
  ASSERT_EQ(flow.plane.command(restart).kind, EventKind::kPeerSet);
  EXPECT_TRUE(flow.passes(4000)) << "who was nominated stays";
  EXPECT_TRUE(flow.check({.transaction = 2}, 4000)) << "the old credentials still serve";
  Check next = {.transaction = 3, .username = "next:wxyz", .password = std::string(kNextPassword), .priority = 1};
  next.nominates = true;
  (void)flow.plane.events();
  ASSERT_TRUE(flow.check(next, 4001)) << "of lower priority, but of the younger credentials";
  const std::vector<proto::Event> events = flow.plane.events();
  ASSERT_THAT(kinds(events), ElementsAre(EventKind::kIceChecked, EventKind::kIceNominated));
  EXPECT_EQ(events[1].ssrc, 1u);
  EXPECT_TRUE(flow.passes(4001));
  ASSERT_TRUE(flow.check({.transaction = 4, .nominates = true}, 4000));
  EXPECT_TRUE(flow.passes(4001)) << "a nomination of before does not count any more";

  proto::Command settled = flow.command(CommandKind::kSetPeer);
  settled.spec.ice[0] = restart.spec.ice[1];
  ASSERT_EQ(flow.plane.command(settled).kind, EventKind::kPeerSet);
  EXPECT_FALSE(flow.check({.transaction = 5}, 4000)) << "the old ones are gone";
  EXPECT_EQ(flow.dropped(DropReason::kIceUserUnknown), 1u);
  EXPECT_TRUE(flow.passes(4001));
  flow.plane.sleep_ms(2000);
  next.transaction = 6;
  ASSERT_TRUE(flow.check(next, 4002));
  EXPECT_TRUE(flow.passes(4002));
}

TEST(IceAnswer, ARestartFromTheSameSourceIsSaidToo) {
  IceFlow flow;
  flow.nominate(4000, 1);
  proto::Command restart = flow.command(CommandKind::kSetPeer);
  restart.spec.ice[1] = tests::ice_credentials("next", kNextPassword);
  ASSERT_EQ(flow.plane.command(restart).kind, EventKind::kPeerSet);
  (void)flow.plane.events();
  Check next = {.transaction = 2, .username = "next:wxyz", .password = std::string(kNextPassword)};
  next.nominates = true;
  ASSERT_TRUE(flow.check(next, 4000));
  EXPECT_THAT(kinds(flow.plane.events()), ElementsAre(EventKind::kIceNominated));
}

TEST(IceAnswer, SilenceOfTheSelectedSourceIsSaidAgainAndAgainUntilItChecks) {
  IceFlow flow;
  proto::Command set = flow.command(CommandKind::kSetPeer);
  set.spec.ice_consent_ms = 5000;
  ASSERT_EQ(flow.plane.command(set).kind, EventKind::kPeerSet);
  const auto lost = [&] {
    const auto found = kinds(flow.plane.events());
    return std::count(found.begin(), found.end(), EventKind::kConsentLost);
  };
  const auto wait = [&](unsigned ms) { flow.plane.run(ms); };
  wait(7000);
  EXPECT_EQ(lost(), 0) << "nobody is selected";
  flow.nominate(4000, 1);
  wait(3000);
  EXPECT_TRUE(flow.check({.transaction = 2}, 4000));
  EXPECT_TRUE(flow.passes(4000));
  wait(3000);
  EXPECT_EQ(lost(), 0);
  EXPECT_TRUE(flow.check({.transaction = 3}, 4001)) << "not the selected source";
  EXPECT_TRUE(flow.passes(4000)) << "media is no consent (RFC 7675 section 5.1)";
  wait(3500);
  EXPECT_EQ(lost(), 1);
  wait(5000);
  EXPECT_GE(lost(), 2);
  EXPECT_TRUE(flow.check({.transaction = 4}, 4000));
  wait(4500);
  EXPECT_EQ(lost(), 0);
  wait(1500);
  EXPECT_EQ(lost(), 1);
}

TEST(IceAnswer, ARestartedPlaneKnowsCredentialsAndNomination) {
  IceFlow flow;
  flow.nominate(4000, 1);
  flow.plane.restart();
  EXPECT_TRUE(flow.passes(4000));
  EXPECT_TRUE(flow.punts_dtls(4000));
  EXPECT_TRUE(flow.check({.transaction = 2}, 4001));
  EXPECT_FALSE(flow.check({.transaction = 1}, 4002)) << "what came before is still known";
}

TEST(IceAnswer, AFlowThatWasRemovedLeavesNothing) {
  IceFlow flow;
  flow.nominate(4000, 1);
  ASSERT_EQ(flow.plane.command(flow.command(CommandKind::kRemove)).kind, EventKind::kRemoved);
  proto::Command again = flow.command(CommandKind::kInstall);
  again.flow.generation = 2;
  again.spec.source_policy = proto::SourcePolicy::kLatch;
  again.spec.ice = {};
  ASSERT_EQ(flow.plane.command(again).kind, EventKind::kInstalled);
  EXPECT_FALSE(flow.check({.transaction = 2}));
  EXPECT_EQ(flow.dropped(DropReason::kKindNotAccepted), 1u);
}

}  // namespace
}  // namespace weir::dataplane
