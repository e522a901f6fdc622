// A weir-control that is killed and started again: its calls go on in the next one. What was on its way is the peers'
// to repeat; what cannot go on is ended with BYE on both legs.
#include <gtest/gtest.h>

#include "tests/support/call_lab.h"

namespace weir::tests {
namespace {

using sip::HeaderId;

const std::string kCallerSdp = plain_sdp("198.18.1.2", 40000);
const std::string kCalleeSdp = plain_sdp("198.18.2.2", 50000);

constexpr std::array<const char*, 2> kKeys{"WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
                                           "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj"};

std::string sdes_sdp(const char* key, const std::string& attributes = "") {
  std::string sdp = plain_sdp("198.18.1.2", 40000,
                              "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + std::string(key) + "\r\n" + attributes);
  sdp.replace(sdp.find("RTP/AVP"), 7, "RTP/SAVP");
  return sdp;
}

RequestText with_body(const CallLab& lab, const std::string& method, std::uint32_t cseq, const std::string& body) {
  RequestText request = lab.in_dialog(method, cseq);
  request.body = body;
  return request;
}

/// Killed, and started again: the one call there is goes on, and nobody has heard of it.
void survive(CallLab& lab) {
  lab.restart();
  ASSERT_EQ(lab.control().adopt_journalled(lab.now_ns), 1u);
  lab.settle();
  EXPECT_TRUE(lab.silent(kCallers));
  EXPECT_TRUE(lab.silent(kCallees));
  EXPECT_EQ(lab.worker().installed(), 4u);
}

TEST(CallKept, ACallGoesOnAndEitherSideHangsUp) {
  for (const bool caller : {true, false}) {
    CallLab lab;
    lab.establish();
    survive(lab);
    if (caller) {
      lab.caller_sends(lab.in_dialog("BYE", 2));
      (void)lab.expect(kCallers, "200");
      const sip::Message bye = lab.expect(kCallees, "BYE");
      EXPECT_EQ(bye.call_id(), lab.callee_invite->call_id());
      EXPECT_EQ(bye.to_tag(), "callee");
      EXPECT_GT(bye.cseq()->number, lab.callee_invite->cseq()->number);
      lab.callee_answers(bye, 200);
    } else {
      lab.callee_sends(*lab.callee_invite, "BYE", 1);
      (void)lab.expect(kCallees, "200");
      const sip::Message bye = lab.expect(kCallers, "BYE");
      EXPECT_EQ(bye.call_id(), "secret-call-id@198.18.1.2");
      EXPECT_EQ(bye.from_tag(), lab.answer->to_tag());
      EXPECT_EQ(bye.request_uri_text(), "sip:alice@198.18.1.2:5062");
      lab.caller_answers(bye, 200);
    }
    EXPECT_TRUE(lab.nothing_left());
  }
}

TEST(CallKept, HoldAndResumeGoThroughAfterwards) {
  CallLab lab;
  lab.establish();
  survive(lab);
  const std::size_t flow = lab.worker().flows();
  lab.caller_sends(with_body(lab, "INVITE", 2, plain_sdp("198.18.1.2", 40000, "a=sendonly\r\n")));
  const sip::Message hold = lab.expect(kCallees, "INVITE");
  EXPECT_NE(hold.body().find("a=sendonly"), std::string_view::npos);
  // The session's own: the same id, a higher version (RFC 3264 section 8).
  const std::string before = sdp_value(lab.callee_invite->body(), "o=");
  const std::string after = sdp_value(hold.body(), "o=");
  EXPECT_EQ(before.substr(0, before.find(' ', 2)), after.substr(0, after.find(' ', 2)));
  EXPECT_NE(before, after);
  EXPECT_EQ(sdp_value(hold.body(), "m=audio "), sdp_value(lab.callee_invite->body(), "m=audio "));
  lab.callee_answers(hold, 200, plain_sdp("198.18.2.2", 50000, "a=recvonly\r\n"));
  (void)lab.expect(kCallees, "ACK");
  EXPECT_NE(lab.expect(kCallers, "200").body().find("a=recvonly"), std::string_view::npos);
  lab.caller_sends(lab.in_dialog("ACK", 2));
  EXPECT_EQ(lab.worker().flows(), flow);
  survive(lab);
  lab.callee_sends(*lab.callee_invite, "INVITE", 1, kCalleeSdp);
  const sip::Message resume = lab.expect(kCallers, "INVITE");
  lab.caller_answers(resume, 200, kCallerSdp);
  (void)lab.expect(kCallers, "ACK");
  (void)lab.expect(kCallees, "200");
}

TEST(CallKept, ANewAddressMovesTheFlowsThatWereTakenOver) {
  CallLab lab;
  lab.establish();
  survive(lab);
  lab.callee_sends(*lab.callee_invite, "INVITE", 1, plain_sdp("198.18.2.2", 51000));
  (void)lab.expect(kCallees, "200");
  const auto port = static_cast<std::uint16_t>(std::stoi(sdp_value(lab.answer->body(), "m=audio ")));
  lab.settle();
  EXPECT_EQ(lab.worker().flow_at(port)->spec.rtp.peer.port, 51000);
  EXPECT_EQ(lab.worker().flow_at(port)->key_updates, 0u);
}

TEST(CallKept, AnExitThatWeirMediaNeverHeardOfIsMadeGood) {
  CallLab lab;
  lab.establish();
  // The answer to the re-INVITE is out and kept, the set-peer was lost with the process.
  const auto port = static_cast<std::uint16_t>(std::stoi(sdp_value(lab.answer->body(), "m=audio ")));
  const proto::FlowId flow = lab.worker().flow_at(port)->id;
  lab.worker().region().flow_status_mutable(flow.index).rtp_exit.port = 4;
  survive(lab);
  lab.settle();
  EXPECT_EQ(lab.worker().region().flow_status(flow.index).rtp_exit.port, 50000);
}

TEST(CallKept, KeysStayAsTheyAreUntilTheyChangeAndThenWithThoseOfTheOtherSide) {
  CallLab lab("", "sdes_suites = [\"AES_CM_128_HMAC_SHA1_80\"]");
  RequestText invite;
  invite.body = sdes_sdp(kKeys[0]);
  lab.establish(invite, kCalleeSdp);
  const auto port = static_cast<std::uint16_t>(std::stoi(sdp_value(lab.answer->body(), "m=audio ")));
  const proto::FlowSpec before = lab.worker().flow_at(port)->spec;
  survive(lab);
  lab.caller_sends(with_body(lab, "INVITE", 2, sdes_sdp(kKeys[0])));
  const sip::Message same = lab.expect(kCallers, "200");
  EXPECT_EQ(sdp_value(same.body(), "a=crypto:"), sdp_value(lab.answer->body(), "a=crypto:"));
  lab.caller_sends(lab.in_dialog("ACK", 2));
  EXPECT_EQ(lab.worker().flow_at(port)->key_updates, 0u);
  lab.caller_sends(with_body(lab, "INVITE", 3, sdes_sdp(kKeys[1])));
  (void)lab.expect(kCallers, "200");
  lab.settle();
  const FakeWorker::Flow& after = *lab.worker().flow_at(port);
  EXPECT_EQ(after.key_updates, 1u);
  EXPECT_EQ(after.spec.receive.profile, proto::SrtpProfile::kAesCm128HmacSha1_80);
  EXPECT_NE(after.spec.receive.rtp.encryption, before.receive.rtp.encryption);
  EXPECT_EQ(after.spec.send.profile, proto::SrtpProfile::kNone);
}

TEST(CallKept, ACallWithoutMediaYetIsEndedOnBothLegs) {
  CallLab lab;
  RequestText invite;
  invite.body = kCallerSdp;
  invite.uri = "sip:dtls-5070@198.18.1.1";
  lab.caller_sends(invite);
  lab.callee_invite = lab.expect(kCallees, "INVITE");
  lab.callee_answers(
      *lab.callee_invite, 200,
      secured_sdp("198.18.2.2", 50000,
                  "a=setup:passive\r\na=fingerprint:sha-256 "
                  "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:"
                  "DD:EE:FF\r\n"));
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 1));
  lab.restart();
  EXPECT_EQ(lab.control().adopt_journalled(lab.now_ns), 0u);
  const sip::Message to_caller = lab.expect(kCallers, "BYE");
  EXPECT_EQ(to_caller.header(HeaderId::kReason),
            "SIP;cause=503;text=\"the border was restarted: its media was not there yet, or carried by DTLS\"");
  lab.caller_answers(to_caller, 200);
  lab.callee_answers(lab.expect(kCallees, "BYE"), 200);
  EXPECT_TRUE(lab.nothing_left());
}

/// As many lines as are taken, with bare LF: with CRLF they are more bytes than are read.
TEST(CallKept, ADescriptionAtTheLimitIsAskedForAgainWithoutHarm) {
  CallLab lab;
  std::string long_sdp = kCallerSdp;
  std::erase(long_sdp, '\r');
  const std::string line = "a=x:" + std::string(59, 'y') + "\n";
  const std::size_t media = long_sdp.find("m=audio");
  for (int i = 0; i < 500; ++i) long_sdp.insert(media, line);
  while (long_sdp.size() < 64'600) long_sdp += line;
  RequestText invite;
  invite.body = long_sdp;
  lab.caller_sends(invite);
  lab.callee_invite = lab.expect(kCallees, "INVITE");
  lab.callee_answers(*lab.callee_invite, 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 1));
  lab.settle();
  lab.callee_sends(*lab.callee_invite, "INVITE", 1);  // asks for our offer, which is longer than may be said
  (void)lab.expect(kCallees, "500");
  lab.restart();
  EXPECT_EQ(lab.control().adopt_journalled(lab.now_ns), 0u);
  (void)lab.expect(kCallers, "BYE");
}

TEST(CallKept, InfoAfterInfoLeavesTheDialogInOrder) {
  CallLab lab;
  lab.establish();
  for (std::uint32_t i = 0; i < 150; ++i) {
    lab.caller_sends(lab.in_dialog("INFO", 2 + i));
    lab.callee_answers(lab.expect(kCallees, "INFO"), 200);
    (void)lab.expect(kCallers, "200");
  }
  survive(lab);
  lab.caller_sends(lab.in_dialog("BYE", 200));
  (void)lab.expect(kCallers, "200");
  EXPECT_GT(lab.expect(kCallees, "BYE").cseq()->number, lab.callee_invite->cseq()->number + 150);
}

TEST(CallKept, ACallThatEndedIsNotThere) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(lab.in_dialog("BYE", 2));
  (void)lab.expect(kCallers, "200");
  lab.callee_answers(lab.expect(kCallees, "BYE"), 200);
  lab.restart();
  EXPECT_EQ(lab.control().adopt_journalled(lab.now_ns), 0u);
  EXPECT_TRUE(lab.silent(kCallers));
  EXPECT_TRUE(lab.silent(kCallees));
}

TEST(CallKept, SessionTimersGoOn) {
  CallLab lab("media_timeout_s = 3600", "session_expires_s = 200");
  lab.establish();
  lab.advance(60'000);
  survive(lab);
  lab.advance(30'000);
  EXPECT_TRUE(lab.silent(kCallers));
  lab.advance(10'000);
  EXPECT_EQ(lab.next(kCallers).method(), sip::Method::kInvite);  // our refresh, at half of the interval
}

TEST(CallKept, TheNextCallsHaveNumbersOfTheirOwnAndPlacesAreCounted) {
  CallLab lab("", "calls_in_max = 1");
  lab.establish();
  survive(lab);
  RequestText second;
  second.body = kCallerSdp;
  second.branch = "z9hG4bKsecond";
  second.cseq = 9;
  lab.caller_sends(second);
  (void)lab.expect(kCallers, "503");
  EXPECT_TRUE(lab.control().call_view(1, lab.now_ns));
}

}  // namespace
}  // namespace weir::tests
