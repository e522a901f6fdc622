// Attended transfers whose parties hang up meanwhile, at each step.
#include <gtest/gtest.h>

#include "tests/support/consultation.h"

namespace weir::tests {
namespace {

TEST(CallAttended, TheRemainingPartysByeCallsItOffAndLeavesTheOtherCall) {
  for (const bool crosses : {false, true}) {
    SCOPED_TRACE(crosses);
    Consultation parties;
    parties.begin();
    CallLab& lab = parties.lab;
    const sip::Message offer = parties.refer_and_read_offer();
    lab.callee_answers(offer, 100);
    lab.caller_sends(lab.in_dialog("BYE", 2));
    (void)lab.expect(kCallers, "200");
    parties.expect_notify(487, "terminated");
    lab.callee_answers(lab.expect(kCallees, "CANCEL"), 200);
    const sip::Message bye = lab.expect(kCallees, "BYE");
    EXPECT_EQ(bye.call_id(), lab.callee_invite->call_id());
    lab.callee_answers(bye, 200);
    lab.callee_answers(offer, crosses ? 200 : 487, crosses ? kCarolsSdp : "");
    (void)lab.expect(kCallees, "ACK");
    if (crosses) {
      const sip::Message back = lab.expect(kCallees, "INVITE");
      EXPECT_EQ(audio_port(back), audio_port(*parties.carols_invite)) << "what it had";
      lab.callee_answers(back, 200, kCarolsSdp);
      (void)lab.expect(kCallees, "ACK");
    }
    EXPECT_TRUE(lab.silent(kCallees));
    EXPECT_EQ(lab.control().calls(), 1u);
    EXPECT_EQ(parties.where(audio_port(*parties.carols_invite)), "198.18.2.2:50010");
    parties.bob_sends("BYE", 2);
    (void)lab.expect(kCallees, "200");
    EXPECT_EQ(lab.expect(kCallees, "BYE").to_tag(), "carol");
    parties.everything_ends();
  }
}

TEST(CallAttended, AReferrerThatHangsUpOnBothHasSaidWhatItWants) {
  Consultation parties;
  parties.begin();
  CallLab& lab = parties.lab;
  const sip::Message offer = parties.refer_and_read_offer();
  lab.callee_sends(*lab.callee_invite, "BYE", 2);
  (void)lab.expect(kCallees, "200");
  parties.bob_sends("BYE", 2);
  (void)lab.expect(kCallees, "200");
  EXPECT_TRUE(lab.silent(kCallees));
  EXPECT_TRUE(lab.silent(kCallers));
  lab.callee_answers(offer, 200, kCarolsSdp);
  (void)lab.expect(kCallees, "ACK");
  EXPECT_TRUE(lab.silent(kCallees)) << "nobody to be told";
  EXPECT_EQ(parties.where_alice_is_sent(), "198.18.2.3:52000");
  EXPECT_EQ(lab.control().calls(), 1u);
  parties.everything_ends();
}

TEST(CallAttended, WhenTheReferrerIsGoneARefusalEndsBothCalls) {
  Consultation parties;
  parties.begin();
  CallLab& lab = parties.lab;
  const sip::Message offer = parties.refer_and_read_offer();
  lab.callee_sends(*lab.callee_invite, "BYE", 2);
  (void)lab.expect(kCallees, "200");
  parties.bob_sends("BYE", 2);
  (void)lab.expect(kCallees, "200");
  lab.callee_answers(offer, 486);
  (void)lab.expect(kCallees, "ACK");
  const sip::Message to_carol = lab.expect(kCallees, "BYE");
  EXPECT_EQ(to_carol.to_tag(), "carol");
  lab.callee_answers(to_carol, 200);
  lab.caller_answers(lab.expect(kCallers, "BYE"), 200);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallAttended, ANewPartyThatHangsUpMeanwhileEndsItsCallAndTheReferrerHasItsFirstOneBack) {
  for (const bool crosses : {false, true}) {
    SCOPED_TRACE(crosses);
    Consultation parties;
    parties.begin();
    CallLab& lab = parties.lab;
    const sip::Message offer = parties.refer_and_read_offer();
    lab.callee_answers(offer, 100);
    parties.carol_sends("BYE", 1);
    (void)lab.expect(kCallees, "200");
    lab.callee_answers(lab.expect(kCallees, "CANCEL"), 200);
    parties.expect_notify(480, "terminated");
    const sip::Message back = lab.expect(kCallees, "INVITE");
    EXPECT_EQ(back.call_id(), lab.callee_invite->call_id());
    const sip::Message bye = lab.expect(kCallees, "BYE");
    EXPECT_EQ(bye.call_id(), "consultation");
    lab.callee_answers(bye, 200);
    lab.callee_answers(back, 200, kBobsSdp);
    (void)lab.expect(kCallees, "ACK");
    EXPECT_EQ(parties.where_alice_is_sent(), "198.18.2.2:50000");
    lab.callee_answers(offer, crosses ? 200 : 487, crosses ? kCarolsSdp : "");
    (void)lab.expect(kCallees, "ACK");
    EXPECT_TRUE(lab.silent(kCallees));
    EXPECT_EQ(lab.control().calls(), 1u);
    parties.everything_ends();
  }
}

TEST(CallAttended, ByesThatCrossOursAreAnswered) {
  Consultation parties;
  parties.begin();
  CallLab& lab = parties.lab;
  lab.callee_answers(parties.refer_and_read_offer(), 200, kCarolsSdp);
  (void)lab.expect(kCallees, "ACK");
  parties.expect_notify(200, "terminated");
  const sip::Message first = lab.expect(kCallees, "BYE");
  const sip::Message second = lab.expect(kCallees, "BYE");
  lab.callee_sends(*lab.callee_invite, "BYE", 2);
  (void)lab.expect(kCallees, "200");
  parties.bob_sends("BYE", 2);
  (void)lab.expect(kCallees, "200");
  lab.callee_answers(first, 481);
  lab.callee_answers(second, 481);
  EXPECT_TRUE(lab.silent(kCallers));
  EXPECT_EQ(parties.where_alice_is_sent(), "198.18.2.3:52000");
  parties.everything_ends();
}

TEST(CallAttended, TheBordersEndMeanwhileLeavesNothing) {
  Consultation parties;
  parties.begin();
  const sip::Message offer = parties.refer_and_read_offer();
  parties.lab.callee_answers(offer, 100);
  parties.everything_ends();
}

TEST(CallAttended, PartiesThatVanishMeanwhileLeaveNothing) {
  Consultation parties;
  parties.begin();
  (void)parties.refer_and_read_offer();
  parties.lab.control().end_all(parties.lab.now_ns, "the end of the test");
  EXPECT_TRUE(parties.lab.nothing_left()) << "nobody has answered anything";
}

}  // namespace
}  // namespace weir::tests
