// Offers of the drafts before RFC 5764, whose DTLS-SRTP was UDP/TLS/RTP/AVP (draft-fischl-mmusic-sdp-dtls): whole
// calls.
#include <gtest/gtest.h>

#include "tests/support/call_dtls.h"

namespace weir::tests {
namespace {

/// The caller's INVITE to a plain callee; its 200 and ACK have passed.
void call(CallLab& lab, DtlsPeer& caller, const std::string& protocol) {
  RequestText request;
  request.body = secured_sdp("198.18.1.2", 40000, "a=rtcp-mux\r\na=setup:active\r\n" + fingerprint_line(caller));
  request.body.replace(request.body.find("UDP/TLS/RTP/SAVP"), 16, protocol);
  lab.caller_sends(request);
  lab.callee_invite = lab.expect(kCallees, "INVITE");
  EXPECT_NE(lab.callee_invite->body().find("RTP/AVP 8"), std::string_view::npos);
  lab.callee_answers(*lab.callee_invite, 200, plain_sdp("198.18.2.2", 50000));
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 1));
}

TEST(CallOffers, TheEarlyDraftsProtocolIsSecuredAndAnsweredInKind) {
  for (const std::string protocol : {"UDP/TLS/RTP/AVP", "UDP/TLS/RTP/AVPF"}) {
    SCOPED_TRACE(protocol);
    CallLab lab;
    DtlsPeer caller({.client = true});
    call(lab, caller, protocol);
    EXPECT_NE(lab.answer->body().find(" " + protocol + " 8"), std::string_view::npos) << lab.answer->body();
    EXPECT_EQ(sdp_value(lab.answer->body(), "a=setup:"), "passive");
    EXPECT_EQ(lab.worker().installed(), 0u) << "no flow before the handshake";
    shake_hands(lab, caller, audio_port(*lab.answer), place("198.18.1.2", 40000));
    EXPECT_TRUE(caller.connected());
    const FakeWorker::Flow* flow = lab.worker().flow_at(audio_port(*lab.answer));
    ASSERT_NE(flow, nullptr);
    EXPECT_EQ(flow->spec.receive.profile, proto::SrtpProfile::kAeadAes128Gcm);
    lab.callee_sends(*lab.callee_invite, "INVITE", 1, plain_sdp("198.18.2.2", 50000, "a=sendonly\r\n"));
    const sip::Message reinvite = lab.expect(kCallers, "INVITE");
    EXPECT_NE(reinvite.body().find(" " + protocol + " 8"), std::string_view::npos) << "as its session has it";
  }
}

TEST(CallOffers, WithoutUseSrtpTheHandshakeFailsAndNothingFlows) {
  CallLab lab;
  DtlsPeer caller({.client = true, .profiles = ""});
  call(lab, caller, "UDP/TLS/RTP/AVP");
  shake_hands(lab, caller, audio_port(*lab.answer), place("198.18.1.2", 40000));
  EXPECT_EQ(lab.worker().installed(), 0u);
  lab.advance(12'000);
  EXPECT_TRUE(lab.expect(kCallers, "BYE").has(sip::HeaderId::kReason));
  (void)lab.expect(kCallees, "BYE");
  EXPECT_TRUE(lab.nothing_left());
}

}  // namespace
}  // namespace weir::tests
