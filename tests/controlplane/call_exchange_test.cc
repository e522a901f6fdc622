// New offers in a call, and requests that go on to the other party: who answers, who waits, who is told to come back.
#include <gtest/gtest.h>

#include "tests/support/call_lab.h"

namespace weir::tests {
namespace {

using sip::HeaderId;

const std::string kCallerSdp = plain_sdp("198.18.1.2", 40000);
const std::string kCalleeSdp = plain_sdp("198.18.2.2", 50000);
const std::string kHold = plain_sdp("198.18.1.2", 40000, "a=sendonly\r\n");
const std::string kHeld = plain_sdp("198.18.2.2", 50000, "a=recvonly\r\n");

RequestText with_body(const CallLab& lab, const std::string& method, std::uint32_t cseq, const std::string& body) {
  RequestText request = lab.in_dialog(method, cseq);
  request.body = body;
  return request;
}

bool says(const sip::Message& message, std::string_view text) {
  return message.body().find(text) != std::string_view::npos;
}

TEST(CallExchange, HoldAndResumeComeFromEitherSide) {
  CallLab lab;
  lab.establish();
  lab.callee_sends(*lab.callee_invite, "INVITE", 1, plain_sdp("198.18.2.2", 50000, "a=inactive\r\n"));
  const sip::Message hold = lab.expect(kCallers, "INVITE");
  EXPECT_TRUE(says(hold, "a=inactive"));
  lab.caller_answers(hold, 200, plain_sdp("198.18.1.2", 40000, "a=inactive\r\n"));
  (void)lab.expect(kCallers, "ACK");
  EXPECT_TRUE(says(lab.expect(kCallees, "200"), "a=inactive"));
  lab.callee_sends(*lab.callee_invite, "ACK", 1);
  lab.callee_sends(*lab.callee_invite, "INVITE", 2, kCalleeSdp);
  const sip::Message resume = lab.expect(kCallers, "INVITE");
  EXPECT_TRUE(says(resume, "a=sendrecv"));
  lab.caller_answers(resume, 200, kCallerSdp);
  (void)lab.expect(kCallers, "ACK");
  EXPECT_TRUE(says(lab.expect(kCallees, "200"), "a=sendrecv"));
}

TEST(CallExchange, APartyIsOfferedAnewOnAsManyPortsAsItHasAgreedTo) {
  for (const std::string mux : {"a=rtcp-mux\r\n", ""}) {
    CallLab lab;
    RequestText invite;
    invite.body = plain_sdp("198.18.1.2", 40000, mux);
    lab.caller_sends(invite);
    lab.callee_invite = lab.expect(kCallees, "INVITE");
    lab.callee_answers(*lab.callee_invite, 200, kCalleeSdp);
    (void)lab.expect(kCallees, "ACK");
    lab.answer = lab.expect(kCallers, "200");
    lab.caller_sends(lab.in_dialog("ACK", 1));
    lab.callee_sends(*lab.callee_invite, "INVITE", 1, plain_sdp("198.18.2.2", 50000, "a=sendonly\r\n"));
    const sip::Message hold = lab.expect(kCallers, "INVITE");
    EXPECT_EQ(says(hold, "a=rtcp-mux"), !mux.empty()) << hold.body();
    lab.caller_answers(hold, 200, plain_sdp("198.18.1.2", 40000, mux + "a=recvonly\r\n"));
    (void)lab.expect(kCallers, "ACK");
    EXPECT_TRUE(says(lab.expect(kCallees, "200"), "a=recvonly"));
  }
}

TEST(CallExchange, TheOldHoldOf0000IsHoldToo) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(with_body(lab, "INVITE", 2, plain_sdp("0.0.0.0", 40000)));
  const sip::Message hold = lab.expect(kCallees, "INVITE");
  EXPECT_FALSE(says(hold, "0.0.0.0"));
  EXPECT_TRUE(says(hold, "a=sendonly")) << hold.body();
  lab.callee_answers(hold, 200, kHeld);
  (void)lab.expect(kCallees, "ACK");
  (void)lab.expect(kCallers, "200");
}

TEST(CallExchange, OtherCodecsGoOnAndTheFarPartysChoiceComesBack) {
  CallLab lab;
  lab.establish();
  std::string other = kCallerSdp;
  other.replace(other.find("RTP/AVP 8 101"), 13, "RTP/AVP 0 8");
  lab.caller_sends(with_body(lab, "INVITE", 2, other));
  const sip::Message passed = lab.expect(kCallees, "INVITE");
  EXPECT_TRUE(says(passed, "RTP/AVP 0 8\r\n")) << passed.body();
  std::string chosen = kCalleeSdp;
  chosen.replace(chosen.find("RTP/AVP 8 101"), 13, "RTP/AVP 0");
  lab.callee_answers(passed, 200, chosen);
  (void)lab.expect(kCallees, "ACK");
  EXPECT_TRUE(says(lab.expect(kCallers, "200"), "RTP/AVP 0\r\n"));
}

TEST(CallExchange, ARefusedOfferLeavesBothSessionsAsTheyWere) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(with_body(lab, "INVITE", 2, kHold));
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 488);
  (void)lab.expect(kCallees, "ACK");
  (void)lab.expect(kCallers, "488");
  lab.caller_sends(lab.in_dialog("ACK", 2));
  lab.caller_sends(with_body(lab, "INVITE", 3, kCallerSdp));
  EXPECT_TRUE(says(lab.expect(kCallers, "200"), "a=sendrecv")) << "answered here: nothing has changed";
  EXPECT_TRUE(lab.silent(kCallees));
}

TEST(CallExchange, AnOfferWhoseDialogIsGoneEndsTheCall) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(with_body(lab, "INVITE", 2, kHold));
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 481);
  (void)lab.expect(kCallees, "ACK");
  (void)lab.expect(kCallers, "481");
  lab.caller_sends(lab.in_dialog("ACK", 2));
  lab.caller_answers(lab.expect(kCallers, "BYE"), 200);
  lab.callee_answers(lab.expect(kCallees, "BYE"), 481);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallExchange, OffersThatCrossAreGlare) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(with_body(lab, "INVITE", 2, kHold));
  const sip::Message passed = lab.expect(kCallees, "INVITE");
  lab.callee_sends(*lab.callee_invite, "INVITE", 1, kHeld);
  (void)lab.expect(kCallees, "491");
  lab.caller_sends(with_body(lab, "UPDATE", 3, kCallerSdp));
  EXPECT_TRUE(lab.expect(kCallers, "500").has(HeaderId::kRetryAfter)) << "RFC 3311 section 5.2";
  lab.callee_answers(passed, 491);
  (void)lab.expect(kCallees, "ACK");
  (void)lab.expect(kCallers, "491");
  EXPECT_EQ(lab.control().calls(), 1u);
}

TEST(CallExchange, AWithdrawnOfferIsCancelledAndAnAnswerThatCrossedIsTakenBack) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(with_body(lab, "INVITE", 2, kHold));
  const sip::Message passed = lab.expect(kCallees, "INVITE");
  lab.callee_answers(passed, 180);
  RequestText cancel = lab.in_dialog("CANCEL", 2);
  cancel.branch = with_body(lab, "INVITE", 2, "").branch;
  lab.caller_sends(cancel);
  (void)lab.expect(kCallers, "200");
  (void)lab.expect(kCallers, "487");
  lab.callee_answers(lab.expect(kCallees, "CANCEL"), 200);
  lab.callee_answers(passed, 200, kHeld);
  (void)lab.expect(kCallees, "ACK");
  const sip::Message back = lab.expect(kCallees, "INVITE");
  EXPECT_TRUE(says(back, "a=sendrecv")) << back.body();
  lab.callee_answers(back, 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
}

TEST(CallExchange, AnUpdateIsPassedAsUpdateToWhoKnowsItElseAsInvite) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(with_body(lab, "UPDATE", 2, kHold));
  const sip::Message passed = lab.expect(kCallees, "INVITE");
  lab.callee_answers(passed, 200, kHeld, "callee", "Allow: INVITE, ACK, BYE, CANCEL, UPDATE\r\n");
  (void)lab.expect(kCallees, "ACK");
  EXPECT_TRUE(says(lab.expect(kCallers, "200"), "a=recvonly"));
  lab.caller_sends(with_body(lab, "UPDATE", 3, kCallerSdp));
  const sip::Message update = lab.expect(kCallees, "UPDATE");
  lab.callee_answers(update, 200, kCalleeSdp);
  EXPECT_TRUE(says(lab.expect(kCallers, "200"), "a=sendrecv"));
  EXPECT_TRUE(lab.silent(kCallees)) << "an UPDATE has no ACK";
}

TEST(CallExchange, AReinviteWithoutOfferGetsOursAndItsAckBringsTheAnswer) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(with_body(lab, "INVITE", 2, ""));
  const sip::Message offer = lab.expect(kCallers, "200");
  EXPECT_TRUE(says(offer, "m=audio"));
  lab.caller_sends(with_body(lab, "ACK", 2, plain_sdp("198.18.1.2", 40000, "a=inactive\r\n")));
  const sip::Message passed = lab.expect(kCallees, "INVITE");
  EXPECT_TRUE(says(passed, "a=inactive")) << passed.body();
  lab.callee_answers(passed, 200, plain_sdp("198.18.2.2", 50000, "a=inactive\r\n"));
  (void)lab.expect(kCallees, "ACK");
}

TEST(CallExchange, AnOfferTowardsAPartyThatHasOneOfOursToAnswerIsGlare) {
  CallLab lab;
  lab.establish();
  lab.callee_sends(*lab.callee_invite, "INVITE", 1);
  EXPECT_TRUE(says(lab.expect(kCallees, "200"), "m=audio"));
  lab.caller_sends(with_body(lab, "INVITE", 2, kHold));
  (void)lab.expect(kCallers, "491");
  lab.caller_sends(lab.in_dialog("ACK", 2));
  lab.callee_sends(*lab.callee_invite, "ACK", 1, kCalleeSdp);
  lab.caller_sends(with_body(lab, "INVITE", 3, kHold));
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 200, kHeld);
  (void)lab.expect(kCallees, "ACK");
  EXPECT_TRUE(says(lab.expect(kCallers, "200"), "a=recvonly"));
}

TEST(CallExchange, AnAckWithoutTheAnswerLeavesTheSession) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(with_body(lab, "INVITE", 2, ""));
  (void)lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 2));
  EXPECT_TRUE(lab.silent(kCallees));
  EXPECT_EQ(lab.worker().installed(), 4u);
  EXPECT_EQ(lab.control().calls(), 1u);
}

TEST(CallExchange, AByeOvertakesAnOfferOnItsWay) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(with_body(lab, "INVITE", 2, kHold));
  const sip::Message passed = lab.expect(kCallees, "INVITE");
  lab.callee_sends(*lab.callee_invite, "BYE", 1);
  (void)lab.expect(kCallees, "200");
  (void)lab.expect(kCallers, "487");
  lab.caller_sends(lab.in_dialog("ACK", 2));
  lab.caller_answers(lab.expect(kCallers, "BYE"), 200);
  lab.callee_answers(passed, 481);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallExchange, InfoAndMessageGoOnWithTheirBodyAndTheAnswerComesBack) {
  for (const char* method : {"INFO", "MESSAGE"}) {
    SCOPED_TRACE(method);
    CallLab lab;
    lab.establish();
    RequestText request = with_body(lab, method, 2, "Signal=5\r\n");
    request.content_type = "application/dtmf-relay";
    request.headers += "Info-Package: test\r\nX-Secret: 198.18.1.2\r\n";
    lab.caller_sends(request);
    const sip::Message passed = lab.expect(kCallees, method);
    EXPECT_EQ(passed.body(), "Signal=5\r\n");
    EXPECT_TRUE(passed.content_is("application/dtmf-relay"));
    EXPECT_EQ(passed.header("Info-Package"), "test");
    EXPECT_FALSE(passed.header("X-Secret").has_value());
    EXPECT_TRUE(lab.silent(kCallers));
    lab.callee_answers(passed, 469);
    EXPECT_EQ(lab.expect(kCallers, "469").to_tag(), lab.answer->to_tag());
  }
}

TEST(CallExchange, ARequestThatNobodyAnswersIs408AndManyAtOnceAreToldToComeBack) {
  CallLab lab;
  lab.establish();
  for (std::uint32_t cseq = 2; cseq < 10; ++cseq) lab.caller_sends(with_body(lab, "INFO", cseq, "x"));
  EXPECT_TRUE(lab.silent(kCallers));
  lab.caller_sends(with_body(lab, "INFO", 10, "x"));
  EXPECT_TRUE(lab.expect(kCallers, "503").has(HeaderId::kRetryAfter));
  lab.advance(33'000);
  (void)lab.expect(kCallers, "408");
}

}  // namespace
}  // namespace weir::tests
