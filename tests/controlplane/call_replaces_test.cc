// INVITEs that take a party's place (RFC 3891): who names the dialog right, in the right realm, and nobody else.
#include <gtest/gtest.h>

#include "tests/support/call_lab.h"

namespace weir::tests {
namespace {

using sip::HeaderId;

/// What the callers' side knows of its dialog, as a Replaces that Weir is to read.
std::string replaces(const CallLab& lab, const std::string& parameters = "") {
  return "secret-call-id@198.18.1.2;to-tag=" + std::string(lab.answer->to_tag()) + ";from-tag=alicetag" + parameters;
}

/// An INVITE of a third party, whose name is Carol, to the callers' side of Weir.
std::string carols_invite(const std::string& replaces, const std::string& body) {
  return "INVITE sip:weir@198.18.1.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.1.2:5062;branch=z9hG4bKcarol;rport\r\n"
         "Max-Forwards: 70\r\nFrom: <sip:carol@198.18.1.3>;tag=caroltag\r\nTo: <sip:weir@198.18.1.1>\r\n"
         "Call-ID: carols-call\r\nCSeq: 1 INVITE\r\nContact: <sip:carol@198.18.1.2:5062>\r\nRequire: replaces\r\n"
         "Replaces: " +
         replaces + "\r\nContent-Type: application/sdp\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

std::uint16_t audio_port(const sip::Message& message) {
  return static_cast<std::uint16_t>(std::stoi(sdp_value(message.body(), "m=audio ")));
}

const std::string kCarolsSdp = plain_sdp("198.18.1.3", 44000);

TEST(CallReplaces, TheOneThatComesTakesThePlaceOfTheOneThatGoes) {
  CallLab lab;
  lab.establish();
  lab.deliver(kCallers, carols_invite(replaces(lab), kCarolsSdp));
  const sip::Message answer = lab.expect(kCallers, "200");
  EXPECT_EQ(answer.call_id(), "carols-call");
  EXPECT_NE(audio_port(answer), audio_port(*lab.answer));
  const sip::Message bye = lab.expect(kCallers, "BYE");
  EXPECT_EQ(bye.call_id(), "secret-call-id@198.18.1.2");
  lab.caller_answers(bye, 200);
  EXPECT_TRUE(lab.silent(kCallees)) << "its session has not changed";
  const FakeWorker::Flow* from_callee = lab.worker().flow_at(audio_port(*lab.callee_invite));
  ASSERT_NE(from_callee, nullptr);
  EXPECT_EQ(proto::to_string(from_callee->spec.rtp.peer), "198.18.1.3:44000");
  EXPECT_EQ(lab.control().calls(), 1u);
  lab.callee_sends(*lab.callee_invite, "BYE", 1);
  (void)lab.expect(kCallees, "200");
  lab.advance(33'000);
  while (!lab.silent(kCallers)) {
    const sip::Message message = lab.next(kCallers);
    if (message.is_request()) lab.caller_answers(message, 200);
  }
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallReplaces, WhoCannotReplaceIsRefusedAndTheCallGoesOn) {
  const std::tuple<const char*, std::string, std::string, const char*> kRows[] = {
      {"a guessed tag", "secret-call-id@198.18.1.2;to-tag=token1;from-tag=alicetag", kCarolsSdp, "481"},
      {"another call", "nobodys-call;to-tag=a;from-tag=b", kCarolsSdp, "481"},
      {"tags the wrong way round", "", kCarolsSdp, "481"},
      {"early only", ";early-only", kCarolsSdp, "486"},
      {"malformed", "secret-call-id@198.18.1.2", kCarolsSdp, "400"},
      {"no common codec", "=",
       "v=0\r\no=c 1 1 IN IP4 198.18.1.3\r\ns=-\r\nc=IN IP4 198.18.1.3\r\nt=0 0\r\n"
       "m=audio 44000 RTP/AVP 9\r\n",
       "488"},
      {"broken SDP", "=", "v=0\r\nm=audio", "400"},
  };
  for (const auto& [description, what, body, status] : kRows) {
    SCOPED_TRACE(description);
    CallLab lab;
    lab.establish();
    std::string named = what == "=" ? replaces(lab) : what.starts_with(";") ? replaces(lab, what) : what;
    if (named.empty()) {
      named = "secret-call-id@198.18.1.2;to-tag=alicetag;from-tag=" + std::string(lab.answer->to_tag());
    }
    lab.deliver(kCallers, carols_invite(named, body));
    (void)lab.expect(kCallers, status);
    EXPECT_TRUE(lab.silent(kCallees));
    EXPECT_EQ(lab.worker().installed(), 4u);
    EXPECT_EQ(lab.control().calls(), 1u);
  }
}

TEST(CallReplaces, ADialogOfAnotherRealmIsNone) {
  CallLab lab;
  lab.establish();
  const std::string named = std::string(lab.callee_invite->call_id()) +
                            ";to-tag=" + std::string(lab.callee_invite->from_tag()) + ";from-tag=callee";
  lab.deliver(kCallers, carols_invite(named, kCarolsSdp));
  (void)lab.expect(kCallers, "481");
  EXPECT_TRUE(lab.silent(kCallees));
  EXPECT_EQ(lab.worker().installed(), 4u);
}

}  // namespace
}  // namespace weir::tests
