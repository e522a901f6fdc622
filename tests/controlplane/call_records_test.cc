// Whole calls of a party whose DTLS knows no use_srtp, as in the early drafts: its media is application data where the
// realm says so. The far end of the handshake is OpenSSL alone. RFC 5764 section 4.1.1.
#include <gtest/gtest.h>

#include "sip/write.h"
#include "tests/support/call_dtls.h"
#include "tests/support/hex.h"

namespace weir::tests {
namespace {

using sip::HeaderId;

const std::string kPolicy = "rtp_over_dtls = true\nmedia_security = \"required\"\n";
const proto::Endpoint kPlace = place("198.18.1.2", 40000);
const Datagram kRtp = from_hex("80080001 00000100 aaaaaaaa 01020304");

/// The early drafts' protocol.
std::string early(std::string sdp) {
  const std::string late = "UDP/TLS/RTP/SAVP";
  return sdp.replace(sdp.find(late), late.size(), "UDP/TLS/RTP/AVP");
}

/// A caller of whom the handshake is all that is missing.
void answer_caller(CallLab& lab, const DtlsPeer& caller) {
  RequestText request;
  request.body = early(secured_sdp("198.18.1.2", 40000, "a=rtcp-mux\r\na=setup:active\r\n" + fingerprint_line(caller)));
  lab.caller_sends(request);
  lab.callee_invite = lab.expect(kCallees, "INVITE");
  lab.callee_answers(*lab.callee_invite, 200, plain_sdp("198.18.2.2", 50000));
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 1));
}

/// Both legs end, for this reason.
void expect_end(CallLab& lab, const std::string& reason) {
  const sip::Message to_caller = lab.expect(kCallers, "BYE");
  EXPECT_NE(to_caller.header(HeaderId::kReason)->find(reason), std::string_view::npos)
      << *to_caller.header(HeaderId::kReason);
  lab.caller_answers(to_caller, 200);
  lab.callee_answers(lab.expect(kCallees, "BYE"), 200);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallRecords, MediaGoesThroughTheAssociationBothWaysAndCountsAsSecured) {
  CallLab lab("", kPolicy);
  DtlsPeer caller({.profiles = ""});
  answer_caller(lab, caller);
  EXPECT_NE(lab.answer->body().find("UDP/TLS/RTP/AVP 8"), std::string_view::npos);
  const std::uint16_t port = audio_port(*lab.answer);
  shake_hands(lab, caller, port, kPlace);
  ASSERT_TRUE(caller.connected());
  const FakeWorker::Flow* flow = lab.worker().flow_at(port);
  ASSERT_NE(flow, nullptr);
  EXPECT_EQ(flow->spec.receive.profile, proto::SrtpProfile::kDtlsRecords);
  const auto call = lab.control().call_view(1, lab.now_ns);
  const boost::json::object& security =
      call->as_object().at("legs").as_array()[0].as_object().at("security").as_object();
  EXPECT_EQ(security.at("profile").as_string(), "DTLS_APPLICATION_DATA");
  EXPECT_EQ(security.at("sas").as_string(), caller.short_authentication());

  caller.write(kRtp);
  for (const Datagram& record : caller.take_sent()) ASSERT_TRUE(lab.worker().punt(port, kPlace, record));
  lab.settle();
  ASSERT_EQ(lab.worker().sent().size(), 1u);
  EXPECT_EQ(lab.worker().sent().front().kind, proto::InjectKind::kReceived);
  EXPECT_EQ(lab.worker().sent().front().bytes, kRtp);
  lab.worker().sent().clear();
  lab.worker().hand_up(audio_port(*lab.callee_invite), kRtp);
  lab.settle();
  ASSERT_EQ(lab.worker().sent().size(), 1u);
  caller.receive(lab.worker().sent().front().bytes);
  EXPECT_EQ(caller.take_read(), std::vector<Datagram>{kRtp});
}

TEST(CallRecords, WithoutThePolicyTheHandshakeFailsAsEver) {
  CallLab lab;
  DtlsPeer caller({.profiles = ""});
  answer_caller(lab, caller);
  shake_hands(lab, caller, audio_port(*lab.answer), kPlace);
  EXPECT_EQ(lab.worker().installed(), 0u);
  lab.advance(12'000);
  expect_end(lab, "no SRTP profile in common (use_srtp)");
}

TEST(CallRecords, ACertificateThatDoesNotMatchEndsTheCall) {
  CallLab lab("", kPolicy);
  DtlsPeer caller({.profiles = ""});
  DtlsPeer stranger({.profiles = ""});
  answer_caller(lab, caller);
  shake_hands(lab, stranger, audio_port(*lab.answer), kPlace);
  EXPECT_EQ(lab.worker().installed(), 0u);
  expect_end(lab, "certificate does not match");
}

TEST(CallRecords, ARestartEndsTheCallAndSaysWhy) {
  CallLab lab("", kPolicy);
  DtlsPeer caller({.profiles = ""});
  answer_caller(lab, caller);
  shake_hands(lab, caller, audio_port(*lab.answer), kPlace);
  ASSERT_TRUE(caller.connected());
  lab.restart();
  EXPECT_EQ(lab.control().adopt_journalled(lab.now_ns), 0u);
  expect_end(lab, "carried by DTLS");
}

}  // namespace
}  // namespace weir::tests
