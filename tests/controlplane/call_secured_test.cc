// Secured legs as whole calls: offer and answer, the handshake over punted datagrams, and the fingerprint's verdict
// before any flow. The far end of the handshake is OpenSSL alone. RFC 5763.
#include <gtest/gtest.h>

#include "sip/write.h"
#include "tests/support/call_dtls.h"

namespace weir::tests {
namespace {

using sip::HeaderId;

const std::string kCalleeSdp = plain_sdp("198.18.2.2", 50000);

RequestText secured_invite(const std::string& attributes) {
  RequestText request;
  request.body = secured_sdp("198.18.1.2", 40000, "a=rtcp-mux\r\n" + attributes);
  return request;
}

/// A secured caller that has got its 200; its ACK is sent.
void answer_secured_caller(CallLab& lab, const std::string& attributes) {
  lab.caller_sends(secured_invite(attributes));
  lab.callee_invite = lab.expect(kCallees, "INVITE");
  lab.callee_answers(*lab.callee_invite, 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 1));
}

TEST(CallSecured, TheCallersRoleDecidesOursAndAnOpenOneMakesUsPassive) {
  const std::pair<const char*, const char*> kRows[] = {
      {"active", "passive"}, {"passive", "active"}, {"actpass", "passive"}};
  for (const auto& [offered, answered] : kRows) {
    SCOPED_TRACE(offered);
    CallLab lab;
    DtlsPeer caller({.client = std::string_view(offered) != "passive"});
    answer_secured_caller(lab, "a=setup:" + std::string(offered) + "\r\n" + fingerprint_line(caller));
    EXPECT_EQ(sdp_value(lab.answer->body(), "a=setup:"), answered);
    EXPECT_EQ(sdp_value(lab.answer->body(), "a=fingerprint:"), sip::write_fingerprint(lab.media().fingerprint()));
    EXPECT_NE(lab.answer->body().find("UDP/TLS/RTP/SAVP 8"), std::string_view::npos);
    EXPECT_EQ(sdp_value(lab.callee_invite->body(), "a=setup:"), "") << "the callee is offered plain RTP";
    EXPECT_EQ(lab.worker().installed(), 0u) << "no flow before the handshake";
    shake_hands(lab, caller, audio_port(*lab.answer), place("198.18.1.2", 40000));
    EXPECT_TRUE(caller.connected());
    const FakeWorker::Flow* flow = lab.worker().flow_at(audio_port(*lab.answer));
    ASSERT_NE(flow, nullptr);
    EXPECT_EQ(flow->state, proto::FlowState::kInstalled);
    EXPECT_EQ(flow->spec.receive.profile, proto::SrtpProfile::kAeadAes128Gcm);
    EXPECT_EQ(flow->spec.send.profile, proto::SrtpProfile::kNone);
    const auto call = lab.control().call_view(1, lab.now_ns);
    const boost::json::object& security =
        call->as_object().at("legs").as_array()[0].as_object().at("security").as_object();
    EXPECT_EQ(security.at("version").as_string(), "DTLSv1.2");
    EXPECT_EQ(security.at("profile").as_string(), "AEAD_AES_128_GCM");
    EXPECT_NE(security.at("verdict").as_string().find("matches"), std::string_view::npos);
    EXPECT_EQ(security.at("sas").as_string(), caller.short_authentication());
  }
}

TEST(CallSecured, ACertificateThatDoesNotMatchEndsTheCallBeforeAnyFlow) {
  CallLab lab;
  DtlsPeer caller({});
  DtlsPeer stranger({});
  answer_secured_caller(lab, "a=setup:active\r\n" + fingerprint_line(caller));
  shake_hands(lab, stranger, audio_port(*lab.answer), place("198.18.1.2", 40000));
  EXPECT_EQ(lab.worker().installed(), 0u);
  const sip::Message to_caller = lab.expect(kCallers, "BYE");
  const sip::Message to_callee = lab.expect(kCallees, "BYE");
  EXPECT_EQ(to_caller.header(HeaderId::kReason)->substr(0, 13), "SIP;cause=488");
  EXPECT_NE(to_caller.header(HeaderId::kReason)->find("certificate does not match"), std::string_view::npos)
      << *to_caller.header(HeaderId::kReason);
  lab.deliver(kCallers, sip::write(sip::make_response(to_caller, 200, "", "")));
  lab.callee_answers(to_callee, 200);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallSecured, AFingerprintThatIsMissingMalformedOrWithdrawnIsRefusedAtOnce) {
  const std::tuple<const char*, const char*, const char*> kRows[] = {
      {"missing", "", "488"},
      {"no digest", "a=fingerprint:sha-256\r\n", "400"},
      {"not hexadecimal", "a=fingerprint:sha-256 XY:ZZ\r\n", "400"},
      {"too short", "a=fingerprint:sha-256 AB:CD\r\n", "488"},
      {"md5", "a=fingerprint:md5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n", "488"},
  };
  for (const auto& [description, line, status] : kRows) {
    SCOPED_TRACE(description);
    CallLab lab;
    lab.caller_sends(secured_invite(std::string("a=setup:active\r\n") + line));
    const sip::Message refusal = lab.expect(kCallers, status);
    EXPECT_TRUE(refusal.has(HeaderId::kReason));
    EXPECT_TRUE(lab.silent(kCallees));
    EXPECT_TRUE(lab.nothing_left());
  }
}

TEST(CallSecured, AHandshakeThatNeverComesEndsTheCall) {
  CallLab lab;
  DtlsPeer caller({});
  answer_secured_caller(lab, "a=setup:active\r\n" + fingerprint_line(caller));
  lab.advance(9'000);
  EXPECT_TRUE(lab.silent(kCallers));
  lab.advance(3'000);
  (void)lab.expect(kCallers, "BYE");
  (void)lab.expect(kCallees, "BYE");
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallSecured, ASecuredCalleeIsOfferedActpassAndItsCertificateChecked) {
  const std::pair<const char*, bool> kRows[] = {{"active", true}, {"passive", false}};
  for (const auto& [setup, client] : kRows) {
    SCOPED_TRACE(setup);
    CallLab lab;
    DtlsPeer callee({.client = client});
    RequestText invite;
    invite.uri = "sip:dtls-5070@198.18.1.1";
    invite.body = plain_sdp("198.18.1.2", 40000);
    lab.caller_sends(invite);
    const sip::Message offered = lab.expect(kCallees, "INVITE");
    EXPECT_EQ(offered.request_uri_text(), "sip:dtls-5070@198.18.2.2:5070");
    EXPECT_EQ(sdp_value(offered.body(), "a=setup:"), "actpass");
    EXPECT_NE(offered.body().find("UDP/TLS/RTP/SAVP 8"), std::string_view::npos);
    lab.callee_answers(offered, 200,
                       secured_sdp("198.18.2.2", 50000,
                                   "a=rtcp-mux\r\na=setup:" + std::string(setup) + "\r\n" + fingerprint_line(callee)));
    (void)lab.expect(kCallees, "ACK");
    lab.answer = lab.expect(kCallers, "200");
    EXPECT_NE(lab.answer->body().find("RTP/AVP 8"), std::string_view::npos);
    lab.caller_sends(lab.in_dialog("ACK", 1));
    EXPECT_EQ(lab.worker().installed(), 0u);
    shake_hands(lab, callee, audio_port(offered), place("198.18.2.2", 50000));
    EXPECT_TRUE(callee.connected());
    const FakeWorker::Flow* flow = lab.worker().flow_at(audio_port(*lab.answer));
    ASSERT_NE(flow, nullptr);
    EXPECT_EQ(flow->spec.send.profile, proto::SrtpProfile::kAeadAes128Gcm) << "nothing clear leaves to the callee";
  }
}

TEST(CallSecured, ASecuredCalleeThatAnswersWithoutFingerprintIsLeft) {
  CallLab lab;
  RequestText invite;
  invite.uri = "sip:dtls-5070@198.18.1.1";
  invite.body = plain_sdp("198.18.1.2", 40000);
  lab.caller_sends(invite);
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 200, secured_sdp("198.18.2.2", 50000, "a=setup:active\r\n"));
  (void)lab.expect(kCallees, "ACK");
  lab.callee_answers(lab.expect(kCallees, "BYE"), 200);
  const sip::Message refusal = lab.expect(kCallers, "488");
  EXPECT_TRUE(refusal.has(HeaderId::kReason));
  lab.caller_sends_bare("ACK", refusal.to_tag());
  EXPECT_EQ(lab.worker().installed(), 0u);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallSecured, ASecuredCalleeWithAnotherCertificateIsLeft) {
  CallLab lab;
  DtlsPeer callee({});
  DtlsPeer stranger({});
  RequestText invite;
  invite.uri = "sip:dtls-5070@198.18.1.1";
  invite.body = plain_sdp("198.18.1.2", 40000);
  lab.caller_sends(invite);
  const sip::Message offered = lab.expect(kCallees, "INVITE");
  lab.callee_answers(offered, 200,
                     secured_sdp("198.18.2.2", 50000, "a=rtcp-mux\r\na=setup:active\r\n" + fingerprint_line(callee)));
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 1));
  shake_hands(lab, stranger, audio_port(offered), place("198.18.2.2", 50000));
  EXPECT_EQ(lab.worker().installed(), 0u);
  (void)lab.expect(kCallers, "BYE");
  (void)lab.expect(kCallees, "BYE");
  EXPECT_TRUE(lab.nothing_left());
}

/// Of the flow that the caller's media comes by.
std::uint32_t key_updates(CallLab& lab) {
  const FakeWorker::Flow* flow = lab.worker().flow_at(audio_port(*lab.answer));
  return flow == nullptr ? 0 : flow->key_updates;
}

TEST(CallSecured, AReinviteWithAnotherFingerprintBringsAnAssociationOfItsOwnBesideTheOneInForce) {
  CallLab lab;
  DtlsPeer caller({});
  DtlsPeer second({});
  answer_secured_caller(lab, "a=setup:active\r\n" + fingerprint_line(caller));
  const std::uint16_t port = audio_port(*lab.answer);
  shake_hands(lab, caller, port, place("198.18.1.2", 40000));
  const std::size_t installed = lab.worker().installed();
  EXPECT_GT(installed, 0u);
  RequestText request = lab.in_dialog("INVITE", 2);
  request.body = secured_invite("a=setup:actpass\r\n" + fingerprint_line(caller)).body;
  lab.caller_sends(request);
  EXPECT_EQ(sdp_value(lab.expect(kCallers, "200").body(), "a=setup:"), "passive") << "the role does not turn over";
  lab.caller_sends(lab.in_dialog("ACK", 2));
  EXPECT_EQ(key_updates(lab), 0u);
  request = lab.in_dialog("INVITE", 3);
  request.body = secured_invite("a=setup:active\r\n" + fingerprint_line(second)).body;
  lab.caller_sends(request);
  EXPECT_EQ(sdp_value(lab.expect(kCallers, "200").body(), "a=setup:"), "passive");
  lab.caller_sends(lab.in_dialog("ACK", 3));
  EXPECT_EQ(key_updates(lab), 0u) << "the keys before serve until the new ones are there";
  shake_hands(lab, second, port, place("198.18.1.2", 40000));
  EXPECT_GT(key_updates(lab), 0u);
  EXPECT_EQ(lab.worker().installed(), installed);
}

constexpr const char* kTlsId = "a=tls-id:abc3de65cddef001be82\r\n";

TEST(CallSecured, AReinviteThatAsksForANewAssociationIsTakenAndTheOneInForceServesUntilItIsThere) {
  DtlsPeer second({});
  const std::string other_tls_id = "a=tls-id:abc3de65cddef001be83\r\n";
  const std::tuple<const char*, const char*, std::string> kRows[] = {
      {"another tls-id", "a=setup:active\r\n", other_tls_id},
      {"an open role with another tls-id", "a=setup:actpass\r\n", other_tls_id},
      {"a second fingerprint", "a=setup:active\r\n", kTlsId + fingerprint_line(second)},
      {"the other role", "a=setup:passive\r\n", kTlsId},
  };
  for (const auto& [description, setup, rest] : kRows) {
    SCOPED_TRACE(description);
    CallLab lab;
    DtlsPeer caller({});
    const std::string fingerprint = fingerprint_line(caller);
    answer_secured_caller(lab, "a=setup:active\r\n" + fingerprint + kTlsId);
    shake_hands(lab, caller, audio_port(*lab.answer), place("198.18.1.2", 40000));
    const std::size_t installed = lab.worker().installed();
    ASSERT_GT(installed, 0u);
    RequestText request = lab.in_dialog("INVITE", 2);
    request.body = secured_invite(setup + fingerprint + rest).body;
    lab.caller_sends(request);
    const sip::Message answer = lab.expect(kCallers, "200");
    EXPECT_NE(sdp_value(answer.body(), "a=tls-id:"), sdp_value(lab.answer->body(), "a=tls-id:")) << answer.body();
    lab.caller_sends(lab.in_dialog("ACK", 2));
    EXPECT_EQ(lab.worker().installed(), installed);
    EXPECT_EQ(key_updates(lab), 0u);
    EXPECT_EQ(lab.control().calls(), 1u);
  }
}

TEST(CallSecured, WhoHasMovedIsSentTheNewKeysAtOnceAndWhoStaysWhenItHasShownThem) {
  for (const std::uint16_t next : {std::uint16_t{40000}, std::uint16_t{42000}}) {
    CallLab lab;
    DtlsPeer before({});
    DtlsPeer after({});
    answer_secured_caller(lab, "a=setup:active\r\n" + fingerprint_line(before) + kTlsId);
    const std::uint16_t port = audio_port(*lab.answer);
    shake_hands(lab, before, port, place("198.18.1.2", 40000));
    const std::uint16_t from_callee = audio_port(*lab.callee_invite);
    const proto::SessionKeys sent = lab.worker().flow_at(from_callee)->spec.send.rtp;
    RequestText request = lab.in_dialog("INVITE", 2);
    request.body =
        secured_sdp("198.18.1.2", next,
                    "a=rtcp-mux\r\na=setup:active\r\na=tls-id:abc3de65cddef001be83\r\n" + fingerprint_line(after));
    lab.caller_sends(request);
    (void)lab.expect(kCallers, "200");
    lab.caller_sends(lab.in_dialog("ACK", 2));
    shake_hands(lab, after, port, place("198.18.1.2", next));
    ASSERT_TRUE(after.connected());
    EXPECT_EQ(lab.worker().flow_at(from_callee)->spec.send.rtp.encryption == sent.encryption, next == 40000) << next;
  }
}

TEST(CallSecured, TheSameTermsAgainChangeNothing) {
  CallLab lab;
  DtlsPeer caller({});
  const std::string fingerprint = fingerprint_line(caller);
  answer_secured_caller(lab, "a=setup:active\r\n" + fingerprint + kTlsId);
  shake_hands(lab, caller, audio_port(*lab.answer), place("198.18.1.2", 40000));
  const std::size_t installed = lab.worker().installed();
  RequestText request = lab.in_dialog("INVITE", 2);
  request.body = secured_invite("a=setup:actpass\r\n" + fingerprint + kTlsId).body;
  lab.caller_sends(request);
  const sip::Message answer = lab.expect(kCallers, "200");
  EXPECT_EQ(sdp_value(answer.body(), "o="), sdp_value(lab.answer->body(), "o="));
  EXPECT_EQ(sdp_value(answer.body(), "a=tls-id:"), sdp_value(lab.answer->body(), "a=tls-id:"));
  lab.caller_sends(lab.in_dialog("ACK", 2));
  EXPECT_EQ(lab.worker().installed(), installed);
  EXPECT_EQ(lab.control().calls(), 1u);
}

TEST(CallSecured, ASecuredCalleeThatSaysNoTlsIdMayRefreshAndMove) {
  CallLab lab;
  DtlsPeer callee({});
  RequestText invite;
  invite.uri = "sip:dtls-5070@198.18.1.1";
  invite.body = plain_sdp("198.18.1.2", 40000);
  lab.caller_sends(invite);
  const sip::Message offered = lab.expect(kCallees, "INVITE");
  EXPECT_NE(sdp_value(offered.body(), "a=tls-id:"), "") << "ours";
  const std::string attributes = "a=rtcp-mux\r\na=setup:active\r\n" + fingerprint_line(callee);
  lab.callee_answers(offered, 200, secured_sdp("198.18.2.2", 50000, attributes));
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 1));
  shake_hands(lab, callee, audio_port(offered), place("198.18.2.2", 50000));
  const std::size_t installed = lab.worker().installed();
  std::uint32_t cseq = 1;
  for (const std::uint16_t port : {std::uint16_t{50000}, std::uint16_t{50002}}) {
    lab.callee_sends(offered, "INVITE", cseq, secured_sdp("198.18.2.2", port, attributes));
    EXPECT_EQ(sdp_value(lab.expect(kCallees, "200").body(), "a=setup:"), "passive");
    lab.callee_sends(offered, "ACK", cseq++);
  }
  EXPECT_EQ(lab.worker().installed(), installed);
  const FakeWorker::Flow* from_caller = lab.worker().flow_at(audio_port(*lab.answer));
  ASSERT_NE(from_caller, nullptr);
  EXPECT_EQ(proto::to_string(from_caller->spec.rtp.peer), "198.18.2.2:50002");
}

TEST(CallSecured, ACallerWithoutTlsIdThatKeepsItsRoleKeepsItsCallAndItsKeys) {
  for (const char* setup : {"active", "actpass"}) {
    SCOPED_TRACE(setup);
    CallLab lab("", "dtls_rekey_s = 10");
    DtlsPeer caller({});
    const std::string fingerprint = fingerprint_line(caller);
    answer_secured_caller(lab, "a=setup:active\r\n" + fingerprint);
    shake_hands(lab, caller, audio_port(*lab.answer), place("198.18.1.2", 40000));
    for (int half_seconds = 0; half_seconds < 22 && lab.silent(kCallers); ++half_seconds) lab.advance(500);
    const sip::Message offer = lab.expect(kCallers, "INVITE");
    EXPECT_EQ(sdp_value(offer.body(), "a=setup:"), "active") << "the other role asks for another association";
    sip::Message response = sip::make_response(offer, 200, "OK", "");
    response.set_body(secured_invite("a=setup:" + std::string(setup) + "\r\n" + fingerprint).body, "application/sdp");
    lab.deliver(kCallers, sip::write(response));
    (void)lab.expect(kCallers, "ACK");
    lab.advance(60'000);
    EXPECT_TRUE(lab.silent(kCallers)) << "it is not asked again so soon";
    EXPECT_EQ(lab.control().calls(), 1u);
    EXPECT_EQ(key_updates(lab), 0u);
  }
}

TEST(CallSecured, ATrustedPartyThatWantsItIsToldTheOthersShortAuthenticationString) {
  for (const bool trusted : {true, false}) {
    SCOPED_TRACE(trusted);
    CallLab lab("", "", std::string("sas_header = true\ntrusted = ") + (trusted ? "true" : "false"));
    DtlsPeer caller({});
    answer_secured_caller(lab, "a=setup:active\r\n" + fingerprint_line(caller));
    shake_hands(lab, caller, audio_port(*lab.answer), place("198.18.1.2", 40000));
    if (!trusted) {
      EXPECT_TRUE(lab.silent(kCallees));
      continue;
    }
    const sip::Message info = lab.expect(kCallees, "INFO");
    const auto call = lab.control().call_view(1, lab.now_ns);
    const boost::json::object& leg = call->as_object().at("legs").as_array()[0].as_object();
    EXPECT_EQ(*info.header("DTLS-SAS"),
              std::string(leg.at("security").as_object().at("sas").as_string()) + ";leg=caller");
    lab.callee_answers(info, 200);
    EXPECT_TRUE(lab.silent(kCallees)) << "once";
  }
}

}  // namespace
}  // namespace weir::tests
