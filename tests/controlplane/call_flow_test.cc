// A call whose party comes back by another connection: what is for it goes there, and for nobody else's word.
#include <gtest/gtest.h>

#include "controlplane/flow_register.h"
#include "controlplane/invitation.h"
#include "controlplane/leg.h"
#include "sip/message.h"
#include "tests/support/call_lab.h"

namespace weir::controlplane {
namespace {

using proto::settings::SipTransport;
using sip::Message;
using tests::CallLab;
using tests::kCallees;
using tests::kCallers;
using tests::RequestText;

/// An established call whose caller is a browser.
class CallFlow : public testing::Test {
 protected:
  CallFlow() {
    first = lab.connect(kCallers, SipTransport::kWss);
    lab.establish();
  }
  /// The callee hangs up; gives where the caller is told so, and ends the call.
  sip::Hop told() {
    lab.callee_sends(*lab.callee_invite, "BYE", 1);
    lab.expect(kCallees, "200");
    const Message bye = lab.expect(kCallers, "BYE");
    const sip::Hop there = lab.last_hop;
    lab.caller_answers(bye, 200);
    EXPECT_TRUE(lab.nothing_left());
    return there;
  }
  CallLab lab;
  sip::Hop first;
};

TEST_F(CallFlow, ARequestByAnotherConnectionMovesTheLegThere) {
  const sip::Hop second = lab.connect(kCallers, SipTransport::kWss);
  lab.caller_sends(lab.in_dialog("OPTIONS", 2));
  lab.expect(kCallers, "200");
  EXPECT_EQ(lab.last_hop, second);
  EXPECT_EQ(told(), second) << "the first is still there, but the browser is not";
}

TEST_F(CallFlow, AReinviteByAnotherConnectionIsAnsweredThereAndSoIsTheRest) {
  lab.cut(first);
  const sip::Hop second = lab.connect(kCallers, SipTransport::kWss);
  RequestText again = lab.in_dialog("INVITE", 2);
  again.body = tests::plain_sdp("198.18.1.2", 40'002);
  lab.caller_sends(again);
  lab.expect(kCallers, "200");
  EXPECT_EQ(lab.last_hop, second);
  lab.caller_sends(lab.in_dialog("ACK", 2));
  EXPECT_EQ(told(), second);
}

TEST_F(CallFlow, WhatIsOutOfOrderMovesNothing) {
  lab.caller_sends(lab.in_dialog("OPTIONS", 5));
  lab.expect(kCallers, "200");
  lab.connect(kCallers, SipTransport::kWss);
  lab.caller_sends(lab.in_dialog("OPTIONS", 4));
  lab.expect(kCallers, "500");
  EXPECT_EQ(told(), first);
}

TEST_F(CallFlow, WhatIsInAnotherDialogMovesNothing) {
  lab.connect(kCallers, SipTransport::kWss);
  RequestText guessed = lab.in_dialog("OPTIONS", 2);
  guessed.to_tag += "x";
  lab.caller_sends(guessed);
  lab.expect(kCallers, "481");
  EXPECT_EQ(told(), first);
}

TEST_F(CallFlow, ALegStaysSecuredAndOnItsKindOfTransport) {
  std::uint32_t cseq = 1;
  for (const SipTransport other : {SipTransport::kWs, SipTransport::kTls, SipTransport::kTcp}) {
    const sip::Hop elsewhere = lab.connect(kCallers, other);
    lab.caller_sends(lab.in_dialog("OPTIONS", ++cseq));
    lab.expect(kCallers, "200");
    lab.heirs.add(first.handle, elsewhere);
  }
  EXPECT_EQ(told(), first);
}

TEST_F(CallFlow, WhoRegistersAnewByAnotherConnectionIsToldThere) {
  const sip::Hop second = lab.connect(kCallers, SipTransport::kWss);
  lab.heirs.add(first.handle, second);
  EXPECT_EQ(told(), second);
}

TEST_F(CallFlow, AndSoIsWhoDoesItTwice) {
  lab.cut(first);
  const sip::Hop second = lab.connect(kCallers, SipTransport::kWss);
  lab.heirs.add(first.handle, second);
  lab.cut(second);
  const sip::Hop third = lab.connect(kCallers, SipTransport::kWss);
  lab.heirs.add(second.handle, third);
  EXPECT_EQ(told(), third);
}

TEST_F(CallFlow, WhoDoesNotComeBackCannotBeToldAndTheCallEnds) {
  lab.cut(first);
  lab.callee_sends(*lab.callee_invite, "BYE", 1);
  lab.expect(kCallees, "200");
  EXPECT_TRUE(lab.silent(kCallers));
  EXPECT_TRUE(lab.nothing_left());
}

TEST_F(CallFlow, AnotherProcessKnowsItByARequestInTheDialog) {
  lab.restart();
  ASSERT_EQ(lab.control().adopt_journalled(lab.now_ns), 1u);
  const sip::Hop second = lab.connect(kCallers, SipTransport::kWss);
  lab.caller_sends(lab.in_dialog("OPTIONS", 2));
  lab.expect(kCallers, "200");
  EXPECT_EQ(told(), second);
}

TEST_F(CallFlow, AnotherProcessFailsWhatIsForItUntilItIsBack) {
  lab.restart();
  ASSERT_EQ(lab.control().adopt_journalled(lab.now_ns), 1u);
  lab.callee_sends(*lab.callee_invite, "INFO", 1);
  EXPECT_GE(lab.next(kCallees).status(), 400);
  EXPECT_EQ(lab.control().calls(), 1u);
  lab.callee_sends(*lab.callee_invite, "BYE", 2);
  lab.expect(kCallees, "200");
  EXPECT_TRUE(lab.silent(kCallers));
  EXPECT_TRUE(lab.nothing_left());
}

/// Whose the caller's connection is, and what is asked to be awaited.
struct Registrations : FlowRegister {
  std::vector<FlowName> flows_over(const sip::Hop& hop) const override {
    return hop == over ? std::vector<FlowName>{name} : std::vector<FlowName>{};
  }
  void await(const FlowName& flow, const sip::Hop& gone) override { awaited.emplace_back(flow, gone); }
  sip::Hop over;
  FlowName name{"callers", "alice", "\"<urn:uuid:1>\"", 1};
  std::vector<std::pair<FlowName, sip::Hop>> awaited;
};

TEST(CallFlowKept, AnotherProcessAwaitsItsRegistration) {
  CallLab lab;
  Registrations registrations;
  registrations.over = lab.connect(kCallers, SipTransport::kWss);
  const sip::Hop first = registrations.over;
  lab.control().set_flows(registrations);
  lab.establish();
  for (int restarts = 1; restarts <= 2; ++restarts) {  // what was adopted is kept as it was
    lab.restart();
    lab.control().set_flows(registrations);
    ASSERT_EQ(lab.control().adopt_journalled(lab.now_ns), 1u);
    ASSERT_EQ(registrations.awaited.size(), static_cast<std::size_t>(restarts));
    EXPECT_EQ(registrations.awaited.back(), std::pair(registrations.name, first));
    registrations.over = {};
    lab.callee_sends(*lab.callee_invite, "INFO", static_cast<std::uint32_t>(restarts));
    EXPECT_GE(lab.next(kCallees).status(), 400);
  }
  const sip::Hop second = lab.connect(kCallers, SipTransport::kWss);
  lab.heirs.add(first.handle, second);
  lab.callee_sends(*lab.callee_invite, "BYE", 9);
  lab.expect(kCallees, "200");
  lab.caller_answers(lab.expect(kCallers, "BYE"), 200);
  EXPECT_EQ(lab.last_hop, second);
  EXPECT_TRUE(lab.nothing_left());
}

constexpr const char* kRegistrar = R"(
[[route]]
realm = "callers"
match = '^sip:bob@.*'
registrar = true
to_realm = "callees"
)";
constexpr const char* kCalleesRegistrar = "registrar = { domain = \"example.com\", auth = false }\n";

/// bob has one instance with two flows.
class TwoFlows : public testing::Test {
 protected:
  TwoFlows() : lab(kRegistrar, "", kCalleesRegistrar) {
    Target first{sip::parse_uri("sip:bob@198.18.2.2:5070").value(), {}, std::nullopt};
    first.other_flows.push_back({sip::parse_uri("sip:bob@198.18.2.3:5070").value(), {}, std::nullopt});
    lab.registered = {first};
    RequestText invite;
    invite.uri = "sip:bob@198.18.1.1";
    invite.body = tests::plain_sdp("198.18.1.2", 40'000);
    lab.caller_sends(invite);
    first_invite = lab.expect(kCallees, "INVITE");
    EXPECT_TRUE(lab.silent(kCallees)) << "one at a time";
  }
  CallLab lab;
  Message first_invite = Message::response(200, "");
};

TEST_F(TwoFlows, WhereOneHasFailedTheOtherIsAsked) {
  lab.callee_answers(first_invite, 430);
  lab.expect(kCallees, "ACK");
  const Message second = lab.expect(kCallees, "INVITE");
  EXPECT_EQ(second.request_uri()->host, "198.18.2.3");
  lab.callee_answers(second, 430, "", "other");
  lab.expect(kCallees, "ACK");
  lab.expect(kCallers, "480");
  lab.caller_sends_bare("ACK");
  EXPECT_TRUE(lab.nothing_left());
}

TEST_F(TwoFlows, WhereOneIsSilentTheOtherIsAsked) {
  lab.advance(Invitation::kSilenceNs / 1'000'000 + 1);
  Message last = lab.next(kCallees);
  while (!lab.silent(kCallees)) last = lab.next(kCallees);
  ASSERT_EQ(last.method(), sip::Method::kInvite);
  EXPECT_EQ(last.request_uri()->host, "198.18.2.3");
  lab.expect(kCallers, "100");
  lab.callee_answers(last, 486);
  lab.expect(kCallees, "ACK");
  lab.expect(kCallers, "486");
}

TEST_F(TwoFlows, WhoHasSaidNoIsNotAskedAgain) {
  lab.callee_answers(first_invite, 603);
  lab.expect(kCallees, "ACK");
  lab.expect(kCallers, "603");
  EXPECT_TRUE(lab.silent(kCallees));
}

/// The way we opened to a server is the way to it for as long as it is there.
TEST(Leg, KeepsAConnectionOfOursUntilItIsGone) {
  struct Ways : PathFinder {
    std::optional<Path> arrival(const sip::Hop&) const override { return here ? std::optional(Path{}) : std::nullopt; }
    std::optional<Path> towards(std::uint32_t, const sip::Uri&, const Path*) override { return std::nullopt; }
    bool here = true;
  } ways;
  const Path ours{{.handle = 7, .remote = {}, .reliability = sip::Reliability::kReliable}, 0, SipTransport::kTcp, {}};
  Path theirs{{.handle = 9, .remote = {}, .reliability = sip::Reliability::kReliable}, 0, SipTransport::kTcp, {}};
  theirs.of_peer = true;
  Leg leg(Side::kCallee, ours);
  leg.follow(theirs, ways);
  EXPECT_EQ(leg.path().hop.handle, 7u);
  ways.here = false;
  theirs.realm = 1;
  leg.follow(theirs, ways);
  EXPECT_EQ(leg.path().hop.handle, 7u) << "another realm";
  theirs.realm = 0;
  leg.follow(theirs, ways);
  EXPECT_EQ(leg.path().hop.handle, 9u);
}

}  // namespace
}  // namespace weir::controlplane
