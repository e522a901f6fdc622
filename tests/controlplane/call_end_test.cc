// How a call ends: BYE, CANCEL, silence, shutdown, restart; and what crosses on the way.
#include <gtest/gtest.h>

#include "sip/write.h"
#include "tests/support/call_lab.h"

namespace weir::tests {
namespace {

using sip::HeaderId;

const std::string kCalleeSdp = plain_sdp("198.18.2.2", 50000);

RequestText invite() {
  RequestText request;
  request.body = plain_sdp("198.18.1.2", 40000);
  return request;
}

void caller_answers(CallLab& lab, const sip::Message& request, std::uint16_t status) {
  lab.deliver(kCallers, sip::write(sip::make_response(request, status, "", "")));
}

TEST(CallEnd, TheCallersByeEndsBothLegs) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(lab.in_dialog("BYE", 2));
  (void)lab.expect(kCallers, "200");
  const sip::Message bye = lab.expect(kCallees, "BYE");
  EXPECT_EQ(bye.header(HeaderId::kReason), "SIP;cause=200;text=\"the caller hung up\"");
  EXPECT_EQ(lab.worker().flows(), 0u);
  lab.callee_answers(bye, 200);
  EXPECT_EQ(lab.control().calls(), 0u);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallEnd, TheCalleesByeEndsBothLegs) {
  CallLab lab;
  lab.establish();
  lab.callee_sends(*lab.callee_invite, "BYE", 1);
  (void)lab.expect(kCallees, "200");
  const sip::Message bye = lab.expect(kCallers, "BYE");
  EXPECT_EQ(bye.header(HeaderId::kReason), "SIP;cause=200;text=\"the callee hung up\"");
  caller_answers(lab, bye, 200);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallEnd, AByeThatNobodyAnswersStillEndsTheCall) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(lab.in_dialog("BYE", 2));
  (void)lab.expect(kCallers, "200");
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallEnd, ByesThatCrossAreBothAnswered200) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(lab.in_dialog("BYE", 2));
  lab.callee_sends(*lab.callee_invite, "BYE", 1);
  (void)lab.expect(kCallers, "200");
  const sip::Message bye = lab.expect(kCallees, "BYE");
  (void)lab.expect(kCallees, "200");
  lab.callee_answers(bye, 481);
  EXPECT_TRUE(lab.silent(kCallers));
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallEnd, ByeBeforeTheAckIsTakenAsTheEnd) {
  CallLab lab;
  lab.caller_sends(invite());
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("BYE", 2));
  (void)lab.expect(kCallers, "200");
  lab.callee_answers(lab.expect(kCallees, "BYE"), 200);
  EXPECT_TRUE(lab.nothing_left());
  EXPECT_TRUE(lab.silent(kCallers)) << "the 200 to the INVITE is not repeated";
}

TEST(CallEnd, TheCalleesByeWaitsForTheCallersAck) {
  CallLab lab;
  lab.caller_sends(invite());
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  lab.callee_answers(at_callee, 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  lab.callee_sends(at_callee, "BYE", 1);
  (void)lab.expect(kCallees, "200");
  EXPECT_TRUE(lab.silent(kCallers)) << "RFC 3261 section 15: no BYE from the answerer before the ACK";
  lab.caller_sends(lab.in_dialog("ACK", 1));
  caller_answers(lab, lab.expect(kCallers, "BYE"), 200);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallEnd, CancelBeforeAnyAnswerWaitsForTheFirst) {
  CallLab lab;
  lab.caller_sends(invite());
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  lab.caller_sends_bare("CANCEL");
  (void)lab.expect(kCallers, "200");
  const sip::Message refusal = lab.expect(kCallers, "487");
  EXPECT_TRUE(lab.silent(kCallees)) << "RFC 3261 section 9.1";
  lab.callee_answers(at_callee, 180);
  lab.callee_answers(lab.expect(kCallees, "CANCEL"), 200);
  lab.callee_answers(at_callee, 487);
  (void)lab.expect(kCallees, "ACK");
  lab.caller_sends_bare("ACK", refusal.to_tag());
  EXPECT_TRUE(lab.silent(kCallers));
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallEnd, CancelWhileRingingReachesTheCallee) {
  CallLab lab;
  lab.caller_sends(invite());
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  lab.callee_answers(at_callee, 180);
  (void)lab.expect(kCallers, "180");
  lab.caller_sends_bare("CANCEL");
  (void)lab.expect(kCallers, "200");
  (void)lab.expect(kCallers, "487");
  const sip::Message cancel = lab.expect(kCallees, "CANCEL");
  EXPECT_EQ(cancel.request_uri_text(), at_callee.request_uri_text());
  lab.callee_answers(cancel, 200);
  lab.callee_answers(at_callee, 487);
  (void)lab.expect(kCallees, "ACK");
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallEnd, AnAnswerThatCrossesTheCancelIsAcknowledgedAndLeft) {
  CallLab lab;
  lab.caller_sends(invite());
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  lab.callee_answers(at_callee, 180);
  (void)lab.expect(kCallers, "180");
  lab.caller_sends_bare("CANCEL");
  (void)lab.expect(kCallers, "200");
  (void)lab.expect(kCallers, "487");
  (void)lab.expect(kCallees, "CANCEL");
  lab.callee_answers(at_callee, 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  lab.callee_answers(lab.expect(kCallees, "BYE"), 200);
  EXPECT_EQ(lab.worker().installed(), 0u);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallEnd, CancelAfterTheAnswerChangesNothing) {
  CallLab lab;
  lab.establish();
  lab.caller_sends_bare("CANCEL");
  (void)lab.expect(kCallers, "200");
  EXPECT_TRUE(lab.silent(kCallees));
  EXPECT_EQ(lab.worker().installed(), 4u);
}

TEST(CallEnd, ACancelledCalleeThatNeverAnswersIsForgotten) {
  CallLab lab;
  lab.caller_sends(invite());
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 180);
  (void)lab.expect(kCallers, "180");
  lab.caller_sends_bare("CANCEL");
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallEnd, AByeInTheEarlyDialogAlsoEndsTheInvite) {
  CallLab lab;
  lab.caller_sends(invite());
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  lab.callee_answers(at_callee, 180);
  lab.answer = lab.expect(kCallers, "180");
  lab.caller_sends(lab.in_dialog("BYE", 2));
  (void)lab.expect(kCallers, "200");
  (void)lab.expect(kCallers, "487");
  (void)lab.expect(kCallees, "CANCEL");
  lab.callee_answers(at_callee, 487);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallEnd, AByeOfNoCallIs481) {
  CallLab lab;
  lab.caller_sends_bare("BYE", "stranger");
  (void)lab.expect(kCallers, "481");
  lab.establish();
  RequestText forged = lab.in_dialog("BYE", 2);
  forged.to_tag = "guessed";
  lab.caller_sends(forged);
  (void)lab.expect(kCallers, "481");
  EXPECT_EQ(lab.worker().installed(), 4u);
}

TEST(CallEnd, SilenceOnAllFlowsEndsTheCall) {
  CallLab lab("media_timeout_s = 5");
  lab.establish();
  lab.advance(6'000);
  const auto port = static_cast<std::uint16_t>(std::stoi(sdp_value(lab.answer->body(), "m=audio ")));
  lab.worker().event(lab.worker().flow_at(port)->id, proto::EventKind::kMediaTimeout, {}, lab.now_ns);
  lab.settle();
  const sip::Message to_caller = lab.expect(kCallers, "BYE");
  const sip::Message to_callee = lab.expect(kCallees, "BYE");
  EXPECT_EQ(to_caller.header(HeaderId::kReason), "SIP;cause=408;text=\"no media in either direction\"");
  caller_answers(lab, to_caller, 200);
  lab.callee_answers(to_callee, 200);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallEnd, OneSilentDirectionDoesNot) {
  CallLab lab("media_timeout_s = 5");
  lab.establish();
  lab.advance(6'000);
  const auto port_of = [](const sip::Message& message) {
    return static_cast<std::uint16_t>(std::stoi(sdp_value(message.body(), "m=audio ")));
  };
  lab.worker().heard(lab.worker().flow_at(port_of(*lab.callee_invite))->id, lab.now_ns);
  lab.worker().event(lab.worker().flow_at(port_of(*lab.answer))->id, proto::EventKind::kMediaTimeout, {}, lab.now_ns);
  lab.settle();
  EXPECT_TRUE(lab.silent(kCallers));
  EXPECT_EQ(lab.control().calls(), 1u);
}

TEST(CallEnd, ShutdownSaysByeToEveryoneAndTakesNoNewCall) {
  CallLab lab;
  lab.establish();
  lab.control().end_all(lab.now_ns, "the border is shutting down");
  lab.settle();
  const sip::Message to_caller = lab.expect(kCallers, "BYE");
  EXPECT_EQ(to_caller.header(HeaderId::kReason), "SIP;cause=503;text=\"the border is shutting down\"");
  caller_answers(lab, to_caller, 200);
  lab.callee_answers(lab.expect(kCallees, "BYE"), 200);
  RequestText late = invite();
  late.branch = "z9hG4bKlate";
  late.cseq = 9;
  lab.caller_sends(late);
  (void)lab.expect(kCallers, "503");
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallEnd, AnOperatorEndsOneCall) {
  CallLab lab;
  lab.establish();
  EXPECT_FALSE(lab.control().end_call(lab.now_ns, 7, "no such call"));
  EXPECT_TRUE(lab.control().end_call(lab.now_ns, 1, "ended by the operator"));
  EXPECT_FALSE(lab.control().end_call(lab.now_ns, 1, "again"));
  const sip::Message bye = lab.expect(kCallees, "BYE");
  EXPECT_EQ(bye.header(HeaderId::kReason), "SIP;cause=200;text=\"ended by the operator\"");
  lab.callee_answers(bye, 200);
  caller_answers(lab, lab.expect(kCallers, "BYE"), 200);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallEnd, ACallThatTheOperatorEndsWhileItRingsIsRefusedNotAnswered) {
  CallLab lab;
  lab.caller_sends(invite());
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  lab.callee_answers(at_callee, 180);
  (void)lab.expect(kCallers, "180");
  lab.callee_sends(at_callee, "BYE", 1);
  (void)lab.expect(kCallees, "403");
  EXPECT_TRUE(lab.control().end_call(lab.now_ns, 1, "ended by the operator"));
  const sip::Message refusal = lab.expect(kCallers, "480");
  lab.caller_sends_bare("ACK", refusal.to_tag());
  lab.callee_answers(lab.expect(kCallees, "CANCEL"), 200);
  lab.callee_answers(at_callee, 487);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallEnd, WhileDrainingNoNewCallIsTakenAndThoseThereAreGoOn) {
  CallLab lab;
  lab.establish();
  lab.control().drain(true);
  RequestText second = invite();
  second.branch = "z9hG4bKsecond";
  second.cseq = 9;
  lab.caller_sends(second);
  EXPECT_TRUE(lab.expect(kCallers, "503").has(HeaderId::kRetryAfter));
  EXPECT_EQ(lab.worker().installed(), 4u);
  lab.control().drain(false);
  second.branch = "z9hG4bKthird";
  second.cseq = 10;
  lab.caller_sends(second);
  (void)lab.expect(kCallees, "INVITE");
}

}  // namespace
}  // namespace weir::tests
