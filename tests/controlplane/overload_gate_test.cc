// Overload at call control's door, in virtual time: who is turned away, and what never is.
#include "controlplane/overload_gate.h"

#include <gtest/gtest.h>

#include "tests/support/call_lab.h"

namespace weir::controlplane {
namespace {

using tests::CallLab;
using tests::kCallees;
using tests::kCallers;

constexpr std::uint64_t kMs = 1'000'000;
/// More than any wait that is borne: no new call at all.
constexpr std::uint64_t kAlarmNs = 300 * kMs;

const std::string kSdp = tests::plain_sdp("198.18.1.2", 40'000);

std::string invite(const std::string& id, const std::string& to_tag = "",
                   const std::string& via_parameters = ";rport") {
  return "INVITE sip:rtp-5070@198.18.1.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.1.2:5062;branch=z9hG4bK" + id +
         via_parameters + "\r\nMax-Forwards: 70\r\nFrom: <sip:alice@198.18.1.2>;tag=a" + id +
         "\r\nTo: <sip:rtp-5070@198.18.1.1>" + to_tag + "\r\nCall-ID: " + id + "\r\nCSeq: 1 INVITE\r\n" +
         "Contact: <sip:alice@198.18.1.2:5062>\r\nContent-Type: application/sdp\r\nContent-Length: " +
         std::to_string(kSdp.size()) + "\r\n\r\n" + kSdp;
}

/// As the transports do it: the gate first, then the parser.
void arrive(CallLab& lab, const std::string& datagram, std::uint64_t waited_ns) {
  if (!lab.turned_away(kCallers, datagram, waited_ns)) lab.deliver(kCallers, datagram);
}

TEST(OverloadGate, ANewInviteIsRefusedAtOnceAndAskedToWait) {
  CallLab lab;
  arrive(lab, invite("1"), kAlarmNs);
  const sip::Message refusal = lab.expect(kCallers, "503");
  EXPECT_EQ(refusal.header(sip::HeaderId::kRetryAfter), "5");
  EXPECT_EQ(refusal.call_id(), "1");
  EXPECT_FALSE(refusal.to_tag().empty());
  EXPECT_TRUE(lab.silent(kCallers));
  EXPECT_TRUE(lab.silent(kCallees));
  EXPECT_EQ(lab.control().calls(), 0u);
  EXPECT_EQ(lab.control().overload().counters().refused, 1u);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(OverloadGate, TheSameInviteIsRefusedWithTheSameTagAndItsAckIsNoWork) {
  CallLab lab;
  arrive(lab, invite("1"), kAlarmNs);
  arrive(lab, invite("1"), kAlarmNs);
  const std::string tag(lab.expect(kCallers, "503").to_tag());
  EXPECT_EQ(lab.expect(kCallers, "503").to_tag(), tag);
  std::string ack = invite("1", ";tag=" + tag);
  ack.replace(0, 6, "ACK");
  EXPECT_TRUE(lab.turned_away(kCallers, ack, 0));
  ack.replace(ack.find(tag), tag.size(), "another");
  EXPECT_FALSE(lab.turned_away(kCallers, ack, 0)) << "an ACK in a dialog";
}

TEST(OverloadGate, ARepeatedInviteReachesItsTransaction) {
  CallLab lab;
  arrive(lab, invite("1"), 0);
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 180);
  lab.expect(kCallers, "180");
  arrive(lab, invite("2"), kAlarmNs);
  EXPECT_EQ(lab.expect(kCallers, "503").call_id(), "2");
  arrive(lab, invite("1"), kAlarmNs);
  EXPECT_EQ(lab.expect(kCallers, "180").call_id(), "1");
  EXPECT_EQ(lab.control().overload().counters().refused, 1u);
}

TEST(OverloadGate, WhatBelongsToACallIsNeverTurnedAway) {
  CallLab lab;
  lab.establish();
  for (const char* method : {"BYE ", "CANCEL ", "ACK ", "OPTIONS ", "PRACK ", "REGISTER "}) {
    std::string request = invite("1", ";tag=token2");
    request.replace(0, 7, method);
    EXPECT_FALSE(lab.turned_away(kCallers, request, kAlarmNs)) << method;
  }
  EXPECT_FALSE(lab.turned_away(kCallers, invite("1", ";tag=token2"), kAlarmNs)) << "a re-INVITE";
  EXPECT_FALSE(lab.turned_away(kCallers, "SIP/2.0 200 OK\r\n\r\n", kAlarmNs));
}

TEST(OverloadGate, WhatOnlyTheParserCanReadIsRefusedAfterIt) {
  CallLab lab;
  std::string text = invite("1");
  text.replace(text.find("To: "), 4, "To:\r\n ");
  EXPECT_FALSE(lab.turned_away(kCallers, text, kAlarmNs));
  lab.deliver(kCallers, text);
  EXPECT_EQ(lab.expect(kCallers, "503").header(sip::HeaderId::kRetryAfter), "5");
  EXPECT_EQ(lab.control().calls(), 0u);
}

TEST(OverloadGate, WhoIsFarOverTheLimitIsNotAnswered) {
  CallLab lab;  // 100 a second for each source, as many refusals, then silence
  for (int i = 0; i < 300; ++i) arrive(lab, invite(std::to_string(i)), kAlarmNs);
  int refusals = 0;
  for (; !lab.silent(kCallers); ++refusals) lab.expect(kCallers, "503");
  EXPECT_EQ(refusals, 200);
  EXPECT_EQ(lab.control().admission_counters().invites_ignored, 100u);
}

TEST(OverloadGate, TheAnswerGoesWhereTheViaSaysAndNowhereElse) {
  CallLab lab;
  arrive(lab, invite("1", "", ""), kAlarmNs);
  EXPECT_EQ(lab.expect(kCallers, "503").top_via()->parameters.has("rport"), false);
}

TEST(OverloadGate, WithoutADelayInTheSettingsNobodyIsRefused) {
  CallLab lab("[limits]\noverload_delay_ms = 0\n");
  arrive(lab, invite("1"), kAlarmNs);
  lab.expect(kCallees, "INVITE");
  EXPECT_EQ(lab.control().overload().counters().refused, 0u);
}

TEST(OverloadGate, TicksThatComeInTimeDoNotHideASocketThatOverflows) {
  CallLab lab;
  for (int i = 0; i < 400; ++i, lab.now_ns += kMs) {
    (void)lab.control().on_tick(lab.now_ns, 0);
    EXPECT_FALSE(lab.turned_away(kCallers, "\r\n\r\n", 50 * kMs));
  }
  EXPECT_EQ(lab.control().overload().counters().episodes, 1u);
  EXPECT_TRUE(lab.control().overload().rate_per_s());
}

TEST(OverloadGate, ASocketThatFellSilentIsForgotten) {
  CallLab lab;
  EXPECT_FALSE(lab.turned_away(kCallers, "\r\n\r\n", kAlarmNs));
  EXPECT_TRUE(lab.control().overload().rate_per_s());
  for (int i = 0; i < 400; ++i, lab.now_ns += kMs) (void)lab.control().on_tick(lab.now_ns, 0);
  EXPECT_FALSE(lab.control().overload().rate_per_s());
}

TEST(OverloadGate, NewInvitesInASocketOfTheirOwnWaitThereAndFewAreRefused) {
  CallLab lab;
  int refused = 0;
  for (int i = 0; i < 120; ++i) {
    refused += lab.turned_away(kCallers, invite(std::to_string(i)), kAlarmNs, true) ? 1 : 0;
    lab.advance(5);
  }
  EXPECT_EQ(refused, 0) << "let in by the gate, they are asked again once they are parsed";
  for (int i = 0; i < 120; ++i) {
    if (lab.turned_away(kCallers, invite("n" + std::to_string(i)), kAlarmNs, true)) {
      ++refused;
      EXPECT_EQ(lab.expect(kCallers, "503").header(sip::HeaderId::kRetryAfter), "5");
    } else {
      lab.deliver(kCallers, invite("n" + std::to_string(i)));
    }
  }
  EXPECT_EQ(refused, 5);
}

TEST(OverloadGate, LateTicksAreAnOverloadToo) {
  CallLab lab;
  for (int i = 0; i < 400; ++i, lab.now_ns += kMs) (void)lab.control().on_tick(lab.now_ns, 50 * kMs);
  EXPECT_EQ(lab.control().overload().counters().episodes, 1u);
}

}  // namespace
}  // namespace weir::controlplane
