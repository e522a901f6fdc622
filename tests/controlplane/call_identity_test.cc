// Whose word a call goes by: verdicts at once and late, what they hold up, what they bind, and what others are told.
// The verdicts are a fake's; those of real tokens are in identity_services_test.cc.
#include <gtest/gtest.h>

#include <array>

#include "sip/write.h"
#include "tests/support/call_dtls.h"
#include "tests/support/fake_identity.h"

namespace weir::tests {
namespace {

using proto::settings::IdentityHold;
using proto::settings::IdentityUse;
using sip::HeaderId;

const std::string kCallerSdp = plain_sdp("198.18.1.2", 40000);
const std::string kCalleeSdp = plain_sdp("198.18.2.2", 50000);

struct IdentityLab {
  FakeIdentity identity;
  CallLab lab;

  explicit IdentityLab(IdentityUse use = IdentityUse::kRequire) {
    lab.settings().realms[kCallers].identity.verify = use;
    lab.control().set_identity(identity);
  }

  static RequestText invite(const std::string& body = kCallerSdp, const std::string& token = "token") {
    RequestText request;
    request.body = body;
    request.headers += "Identity: " + token + "\r\n";
    return request;
  }
  boost::json::object record() { return lab.records.empty() ? boost::json::object() : lab.records.back(); }
};

TEST(CallIdentity, AVerdictKnownAtOnceRefusesBeforeAnybodyIsCalled) {
  IdentityLab setup;
  for (const std::uint16_t status : std::array<std::uint16_t, 5>{403, 428, 436, 437, 438}) {
    CallLab lab;
    lab.settings().realms[kCallers].identity.verify = IdentityUse::kRequire;
    lab.control().set_identity(setup.identity);
    setup.identity.verdict = refused(status, "signature");
    lab.caller_sends(IdentityLab::invite());
    const sip::Message refusal = lab.expect(kCallers, std::to_string(status));
    EXPECT_NE(refusal.header(HeaderId::kReason)->find("signature"), std::string_view::npos);
    EXPECT_TRUE(lab.silent(kCallees));
    ASSERT_EQ(lab.records.size(), 1u);
    EXPECT_EQ(lab.records[0].at("status").to_number<int>(), status);
    EXPECT_NE(lab.records[0].at("release_text").as_string().find("signature"), std::string_view::npos);
    lab.caller_sends_bare("ACK", refusal.to_tag());
    EXPECT_TRUE(lab.nothing_left());
  }
  ASSERT_FALSE(setup.identity.asked.empty());
  EXPECT_EQ(setup.identity.asked[0].identity, "token");
  EXPECT_EQ(setup.identity.asked[0].use, IdentityUse::kRequire);
}

TEST(CallIdentity, ARealmThatIgnoresItAsksNobody) {
  IdentityLab setup(IdentityUse::kIgnore);
  setup.lab.establish();
  EXPECT_TRUE(setup.identity.asked.empty());
}

TEST(CallIdentity, WhileTheVerdictIsOutTheCalleeRingsAndTheAnswerWaits) {
  IdentityLab setup;
  CallLab& lab = setup.lab;
  setup.identity.answers_at_once = false;
  lab.caller_sends(IdentityLab::invite());
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  lab.callee_answers(at_callee, 180);
  EXPECT_TRUE(lab.expect(kCallers, "180").body().empty());
  lab.callee_answers(at_callee, 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  EXPECT_TRUE(lab.silent(kCallers));
  EXPECT_EQ(lab.worker().installed(), 0u) << "no media before the verdict";
  setup.identity.answer(passed());
  lab.settle();
  lab.answer = lab.expect(kCallers, "200");
  EXPECT_FALSE(lab.answer->body().empty());
  lab.settle();
  EXPECT_EQ(lab.worker().installed(), 4u);
  lab.caller_sends(lab.in_dialog("ACK", 1));
  const auto call = lab.control().call_view(1, lab.now_ns);
  const boost::json::object& view = call->as_object().at("legs").as_array()[0].as_object().at("identity").as_object();
  EXPECT_EQ(view.at("outcome").as_string(), "passed");
  EXPECT_EQ(view.at("orig").as_string(), "12155551212");
}

TEST(CallIdentity, ALateRefusalEndsBothSidesAndIsWrittenDown) {
  for (const bool answered : {false, true}) {
    SCOPED_TRACE(answered);
    IdentityLab setup;
    CallLab& lab = setup.lab;
    setup.identity.answers_at_once = false;
    lab.caller_sends(IdentityLab::invite());
    const sip::Message at_callee = lab.expect(kCallees, "INVITE");
    if (answered) {
      lab.callee_answers(at_callee, 200, kCalleeSdp);
      (void)lab.expect(kCallees, "ACK");
    } else {
      lab.callee_answers(at_callee, 180);
      (void)lab.expect(kCallers, "180");
    }
    setup.identity.answer(refused(438, "signature"));
    lab.settle();
    const sip::Message refusal = lab.expect(kCallers, "438");
    lab.caller_sends_bare("ACK", refusal.to_tag());
    const sip::Message end = lab.expect(kCallees, answered ? "BYE" : "CANCEL");
    lab.callee_answers(end, 200);
    if (!answered) {
      lab.callee_answers(at_callee, 487);
      (void)lab.expect(kCallees, "ACK");
    }
    EXPECT_EQ(lab.worker().installed(), 0u);
    const boost::json::object record = setup.record();
    EXPECT_EQ(record.at("caller").as_object().at("identity").as_object().at("check").as_string(), "signature");
    EXPECT_EQ(record.at("status").to_number<int>(), 438);
    EXPECT_TRUE(lab.nothing_left());
  }
}

TEST(CallIdentity, WhereTheInviteWaitsNobodyRingsForAForgery) {
  IdentityLab setup;
  CallLab& lab = setup.lab;
  lab.settings().realms[kCallers].identity.hold = IdentityHold::kInvite;
  setup.identity.answers_at_once = false;
  lab.caller_sends(IdentityLab::invite());
  EXPECT_TRUE(lab.silent(kCallees));
  setup.identity.answer(passed());
  (void)lab.expect(kCallees, "INVITE");

  IdentityLab forged;
  forged.lab.settings().realms[kCallers].identity.hold = IdentityHold::kInvite;
  forged.identity.answers_at_once = false;
  forged.lab.caller_sends(IdentityLab::invite());
  forged.identity.answer(refused(438, "signature"));
  const sip::Message refusal = forged.lab.expect(kCallers, "438");
  forged.lab.caller_sends_bare("ACK", refusal.to_tag());
  EXPECT_TRUE(forged.lab.silent(kCallees));
  EXPECT_TRUE(forged.lab.nothing_left());
}

TEST(CallIdentity, EarlyMediaWaitsForTheVerdictToo) {
  IdentityLab setup;
  CallLab& lab = setup.lab;
  setup.identity.answers_at_once = false;
  lab.caller_sends(IdentityLab::invite());
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  lab.callee_answers(at_callee, 183, kCalleeSdp);
  EXPECT_TRUE(lab.expect(kCallers, "183").body().empty());
  EXPECT_EQ(lab.worker().installed(), 0u);
  setup.identity.answer(passed());
  lab.settle();
  const sip::Message early = lab.expect(kCallers, "183");
  EXPECT_FALSE(early.body().empty());
  EXPECT_EQ(lab.worker().installed(), 4u);
  lab.callee_answers(at_callee, 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  EXPECT_EQ(lab.expect(kCallers, "200").body(), early.body());
}

TEST(CallIdentity, ACallerThatGivesUpMeanwhileHearsNoMore) {
  IdentityLab setup;
  CallLab& lab = setup.lab;
  setup.identity.answers_at_once = false;
  lab.caller_sends(IdentityLab::invite());
  const sip::Message at_callee = lab.expect(kCallees, "INVITE");
  lab.callee_answers(at_callee, 180);
  (void)lab.expect(kCallers, "180");
  lab.caller_sends_bare("CANCEL");
  (void)lab.expect(kCallers, "200");
  const sip::Message refusal = lab.expect(kCallers, "487");
  lab.caller_sends_bare("ACK", refusal.to_tag());
  lab.callee_answers(lab.expect(kCallees, "CANCEL"), 200);
  lab.callee_answers(at_callee, 487);
  (void)lab.expect(kCallees, "ACK");
  EXPECT_TRUE(lab.nothing_left());
  EXPECT_FALSE(setup.identity.asked.back().done) << "the check is given up with the call";
}

TEST(CallIdentity, ATrustedRealmIsToldAndAnotherIsNot) {
  for (const bool trusted : {true, false}) {
    SCOPED_TRACE(trusted);
    IdentityLab setup(IdentityUse::kUse);
    setup.lab.settings().realms[kCallees].policy.trusted = trusted;
    setup.identity.verdict = passed();
    setup.lab.caller_sends(IdentityLab::invite());
    const sip::Message at_callee = setup.lab.expect(kCallees, "INVITE");
    EXPECT_EQ(at_callee.header(HeaderId::kPAssertedIdentity).value_or("none"),
              trusted ? "<tel:+12155551212;verstat=TN-Validation-Passed>" : "none");
  }
}

TEST(CallIdentity, WhatWasSignedBindsTheCertificate) {
  IdentityLab setup;
  CallLab& lab = setup.lab;
  DtlsPeer caller({});
  DtlsPeer stranger({});
  setup.identity.verdict = passed("12155551212", {caller.fingerprint()});
  lab.caller_sends(IdentityLab::invite(
      secured_sdp("198.18.1.2", 40000, "a=rtcp-mux\r\na=setup:active\r\n" + fingerprint_line(caller))));
  ASSERT_EQ(setup.identity.asked.size(), 1u);
  EXPECT_EQ(setup.identity.asked[0].offered, std::vector{caller.fingerprint()});
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 1));
  shake_hands(lab, caller, audio_port(*lab.answer), place("198.18.1.2", 40000));
  EXPECT_EQ(lab.worker().installed(), 3u);

  RequestText swapped = lab.in_dialog("INVITE", 2);
  swapped.body = secured_sdp("198.18.1.2", 40000, "a=rtcp-mux\r\na=setup:active\r\n" + fingerprint_line(stranger));
  lab.caller_sends(swapped);
  const sip::Message refusal = lab.expect(kCallers, "438");
  EXPECT_NE(refusal.header(HeaderId::kReason)->find("mky"), std::string_view::npos);

  setup.identity.verdict = passed("12155551212", {stranger.fingerprint()});
  RequestText another = lab.in_dialog("INVITE", 3);
  another.branch = "z9hG4bKanother";
  another.body = swapped.body;
  another.headers += "Identity: another\r\n";
  lab.caller_sends(another);
  (void)lab.expect(kCallers, "200");
}

TEST(CallIdentity, WhereItIsRequiredDtlsNeedsASignedFingerprint) {
  IdentityLab setup;
  DtlsPeer caller({});
  setup.identity.verdict = passed();
  setup.lab.caller_sends(IdentityLab::invite(
      secured_sdp("198.18.1.2", 40000, "a=rtcp-mux\r\na=setup:active\r\n" + fingerprint_line(caller))));
  setup.lab.callee_answers(setup.lab.expect(kCallees, "INVITE"), 200, kCalleeSdp);
  (void)setup.lab.expect(kCallees, "ACK");
  setup.lab.answer = setup.lab.expect(kCallers, "200");
  setup.lab.caller_sends(setup.lab.in_dialog("ACK", 1));
  const sip::Message bye = setup.lab.expect(kCallers, "BYE");
  EXPECT_NE(bye.header(HeaderId::kReason)->find("438"), std::string_view::npos);
  EXPECT_EQ(setup.lab.worker().installed(), 0u);
}

TEST(CallIdentity, ANewDescriptionWaitsForItsVerdictAndMayBeWithdrawn) {
  IdentityLab setup;
  CallLab& lab = setup.lab;
  setup.identity.verdict = passed();
  lab.establish();
  setup.identity.answers_at_once = false;
  RequestText moved = lab.in_dialog("INVITE", 2);
  moved.body = plain_sdp("198.18.1.2", 40100);
  moved.headers += "Identity: next\r\n";
  lab.caller_sends(moved);
  EXPECT_TRUE(lab.silent(kCallers));
  setup.identity.answer(refused(438, "signature"));
  lab.settle();
  (void)lab.expect(kCallers, "438");
  const FakeWorker::Flow* flow = lab.worker().flow_at(audio_port(*lab.callee_invite));
  ASSERT_NE(flow, nullptr);
  EXPECT_EQ(proto::to_string(flow->spec.rtp.peer), "198.18.1.2:40000") << "the session is what it was";

  RequestText again = lab.in_dialog("INVITE", 3);
  again.branch = "z9hG4bKagain";
  again.body = moved.body;
  again.headers += "Identity: next\r\n";
  lab.caller_sends(again);
  EXPECT_TRUE(lab.silent(kCallers));
  RequestText other = lab.in_dialog("UPDATE", 4);
  other.branch = "z9hG4bKother";
  other.body = moved.body;
  lab.caller_sends(other);
  (void)lab.expect(kCallers, "491");
  setup.identity.answer(passed());
  lab.settle();
  (void)lab.expect(kCallers, "200");
}

TEST(CallIdentity, EveryOfferToARealmThatWantsItIsSigned) {
  IdentityLab setup(IdentityUse::kIgnore);
  setup.identity.signed_realm = kCallees;
  setup.lab.establish();
  EXPECT_EQ(setup.lab.callee_invite->header(HeaderId::kIdentity).value_or("none"),
            "signed" + std::to_string(setup.lab.callee_invite->body().size()));
  RequestText held = setup.lab.in_dialog("INVITE", 2);
  held.body = plain_sdp("198.18.1.2", 40000, "a=sendonly\r\n");
  setup.lab.caller_sends(held);
  const sip::Message passed_on = setup.lab.expect(kCallees, "INVITE");
  EXPECT_TRUE(passed_on.has(HeaderId::kIdentity));
  ASSERT_EQ(setup.identity.signed_for.size(), 2u);
  EXPECT_EQ(setup.identity.signed_for[0].from_realm, kCallers);
}

/// A call whose callee has answered and whose caller has said ACK; the callee's realm wants to know who that is.
struct ConnectedLab {
  IdentityLab setup;
  CallLab& lab = setup.lab;
  std::string answered = plain_sdp("198.18.2.2", 50000);

  ConnectedLab() : setup(IdentityUse::kIgnore) {
    lab.settings().realms[kCallees].identity.connected = IdentityUse::kRequire;
    RequestText request;
    request.body = kCallerSdp;
    lab.caller_sends(request);
    lab.callee_invite = lab.expect(kCallees, "INVITE");
    lab.callee_answers(*lab.callee_invite, 200, answered);
    (void)lab.expect(kCallees, "ACK");
    lab.answer = lab.expect(kCallers, "200");
    lab.caller_sends(lab.in_dialog("ACK", 1));
    lab.settle();
  }
};

TEST(CallIdentity, NoMediaFlowsBeforeACalleeHasShownWhoItIs) {
  ConnectedLab connected;
  CallLab& lab = connected.lab;
  EXPECT_TRUE(lab.callee_invite->lists(HeaderId::kSupported, "from-change"));
  EXPECT_EQ(lab.worker().installed(), 0u);
  connected.setup.identity.verdict = passed("12155551213");
  lab.callee_sends(*lab.callee_invite, "UPDATE", 1, "", "callee", "Identity: token\r\n");
  (void)lab.expect(kCallees, "200");
  ASSERT_EQ(connected.setup.identity.asked.size(), 1u);
  EXPECT_EQ(connected.setup.identity.asked[0].realm, kCallees);
  lab.settle();
  EXPECT_EQ(lab.worker().installed(), 4u);
  lab.advance(20'000);
  EXPECT_TRUE(lab.silent(kCallers)) << "the call stands";
}

TEST(CallIdentity, ACalleeThatDoesNotShowItOrIsSomebodyElseLosesTheCall) {
  for (const bool forged : {true, false}) {
    SCOPED_TRACE(forged);
    ConnectedLab connected;
    CallLab& lab = connected.lab;
    if (forged) {
      connected.setup.identity.verdict = refused(438, "signature");
      lab.callee_sends(*lab.callee_invite, "UPDATE", 1, "", "callee", "Identity: token\r\n");
      (void)lab.expect(kCallees, "438");
    } else {
      lab.advance(5'100);
    }
    const sip::Message to_caller = lab.expect(kCallers, "BYE");
    EXPECT_NE(to_caller.header(HeaderId::kReason)->find(forged ? "438" : "428"), std::string_view::npos);
    (void)lab.expect(kCallees, "BYE");
    EXPECT_EQ(lab.worker().installed(), 0u);
  }
}

TEST(CallIdentity, ACallerThatKnowsFromChangeIsToldWhoHasAnsweredSigned) {
  for (const bool knows : {true, false}) {
    SCOPED_TRACE(knows);
    IdentityLab setup(IdentityUse::kIgnore);
    CallLab& lab = setup.lab;
    lab.settings().realms[kCallers].identity.sign_connected = true;
    setup.identity.signed_realm = kCallers;
    RequestText request;
    request.body = kCallerSdp;
    request.headers +=
        std::string("Supported: timer") + (knows ? ", from-change" : "") + "\r\nAllow: UPDATE, INVITE\r\n";
    lab.caller_sends(request);
    lab.callee_invite = lab.expect(kCallees, "INVITE");
    lab.callee_answers(*lab.callee_invite, 200, kCalleeSdp);
    (void)lab.expect(kCallees, "ACK");
    lab.answer = lab.expect(kCallers, "200");
    lab.caller_sends(lab.in_dialog("ACK", 1));
    if (!knows) {
      EXPECT_TRUE(lab.silent(kCallers));
      continue;
    }
    const sip::Message update = lab.expect(kCallers, "UPDATE");
    EXPECT_TRUE(update.has(HeaderId::kIdentity));
    EXPECT_EQ(sdp_value(update.body(), "m=audio "), sdp_value(lab.answer->body(), "m=audio "));
    lab.caller_answers(update, 200, kCallerSdp);
    lab.settle();
    EXPECT_EQ(lab.worker().installed(), 4u);
    EXPECT_TRUE(lab.silent(kCallees)) << "the callee hears nothing of it";
  }
}

TEST(CallIdentity, AConnectedIdentityCountsOnlyWithTheCertificateInForce) {
  for (const bool swapped : {true, false}) {
    SCOPED_TRACE(swapped);
    IdentityLab setup(IdentityUse::kIgnore);
    CallLab& lab = setup.lab;
    lab.settings().realms[kCallees].identity.connected = IdentityUse::kRequire;
    DtlsPeer callee({});
    DtlsPeer stranger({});
    RequestText request;
    request.uri = "sip:dtls-5070@198.18.1.1";
    request.body = kCallerSdp;
    lab.caller_sends(request);
    lab.callee_invite = lab.expect(kCallees, "INVITE");
    const std::string lines = "a=rtcp-mux\r\na=setup:active\r\n" + fingerprint_line(swapped ? stranger : callee);
    lab.callee_answers(*lab.callee_invite, 200, secured_sdp("198.18.2.2", 50000, lines));
    (void)lab.expect(kCallees, "ACK");
    lab.answer = lab.expect(kCallers, "200");
    lab.caller_sends(lab.in_dialog("ACK", 1));
    shake_hands(lab, swapped ? stranger : callee, audio_port(*lab.callee_invite), place("198.18.2.2", 50000));
    setup.identity.verdict = passed("12155551213", {callee.fingerprint()});
    lab.callee_sends(*lab.callee_invite, "UPDATE", 1, "", "callee", "Identity: token\r\n");
    (void)lab.expect(kCallees, "200");
    lab.settle();
    EXPECT_EQ(lab.worker().installed(), swapped ? 0u : 3u);
  }
}

TEST(CallIdentity, AnotherSignerTakesNoCallOver) {
  IdentityLab setup;
  CallLab& lab = setup.lab;
  setup.identity.verdict = passed("12155551212");
  lab.establish();
  setup.identity.verdict = passed("12155559999");
  RequestText moved = lab.in_dialog("INVITE", 2);
  moved.body = plain_sdp("198.18.1.2", 40100);
  moved.headers += "Identity: mallory's\r\n";
  lab.caller_sends(moved);
  const sip::Message refusal = lab.expect(kCallers, "438");
  EXPECT_NE(refusal.header(HeaderId::kReason)->find("caller"), std::string_view::npos);
}

TEST(CallIdentity, WhereACertificateWasSignedNothingWeakerIsTaken) {
  IdentityLab setup;
  CallLab& lab = setup.lab;
  DtlsPeer caller({});
  setup.identity.verdict = passed("12155551212", {caller.fingerprint()});
  lab.caller_sends(IdentityLab::invite(
      secured_sdp("198.18.1.2", 40000, "a=rtcp-mux\r\na=setup:active\r\n" + fingerprint_line(caller))));
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 1));
  shake_hands(lab, caller, audio_port(*lab.answer), place("198.18.1.2", 40000));
  RequestText clear = lab.in_dialog("INVITE", 2);
  clear.body = kCallerSdp;
  lab.caller_sends(clear);
  (void)lab.expect(kCallers, "438");
}

TEST(CallIdentity, AForgerGetsNoSignatureOfOurs) {
  IdentityLab setup(IdentityUse::kUse);
  setup.identity.signed_realm = kCallees;
  setup.identity.verdict = refused(0, "signature");
  setup.lab.caller_sends(IdentityLab::invite());
  EXPECT_FALSE(setup.lab.expect(kCallees, "INVITE").has(HeaderId::kIdentity));
  EXPECT_TRUE(setup.identity.signed_for.empty());
}

TEST(CallIdentity, WhatWeWouldSignWaitsForTheVerdict) {
  IdentityLab setup;
  setup.lab.settings().realms[kCallees].identity.sign = "key";
  setup.identity.answers_at_once = false;
  setup.lab.caller_sends(IdentityLab::invite());
  EXPECT_TRUE(setup.lab.silent(kCallees));
  setup.identity.answer(passed());
  (void)setup.lab.expect(kCallees, "INVITE");
}

TEST(CallIdentity, NobodySaysOfItselfThatItsNumberWasValidated) {
  IdentityLab setup(IdentityUse::kIgnore);
  setup.lab.settings().realms[kCallees].policy.trusted = true;
  RequestText request = IdentityLab::invite();
  setup.lab.deliver(kCallers,
                    "INVITE sip:rtp-5070@198.18.1.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.1.2:5062;branch=z9hG4bKv\r\n"
                    "Max-Forwards: 70\r\nFrom: <sip:+1215;verstat=TN-Validation-Passed@198.18.1.2>;tag=c\r\n"
                    "To: <sip:rtp-5070@198.18.1.1>\r\nCall-ID: v\r\nCSeq: 1 INVITE\r\n"
                    "Contact: <sip:alice@198.18.1.2:5062>\r\nContent-Type: application/sdp\r\nContent-Length: " +
                        std::to_string(kCallerSdp.size()) + "\r\n\r\n" + kCallerSdp);
  const sip::Message at_callee = setup.lab.expect(kCallees, "INVITE");
  EXPECT_EQ(at_callee.header(HeaderId::kFrom)->find("verstat"), std::string_view::npos);
  EXPECT_NE(at_callee.header(HeaderId::kFrom)->find("+1215@"), std::string_view::npos);
}

}  // namespace
}  // namespace weir::tests
