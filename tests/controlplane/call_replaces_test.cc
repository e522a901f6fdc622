// INVITEs that take a party's place (RFC 3891): who names the dialog right, in the right realm, and nobody else.
#include <gtest/gtest.h>

#include "proto/source_disguise.h"
#include "tests/support/call_dtls.h"

namespace weir::tests {
namespace {

using sip::HeaderId;

/// What the callers' side knows of its dialog, as a Replaces that Weir is to read.
std::string replaces(const CallLab& lab, const std::string& parameters = "") {
  return "secret-call-id@198.18.1.2;to-tag=" + std::string(lab.answer->to_tag()) + ";from-tag=alicetag" + parameters;
}

/// An INVITE of a third party, whose name is Carol, to the callers' side of Weir.
std::string carols_invite(const std::string& replaces, const std::string& body, const std::string& headers = "") {
  return "INVITE sip:weir@198.18.1.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.1.2:5062;branch=z9hG4bKcarol;rport\r\n"
         "Max-Forwards: 70\r\nFrom: <sip:carol@198.18.1.3>;tag=caroltag\r\nTo: <sip:weir@198.18.1.1>\r\n"
         "Call-ID: carols-call\r\nCSeq: 1 INVITE\r\nContact: <sip:carol@198.18.1.2:5062>\r\nRequire: replaces\r\n"
         "Replaces: " +
         replaces + "\r\n" + headers +
         "Content-Type: application/sdp\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
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

/// The callee's answer over DTLS.
std::string callees_sdp(const DtlsPeer& peer, const std::string& tls_id) {
  return secured_sdp("198.18.2.2", 50000,
                     "a=rtcp-mux\r\na=setup:active\r\na=tls-id:" + tls_id + "\r\n" + fingerprint_line(peer));
}

/// A call whose callee has our certificate.
void establish_over_dtls(CallLab& lab, DtlsPeer& callee) {
  RequestText invite;
  invite.uri = "sip:dtls-5070@198.18.1.1";
  invite.body = plain_sdp("198.18.1.2", 40000);
  lab.caller_sends(invite);
  lab.callee_invite = lab.expect(kCallees, "INVITE");
  lab.callee_answers(*lab.callee_invite, 200, callees_sdp(callee, "abc3de65cddef001be82"));
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 1));
  shake_hands(lab, callee, audio_port(*lab.callee_invite), place("198.18.2.2", 50000));
  ASSERT_TRUE(callee.connected());
}

TEST(CallReplaces, TowardsWhoStaysOneThatComesAnonymouslyIsHiddenAndOurCertificateIsAnother) {
  CallLab lab;
  DtlsPeer before({});
  DtlsPeer after({});
  establish_over_dtls(lab, before);
  EXPECT_EQ(before.seen_fingerprint(), lab.media().fingerprint());
  lab.deliver(kCallers, carols_invite(replaces(lab), kCarolsSdp, "Privacy: id\r\n"));
  const sip::Message answer = lab.expect(kCallers, "200");
  const std::uint16_t at_callee = audio_port(*lab.callee_invite);
  EXPECT_EQ(lab.hiding_at(audio_port(answer)), proto::kHidesSources) << "from the first packet on";
  EXPECT_EQ(lab.hiding_at(at_callee), proto::kFindsSources);

  const sip::Message offer = lab.expect(kCallees, "INVITE");
  EXPECT_EQ(offer.to_tag(), "callee");
  EXPECT_EQ(audio_port(offer), at_callee);
  EXPECT_NE(sdp_value(offer.body(), "a=tls-id:"), sdp_value(lab.callee_invite->body(), "a=tls-id:"));
  const std::string said = sdp_value(offer.body(), "a=fingerprint:");
  EXPECT_NE(said, sip::write_fingerprint(lab.media().fingerprint()));
  const std::uint32_t updates = lab.worker().flow_at(at_callee)->key_updates;
  lab.callee_answers(offer, 200, callees_sdp(after, "abc3de65cddef001be83"));
  (void)lab.expect(kCallees, "ACK");
  shake_hands(lab, after, at_callee, place("198.18.2.2", 50000));
  ASSERT_TRUE(after.connected());
  EXPECT_EQ(sip::write_fingerprint(after.seen_fingerprint()), said);
  EXPECT_EQ(lab.worker().flow_at(at_callee)->key_updates, updates + 1);
  EXPECT_TRUE(lab.silent(kCallees)) << "it is told once";
}

TEST(CallReplaces, WhoStaysWithoutDtlsHasNothingToHearOfOneThatIsHidden) {
  for (const char* const privacy : {"Privacy: id\r\n", "Privacy: session\r\n", ""}) {
    CallLab lab;
    lab.establish();
    lab.deliver(kCallers, carols_invite(replaces(lab), kCarolsSdp, privacy));
    const std::uint16_t port = audio_port(lab.expect(kCallers, "200"));
    EXPECT_TRUE(lab.silent(kCallees));
    EXPECT_EQ(lab.hiding_at(port), *privacy == '\0' ? 0 : proto::kHidesSources) << privacy;
  }
}

TEST(CallReplaces, OneThatIsHiddenIsSoInTheCalleesPlaceAndNotTowardsATrustedRealm) {
  for (const bool trusted : {false, true}) {
    CallLab lab;
    lab.settings().realms[kCallers].policy.trusted = trusted;
    lab.establish();
    const std::string named = std::string(lab.callee_invite->call_id()) +
                              ";to-tag=" + std::string(lab.callee_invite->from_tag()) + ";from-tag=callee";
    lab.deliver(kCallees, carols_invite(named, plain_sdp("198.18.2.3", 52000), "Privacy: id\r\n"));
    const std::uint16_t port = audio_port(lab.expect(kCallees, "200"));
    EXPECT_EQ(lab.hiding_at(port), trusted ? 0 : proto::kHidesSources);
    EXPECT_EQ(lab.hiding_at(audio_port(*lab.answer)), trusted ? 0 : proto::kFindsSources);
  }
}

TEST(CallReplaces, OneThatIsHiddenInTheCalleesPlaceIsNobodyToWhomTheCallerRefersIt) {
  CallLab lab;
  lab.establish();
  const std::string named = std::string(lab.callee_invite->call_id()) +
                            ";to-tag=" + std::string(lab.callee_invite->from_tag()) + ";from-tag=callee";
  lab.deliver(kCallees, carols_invite(named, plain_sdp("198.18.2.3", 52000), "Privacy: id\r\n"));
  const sip::Message answer = lab.expect(kCallees, "200");
  lab.deliver(kCallees,
              "ACK sip:weir@198.18.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.2.2:5062;branch=z9hG4bKcarolack\r\n"
              "Max-Forwards: 70\r\nFrom: <sip:carol@198.18.1.3>;tag=caroltag\r\nTo: <sip:weir@198.18.1.1>;tag=" +
                  std::string(answer.to_tag()) +
                  "\r\nCall-ID: carols-call\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n");
  lab.callee_answers(lab.expect(kCallees, "BYE"), 200);
  RequestText refer = lab.in_dialog("REFER", 2);
  refer.headers += "Refer-To: <sip:rtp-5080@198.18.1.1>\r\n";
  lab.caller_sends(refer);
  (void)lab.expect(kCallers, "202");
  const sip::Message invite = lab.expect(kCallees, "INVITE");
  EXPECT_NE(invite.header(HeaderId::kFrom)->find("anonymous.invalid"), std::string_view::npos)
      << *invite.header(HeaderId::kFrom);
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
