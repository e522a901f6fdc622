// Parties of calls that are not to be known: callers by their INVITE, callees by any of their answers. RFC 3323, RFC
// 3325.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/source_disguise.h"
#include "tests/support/call_dtls.h"
#include "tests/support/fake_identity.h"

namespace weir::tests {
namespace {

constexpr const char* kPrivacy = "Privacy: id\r\n";
const std::string kCallerSdp = plain_sdp("198.18.1.2", 40000);
const std::string kCalleeSdp = plain_sdp("198.18.2.2", 50000);

TEST(CallPrivacy, TwoAnonymousCallsHaveNothingInCommon) {
  CallLab lab;
  std::vector<sip::Message> invites;
  for (const std::uint32_t number : {1u, 2u}) {
    RequestText request;
    request.uri = "sip:dtls-5070@198.18.1.1";
    request.branch = "z9hG4bKanonymous" + std::to_string(number);
    request.body = kCallerSdp;
    request.headers += "Privacy: id\r\n";
    request.cseq = number;
    lab.caller_sends(request);
    invites.push_back(lab.expect(kCallees, "INVITE"));
    EXPECT_EQ(invites.back().from()->uri.host, "anonymous.invalid");
  }
  for (const char* const line : {"a=fingerprint:", "a=tls-id:", "m=audio ", "o="}) {
    EXPECT_NE(sdp_value(invites[0].body(), line), sdp_value(invites[1].body(), line)) << line;
  }
  EXPECT_NE(invites[0].call_id(), invites[1].call_id());
  EXPECT_NE(sdp_value(invites[0].body(), "a=fingerprint:"), sip::write_fingerprint(lab.media().fingerprint()));
}

/// A caller that brings DTLS; the INVITE waits at the callee.
void call_by_dtls(CallLab& lab) {
  const DtlsPeer caller({});
  RequestText invite;
  invite.body = secured_sdp("198.18.1.2", 40000, "a=rtcp-mux\r\na=setup:actpass\r\n" + fingerprint_line(caller));
  lab.caller_sends(invite);
  lab.callee_invite = lab.expect(kCallees, "INVITE");
}

std::string told(const sip::Message& answer) {
  return sdp_value(answer.body(), "a=fingerprint:");
}

TEST(CallPrivacy, ACalleeThatAnswersAnonymouslyIsHiddenFromTheCallerAsACallerIs) {
  for (const bool trusted : {false, true}) {
    CallLab lab;
    lab.settings().realms[kCallers].policy.trusted = trusted;
    call_by_dtls(lab);
    lab.callee_answers(*lab.callee_invite, 200, kCalleeSdp, "callee", kPrivacy);
    (void)lab.expect(kCallees, "ACK");
    const sip::Message answer = lab.expect(kCallers, "200");
    EXPECT_EQ(told(answer) == sip::write_fingerprint(lab.media().fingerprint()), trusted);
    EXPECT_TRUE(lab.silent(kCallers)) << "it is told once";
  }
}

TEST(CallPrivacy, ItsSourcesAreHiddenFromTheFirstPacketOn) {
  for (const std::uint16_t status : {std::uint16_t{183}, std::uint16_t{200}}) {
    CallLab lab;
    RequestText invite;
    invite.body = kCallerSdp;
    lab.caller_sends(invite);
    lab.callee_invite = lab.expect(kCallees, "INVITE");
    lab.callee_answers(*lab.callee_invite, status, kCalleeSdp, "callee", kPrivacy);
    if (status == 200) (void)lab.expect(kCallees, "ACK");
    const sip::Message answer = lab.expect(kCallers, std::to_string(status));
    EXPECT_EQ(lab.hiding_at(audio_port(*lab.callee_invite)), proto::kHidesSources) << status;
    EXPECT_EQ(lab.hiding_at(audio_port(answer)), proto::kFindsSources) << status;
  }
}

/// The callee speaks before it answers, and answers anonymously: the caller is told of one certificate. Which that is.
std::string one_certificate(CallLab& lab, const char* early_headers) {
  lab.callee_answers(*lab.callee_invite, 183, kCalleeSdp, "callee", early_headers);
  std::string early = told(lab.expect(kCallers, "183"));
  lab.callee_answers(*lab.callee_invite, 200, kCalleeSdp, "callee", kPrivacy);
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  EXPECT_EQ(told(*lab.answer), early);
  lab.caller_sends(lab.in_dialog("ACK", 1));
  EXPECT_TRUE(lab.silent(kCallers));
  return early;
}

TEST(CallPrivacy, OfForksThatWantItTheCallerHearsOneCertificate) {
  CallLab lab;
  call_by_dtls(lab);
  lab.callee_answers(*lab.callee_invite, 180, "", "another", kPrivacy);
  (void)lab.expect(kCallers, "180");
  EXPECT_NE(one_certificate(lab, kPrivacy), sip::write_fingerprint(lab.media().fingerprint()));
}

TEST(CallPrivacy, WhatTheCallerHasBeenToldIsNotTakenBack) {
  CallLab lab;
  call_by_dtls(lab);
  EXPECT_EQ(one_certificate(lab, ""), sip::write_fingerprint(lab.media().fingerprint()));
}

TEST(CallPrivacy, WhatTheCallerHasNotHeardYetIsHiddenToo) {
  FakeIdentity identity;
  identity.answers_at_once = false;
  CallLab lab;
  lab.settings().realms[kCallers].identity.verify = proto::settings::IdentityUse::kUse;
  lab.control().set_identity(identity);
  call_by_dtls(lab);
  lab.callee_answers(*lab.callee_invite, 183, kCalleeSdp);
  EXPECT_EQ(lab.expect(kCallers, "183").body(), "") << "the verdict is out";
  lab.callee_answers(*lab.callee_invite, 200, kCalleeSdp, "callee", kPrivacy);
  (void)lab.expect(kCallees, "ACK");
  identity.answer({});
  EXPECT_NE(told(lab.expect(kCallers, "200")), sip::write_fingerprint(lab.media().fingerprint()));
}

TEST(CallPrivacy, AForkThatWantsItIsHiddenAfterAnotherWasHeard) {
  CallLab lab;
  RequestText invite;
  invite.body = kCallerSdp;
  lab.caller_sends(invite);
  lab.callee_invite = lab.expect(kCallees, "INVITE");
  lab.callee_answers(*lab.callee_invite, 183, plain_sdp("198.18.2.3", 50010), "announcement");
  (void)lab.expect(kCallers, "183");
  const std::uint16_t port = audio_port(*lab.callee_invite);
  EXPECT_EQ(lab.hiding_at(port), 0);
  lab.callee_answers(*lab.callee_invite, 200, kCalleeSdp, "callee", kPrivacy);
  (void)lab.expect(kCallees, "ACK");
  (void)lab.expect(kCallers, "200");
  EXPECT_EQ(lab.hiding_at(port), proto::kHidesSources);
}

TEST(CallPrivacy, WhereTheCalleeOffersOursToTheCallerNamesACertificateOfTheCallsOwn) {
  CallLab lab("", "media_security = \"required\"");
  RequestText invite;
  lab.caller_sends(invite);
  lab.callee_invite = lab.expect(kCallees, "INVITE");
  EXPECT_EQ(lab.callee_invite->body(), "");
  lab.callee_answers(*lab.callee_invite, 200, kCalleeSdp, "callee", kPrivacy);
  const sip::Message offer = lab.expect(kCallers, "200");
  EXPECT_NE(told(offer), "");
  EXPECT_NE(told(offer), sip::write_fingerprint(lab.media().fingerprint()));
}

TEST(CallPrivacy, ACalleeThatWantsItWithItsNameIsNotSaidToTheCaller) {
  for (const bool wants : {true, false}) {
    FakeIdentity identity;
    CallLab lab;
    lab.settings().realms[kCallees].identity.connected = proto::settings::IdentityUse::kRequire;
    lab.settings().realms[kCallers].identity.sign_connected = true;
    lab.control().set_identity(identity);
    RequestText invite;
    invite.body = kCallerSdp;
    invite.headers += "Supported: timer, from-change\r\nAllow: UPDATE, INVITE\r\n";
    lab.establish(invite, kCalleeSdp);
    identity.verdict = passed("12155551213");
    lab.callee_sends(*lab.callee_invite, "UPDATE", 1, "", "callee",
                     std::string("Identity: token\r\n") + (wants ? kPrivacy : ""));
    (void)lab.expect(kCallees, "200");
    lab.settle();
    EXPECT_EQ(lab.silent(kCallers), wants);
    if (!wants) (void)lab.expect(kCallers, "UPDATE");
  }
}

}  // namespace
}  // namespace weir::tests
