// How a call comes about, or does not: the caller's INVITE, the callee's answers, refusals, and time.
#include <gtest/gtest.h>

#include "sip/write.h"
#include "tests/support/call_lab.h"

namespace weir::tests {
namespace {

using sip::HeaderId;

const std::string kCallerSdp = plain_sdp("198.18.1.2", 40000);
const std::string kCalleeSdp = plain_sdp("198.18.2.2", 50000);

RequestText invite(const std::string& body = kCallerSdp) {
  RequestText request;
  request.body = body;
  return request;
}

TEST(CallSetup, AnAnsweredCallConnectsBothLegs) {
  CallLab lab;
  lab.caller_sends(invite());
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  EXPECT_EQ(at_callee.request_uri_text(), "sip:rtp-5070@198.18.2.2:5070");
  EXPECT_EQ(at_callee.max_forwards(), 69);
  EXPECT_EQ(sdp_value(at_callee.body(), "c="), "IN IP4 198.18.2.10");
  lab.callee_answers(at_callee, 180);
  EXPECT_FALSE(lab.expect(kCallers, "180").to_tag().empty());
  lab.callee_answers(at_callee, 200, kCalleeSdp);
  const sip::Message ack = lab.expect(kCallees, "ACK");
  EXPECT_EQ(ack.request_uri_text(), "sip:bob@198.18.2.2:5070");
  const sip::Message at_caller = lab.expect(kCallers, "200");
  EXPECT_EQ(sdp_value(at_caller.body(), "c="), "IN IP4 198.18.1.10");
  EXPECT_EQ(lab.worker().installed(), 4u) << "RTP and RTCP, each way";
  lab.answer = at_caller;
  lab.caller_sends(lab.in_dialog("ACK", 1));
  lab.advance(10'000);
  EXPECT_TRUE(lab.silent(kCallers)) << "the ACK has stopped the 200";
  EXPECT_TRUE(lab.silent(kCallees));
  EXPECT_EQ(lab.control().calls(), 1u);
}

TEST(CallSetup, FlowsLeadFromEachPartysAddressToTheOther) {
  CallLab lab;
  lab.establish();
  const auto port_of = [](const sip::Message& message) {
    return static_cast<std::uint16_t>(std::stoi(sdp_value(message.body(), "m=audio ")));
  };
  const FakeWorker::Flow* from_caller = lab.worker().flow_at(port_of(*lab.answer));
  const FakeWorker::Flow* from_callee = lab.worker().flow_at(port_of(*lab.callee_invite));
  ASSERT_NE(from_caller, nullptr);
  ASSERT_NE(from_callee, nullptr);
  EXPECT_EQ(proto::to_string(from_caller->spec.peer), "198.18.1.2:40000");
  EXPECT_EQ(proto::to_string(from_caller->spec.rtp.peer), "198.18.2.2:50000");
  EXPECT_EQ(from_caller->spec.rtp.local_port, port_of(*lab.callee_invite));
  EXPECT_EQ(proto::to_string(from_callee->spec.rtp.peer), "198.18.1.2:40000");
}

TEST(CallSetup, NothingOfTheCallersSideReachesTheCallee) {
  CallLab lab;
  RequestText request = invite();
  request.headers += "Record-Route: <sip:198.18.1.77;lr>\r\nUser-Agent: secret-agent\r\nX-Private: secret\r\n";
  lab.caller_sends(request);
  const std::string text = sip::write(lab.expect(kCallees, "INVITE"));
  for (const char* secret : {"198.18.1.", "secret", "alicetag", "z9hG4bKcaller1"}) {
    EXPECT_EQ(text.find(secret), std::string::npos) << secret << " in " << text;
  }
  EXPECT_NE(text.find("\"Alice\" <sip:alice@198.18.2.1>"), std::string::npos) << text;
}

TEST(CallSetup, ProgressIsRelayedAnd100IsOurs) {
  CallLab lab;
  lab.caller_sends(invite());
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  lab.callee_answers(at_callee, 100, "", "");
  EXPECT_TRUE(lab.silent(kCallers));
  lab.advance(250);
  (void)lab.expect(kCallers, "100");
  lab.callee_answers(at_callee, 180);
  EXPECT_TRUE(lab.expect(kCallers, "180").body().empty());
  EXPECT_EQ(lab.worker().installed(), 0u);
}

TEST(CallSetup, ARepeatedInviteMakesNoSecondCall) {
  CallLab lab;
  lab.caller_sends(invite());
  (void)lab.expect(kCallees, "INVITE");
  lab.caller_sends(invite());
  EXPECT_TRUE(lab.silent(kCallees));
  EXPECT_EQ(lab.control().calls(), 1u);
}

TEST(CallSetup, ACalleesRefusalReachesTheCallerWithoutItsSecrets) {
  const std::pair<std::uint16_t, const char*> kRows[] = {{486, "486"}, {603, "603"}, {404, "404"}, {480, "480"},
                                                         {401, "403"}, {407, "403"}, {302, "480"}, {503, "503"}};
  for (const auto& [status, expected] : kRows) {
    SCOPED_TRACE(status);
    CallLab lab;
    lab.caller_sends(invite());
    const sip::Message at_callee = lab.expect(kCallees, "INVITE");
    lab.callee_answers(at_callee, status);
    (void)lab.expect(kCallees, "ACK");
    const sip::Message refusal = lab.expect(kCallers, expected);
    EXPECT_FALSE(refusal.has(HeaderId::kContact));
    lab.caller_sends_bare("ACK", refusal.to_tag());
    EXPECT_TRUE(lab.nothing_left());
  }
}

TEST(CallSetup, ACalleeThatSaysNothingIsA408) {
  CallLab lab;
  lab.caller_sends(invite());
  lab.advance(33'000);
  (void)lab.expect(kCallers, "100");
  const sip::Message refusal = lab.expect(kCallers, "408");
  lab.caller_sends_bare("ACK", refusal.to_tag());
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallSetup, ACalleeThatRingsForEverIsCancelled) {
  CallLab lab;
  lab.caller_sends(invite());
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  lab.callee_answers(at_callee, 180);
  (void)lab.expect(kCallers, "180");
  lab.advance(180'000);
  EXPECT_TRUE(lab.silent(kCallees));
  lab.advance(20'000);
  const sip::Message cancel = lab.expect(kCallees, "CANCEL");
  const sip::Message refusal = lab.expect(kCallers, "408");
  lab.callee_answers(cancel, 200);
  lab.callee_answers(at_callee, 487);
  lab.caller_sends_bare("ACK", refusal.to_tag());
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallSetup, TheAnswerIsRepeatedUntilItsAckAndWithoutOneTheCallEnds) {
  CallLab lab;
  lab.caller_sends(invite());
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  lab.callee_answers(at_callee, 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  lab.advance(31'900);
  int answers = 0;
  for (; !lab.silent(kCallers); ++answers) (void)lab.expect(kCallers, "200");
  EXPECT_EQ(answers, 11) << "at 0, 0.5, 1.5, 3.5, 7.5, 11.5, ... 31.5 s";
  lab.advance(2'000);
  const sip::Message to_callee = lab.expect(kCallees, "BYE");
  const sip::Message to_caller = lab.expect(kCallers, "BYE");
  EXPECT_EQ(to_callee.header(HeaderId::kReason), "SIP;cause=408;text=\"the caller never acknowledged the answer\"");
  lab.callee_answers(to_callee, 200);
  EXPECT_EQ(to_caller.request_uri_text(), "sip:alice@198.18.1.2:5062");
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallSetup, ARepeatedAnswerOfTheCalleeIsAcknowledgedAgain) {
  CallLab lab;
  lab.establish();
  lab.callee_answers(*lab.callee_invite, 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  EXPECT_TRUE(lab.silent(kCallers));
}

TEST(CallSetup, AnAnswerThatCannotBeTakenEndsBothLegs) {
  const std::tuple<const char*, std::string, const char*> kRows[] = {
      {"no SDP", "", "502"},
      {"broken SDP", "v=0\r\nm=audio", "488"},
      {"the stream refused", plain_sdp("198.18.2.2", 0), "488"},
      {"the other family", plain_sdp("2001:2::2", 50000), "488"},
      {"another protocol", secured_sdp("198.18.2.2", 50000, ""), "488"},
  };
  for (const auto& [description, body, expected] : kRows) {
    SCOPED_TRACE(description);
    CallLab lab;
    lab.caller_sends(invite());
    const sip::Message at_callee = lab.expect(kCallees, "INVITE");
    lab.callee_answers(at_callee, 200, body);
    (void)lab.expect(kCallees, "ACK");
    const sip::Message bye = lab.expect(kCallees, "BYE");
    EXPECT_TRUE(bye.has(HeaderId::kReason));
    lab.callee_answers(bye, 200);
    const sip::Message refusal = lab.expect(kCallers, expected);
    lab.caller_sends_bare("ACK", refusal.to_tag());
    EXPECT_EQ(lab.worker().installed(), 0u);
    EXPECT_TRUE(lab.nothing_left());
  }
}

TEST(CallSetup, AnotherBranchOfAForkThatAnswersTooIsToldBye) {
  CallLab lab;
  lab.establish();
  lab.callee_answers(*lab.callee_invite, 200, kCalleeSdp, "other-branch");
  EXPECT_EQ(lab.expect(kCallees, "ACK").to_tag(), "other-branch");
  const sip::Message bye = lab.expect(kCallees, "BYE");
  EXPECT_EQ(bye.to_tag(), "other-branch");
  lab.callee_answers(bye, 200);
  EXPECT_EQ(lab.control().calls(), 1u);
  EXPECT_EQ(lab.worker().installed(), 4u);
}

TEST(CallSetup, InvitesThatBecomeNoCallAreRefusedForWhatIsWrong) {
  struct Row {
    const char* description;
    RequestText request;
    const char* status;
    std::string_view header;
  };
  RequestText no_route = invite();
  no_route.uri = "sip:nobody@198.18.1.1";
  RequestText no_way = invite();
  no_way.uri = "sip:loop@198.18.1.1";
  RequestText hops = invite();
  hops.max_forwards = "0";
  RequestText required = invite();
  required.headers += "Require: 100rel, foo\r\n";
  RequestText no_contact = invite();
  no_contact.headers = "";
  RequestText type = invite();
  type.content_type = "text/plain";
  const Row kRows[] = {
      {"no route", no_route, "404", ""},
      {"a target without a way", no_way, "500", ""},
      {"Max-Forwards 0", hops, "483", ""},
      {"an extension", required, "420", "Unsupported"},
      {"no Contact", no_contact, "400", ""},
      {"another body", type, "415", "Accept"},
      {"a family that the realm has not", invite(plain_sdp("2001:2::2", 40000)), "488", ""},
      {"no SDP at all", invite("hello"), "400", ""},
      {"SDP cut short", invite("v=0\r\no=- 1 1 IN IP4 198.18.1.2\r\nm=audio"), "400", ""},
      {"only video",
       invite("v=0\r\no=- 1 1 IN IP4 198.18.1.2\r\ns=-\r\nc=IN IP4 198.18.1.2\r\nt=0 0\r\n"
              "m=application 9 TCP/MSRP *\r\n"),
       "488", ""},
      {"SDES", invite(kCallerSdp.substr(0, kCallerSdp.find("RTP/AVP")) + "RTP/SAVP 8\r\na=crypto:1 X inline:Y\r\n"),
       "488", ""},
  };
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.description);
    CallLab lab;
    lab.caller_sends(row.request);
    const sip::Message refusal = lab.expect(kCallers, row.status);
    EXPECT_TRUE(row.header.empty() || refusal.has(sip::header_by_name(row.header)));
    EXPECT_TRUE(lab.silent(kCallees));
    lab.caller_sends_bare("ACK", refusal.to_tag());
    EXPECT_EQ(lab.control().counters().calls_refused, 1u);
    EXPECT_TRUE(lab.nothing_left());
  }
}

TEST(CallSetup, OneCallTooManyIsToldToComeBack) {
  CallLab lab("calls_max = 1");
  lab.establish();
  RequestText second = invite();
  second.branch = "z9hG4bKsecond";
  second.cseq = 7;
  lab.caller_sends(second);
  EXPECT_TRUE(lab.expect(kCallers, "503").has(HeaderId::kRetryAfter));
  EXPECT_TRUE(lab.silent(kCallees));
}

TEST(CallSetup, AStreamThatWeirMediaRefusesEndsTheCall) {
  CallLab lab;
  lab.worker().refuse(proto::CommandKind::kInstall);
  lab.caller_sends(invite());
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  lab.callee_answers(lab.expect(kCallees, "BYE"), 200);
  EXPECT_TRUE(lab.silent(kCallers)) << "no BYE before the ACK";
  lab.caller_sends(lab.in_dialog("ACK", 1));
  const sip::Message bye = lab.expect(kCallers, "BYE");
  EXPECT_NE(bye.header(HeaderId::kReason)->find("a flow cannot be installed"), std::string_view::npos);
  lab.deliver(kCallers, sip::write(sip::make_response(bye, 200, "", "")));
  EXPECT_TRUE(lab.nothing_left());
}

}  // namespace
}  // namespace weir::tests
