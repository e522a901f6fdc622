// What happens before the answer: media, forks, reliable provisional responses, offers that come late.
#include <gtest/gtest.h>

#include "controlplane/provisionals.h"
#include "tests/support/call_lab.h"

namespace weir::tests {
namespace {

using sip::HeaderId;

const std::string kCallerSdp = plain_sdp("198.18.1.2", 40000);
const std::string kCalleeSdp = plain_sdp("198.18.2.2", 50000);

RequestText invite(const std::string& body = kCallerSdp, const std::string& headers = "") {
  RequestText request;
  request.body = body;
  request.headers += headers;
  return request;
}

std::uint16_t audio_port(const sip::Message& message) {
  return static_cast<std::uint16_t>(std::stoi(sdp_value(message.body(), "m=audio ")));
}

std::string peer_of(CallLab& lab, std::uint16_t local_port) {
  const FakeWorker::Flow* flow = lab.worker().flow_at(local_port);
  return flow == nullptr ? "no flow" : proto::to_string(flow->spec.rtp.peer);
}

RequestText prack(const CallLab& lab, const sip::Message& provisional, std::uint32_t cseq, const std::string& body) {
  RequestText request = lab.in_dialog("PRACK", cseq);
  request.to_tag = std::string(provisional.to_tag());
  request.headers += "RAck: " + std::string(provisional.header(HeaderId::kRSeq).value_or("0")) + " 1 INVITE\r\n";
  request.body = body;
  return request;
}

TEST(CallEarly, MediaFlowsBeforeTheAnswerWhichSaysTheSameAgain) {
  CallLab lab;
  lab.caller_sends(invite());
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  lab.callee_answers(at_callee, 183, kCalleeSdp);
  const sip::Message early = lab.expect(kCallers, "183");
  EXPECT_EQ(lab.worker().installed(), 4u);
  EXPECT_EQ(peer_of(lab, audio_port(early)), "198.18.2.2:50000");
  lab.callee_answers(at_callee, 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  const sip::Message answer = lab.expect(kCallers, "200");
  EXPECT_EQ(answer.body(), early.body()) << "RFC 3264: one answer to one offer";
  EXPECT_EQ(answer.to_tag(), early.to_tag());
  EXPECT_EQ(lab.worker().installed(), 4u);
}

TEST(CallEarly, AnAnswerWithoutSdpAfterEarlyMediaIsTheSameSession) {
  CallLab lab;
  lab.caller_sends(invite());
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  lab.callee_answers(at_callee, 183, kCalleeSdp, "callee", "Require: 100rel\r\nRSeq: 7\r\n");
  (void)lab.expect(kCallees, "PRACK");
  (void)lab.expect(kCallers, "183");
  lab.callee_answers(at_callee, 200, "");
  (void)lab.expect(kCallees, "ACK");
  EXPECT_FALSE(lab.expect(kCallers, "200").body().empty());
}

TEST(CallEarly, OfSeveralForksTheLatestIsHeardAndTheOneThatAnswersWins) {
  CallLab lab;
  lab.caller_sends(invite());
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  lab.callee_answers(at_callee, 183, kCalleeSdp, "one");
  const std::uint16_t port = audio_port(lab.expect(kCallers, "183"));
  lab.callee_answers(at_callee, 183, plain_sdp("198.18.2.3", 50010), "two");
  (void)lab.expect(kCallers, "183");
  EXPECT_EQ(peer_of(lab, port), "198.18.2.3:50010");
  lab.callee_answers(at_callee, 200, kCalleeSdp, "one");
  EXPECT_EQ(lab.expect(kCallees, "ACK").to_tag(), "one");
  lab.answer = lab.expect(kCallers, "200");
  EXPECT_EQ(peer_of(lab, port), "198.18.2.2:50000");
  lab.caller_sends(lab.in_dialog("ACK", 1));
  lab.callee_answers(at_callee, 200, plain_sdp("198.18.2.3", 50010), "two");
  EXPECT_EQ(lab.expect(kCallees, "ACK").to_tag(), "two");
  const sip::Message bye = lab.expect(kCallees, "BYE");
  EXPECT_EQ(bye.to_tag(), "two");
  EXPECT_EQ(peer_of(lab, port), "198.18.2.2:50000") << "whoever came late moves nothing";
}

TEST(CallEarly, TheWinnersOtherCodecsAreOfferedToTheCallerAfterItsAck) {
  CallLab lab;
  const std::string two = "m=audio 40000 RTP/AVP 8 0\r\n";
  std::string body = kCallerSdp;
  body.replace(body.find("m=audio"), body.find("\r\n", body.find("m=audio")) + 2 - body.find("m=audio"), two);
  lab.caller_sends(invite(body));
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  lab.callee_answers(at_callee, 183, kCalleeSdp, "one");
  (void)lab.expect(kCallers, "183");
  std::string other = kCalleeSdp;
  other.replace(other.find("RTP/AVP 8 101"), 13, "RTP/AVP 0");
  lab.callee_answers(at_callee, 200, other, "two");
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 1));
  while (lab.silent(kCallers)) lab.advance(100);
  const sip::Message reinvite = lab.expect(kCallers, "INVITE");
  EXPECT_NE(reinvite.body().find("RTP/AVP 0\r\n"), std::string_view::npos) << reinvite.body();
  lab.caller_answers(reinvite, 200, other);
  (void)lab.expect(kCallers, "ACK");
  EXPECT_TRUE(lab.silent(kCallees));
}

TEST(CallEarly, AReliableProvisionalIsAcknowledgedOnceAndInOrder) {
  CallLab lab;
  lab.caller_sends(invite());
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  EXPECT_TRUE(at_callee.lists(HeaderId::kSupported, "100rel"));
  const auto ring = [&](const char* rseq) {
    lab.callee_answers(at_callee, 180, "", "callee", std::string("Require: 100rel\r\nRSeq: ") + rseq + "\r\n");
  };
  ring("776656");
  const sip::Message prack = lab.expect(kCallees, "PRACK");
  EXPECT_EQ(prack.header(HeaderId::kRAck), "776656 1 INVITE");
  EXPECT_EQ(prack.to_tag(), "callee");
  (void)lab.expect(kCallers, "180");
  ring("776656");
  ring("776658");
  EXPECT_TRUE(lab.silent(kCallees)) << "repeated, or out of order (RFC 3262 section 4)";
  EXPECT_TRUE(lab.silent(kCallers));
  ring("776657");
  (void)lab.expect(kCallees, "PRACK");
}

TEST(CallEarly, TheCallersReliableProvisionalIsRepeatedUntilItsPrackAndHoldsTheAnswerBack) {
  CallLab lab;
  lab.caller_sends(invite(kCallerSdp, "Supported: 100rel\r\n"));
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  lab.callee_answers(at_callee, 183, kCalleeSdp);
  const sip::Message early = lab.expect(kCallers, "183");
  EXPECT_TRUE(early.lists(HeaderId::kRequire, "100rel"));
  lab.advance(1'600);
  EXPECT_EQ(lab.expect(kCallers, "183").header(HeaderId::kRSeq), early.header(HeaderId::kRSeq));
  EXPECT_EQ(lab.expect(kCallers, "183").header(HeaderId::kRSeq), early.header(HeaderId::kRSeq));
  EXPECT_TRUE(lab.silent(kCallers));
  lab.callee_answers(at_callee, 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  EXPECT_TRUE(lab.silent(kCallers)) << "RFC 3262 section 3: not before the PRACK of a session description";
  lab.answer = early;
  RequestText wrong = prack(lab, early, 2, "");
  wrong.headers = "RAck: 1 99 INVITE\r\n";
  lab.caller_sends(wrong);
  (void)lab.expect(kCallers, "481");
  lab.caller_sends(prack(lab, early, 3, ""));
  (void)lab.expect(kCallers, "200");
  const sip::Message answer = lab.expect(kCallers, "200");
  EXPECT_EQ(answer.cseq()->method, sip::Method::kInvite);
  EXPECT_TRUE(answer.body().empty()) << "its session description has arrived already";
}

TEST(CallEarly, ACallerThatNeverAcknowledgesAReliableProvisionalIsRefused) {
  CallLab lab;
  lab.caller_sends(invite(kCallerSdp, "Require: 100rel\r\n"));
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  lab.callee_answers(at_callee, 180);
  EXPECT_TRUE(lab.expect(kCallers, "180").lists(HeaderId::kRequire, "100rel"));
  lab.advance(64'000);
  while (!lab.silent(kCallers)) {
    const sip::Message message = lab.next(kCallers);
    if (message.status() == 180) continue;
    EXPECT_EQ(message.status(), 504);
    lab.caller_sends_bare("ACK", message.to_tag());
    break;
  }
  lab.callee_answers(lab.expect(kCallees, "CANCEL"), 200);
  lab.callee_answers(at_callee, 487);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallEarly, AnInviteWithoutOfferGetsTheCalleesAndItsAckBringsTheAnswer) {
  CallLab lab;
  lab.caller_sends(invite(""));
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  EXPECT_TRUE(at_callee.body().empty());
  EXPECT_FALSE(at_callee.lists(HeaderId::kSupported, "100rel")) << "the caller could not answer in a PRACK";
  lab.callee_answers(at_callee, 200, kCalleeSdp);
  lab.answer = lab.expect(kCallers, "200");
  EXPECT_NE(lab.answer->body().find("m=audio"), std::string_view::npos);
  EXPECT_TRUE(lab.silent(kCallees)) << "its ACK waits for the caller's answer";
  RequestText ack = lab.in_dialog("ACK", 1);
  ack.body = kCallerSdp;
  lab.caller_sends(ack);
  const sip::Message to_callee = lab.expect(kCallees, "ACK");
  EXPECT_NE(to_callee.body().find("m=audio"), std::string_view::npos);
  EXPECT_EQ(lab.worker().installed(), 4u);
  EXPECT_EQ(peer_of(lab, audio_port(*lab.answer)), "198.18.2.2:50000");
}

TEST(CallEarly, AnOfferInAReliableProvisionalIsAnsweredInThePrack) {
  CallLab lab;
  lab.caller_sends(invite("", "Supported: 100rel\r\n"));
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  EXPECT_TRUE(at_callee.lists(HeaderId::kSupported, "100rel"));
  lab.callee_answers(at_callee, 183, kCalleeSdp, "callee", "Require: 100rel\r\nRSeq: 1\r\n");
  const sip::Message early = lab.expect(kCallers, "183");
  EXPECT_NE(early.body().find("m=audio"), std::string_view::npos);
  EXPECT_TRUE(lab.silent(kCallees));
  lab.answer = early;
  lab.caller_sends(prack(lab, early, 2, kCallerSdp));
  (void)lab.expect(kCallers, "200");
  const sip::Message passed = lab.expect(kCallees, "PRACK");
  EXPECT_EQ(passed.header(HeaderId::kRAck), "1 1 INVITE");
  EXPECT_NE(passed.body().find("m=audio"), std::string_view::npos);
  EXPECT_EQ(lab.worker().installed(), 4u);
  lab.callee_answers(at_callee, 200, "");
  (void)lab.expect(kCallees, "ACK");
  EXPECT_TRUE(lab.expect(kCallers, "200").body().empty());
}

TEST(CallEarly, ACallerThatNeverAnswersTheOfferLeavesNothing) {
  CallLab lab;
  lab.caller_sends(invite(""));
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 200, kCalleeSdp);
  lab.advance(33'000);
  lab.callee_answers(lab.expect(kCallees, "BYE"), 200);
  EXPECT_TRUE(lab.nothing_left());
}

}  // namespace
}  // namespace weir::tests
