// Transfers: the referrer is told, the target is called with a negotiation of its own, the referrer leaves.
#include <gtest/gtest.h>

#include "proto/source_disguise.h"
#include "sip/sipfrag.h"
#include "sip/text.h"
#include "tests/support/call_lab.h"

namespace weir::tests {
namespace {

using sip::HeaderId;

const std::string kCalleeSdp = plain_sdp("198.18.2.2", 50000);
const std::string kTargetSdp = plain_sdp("198.18.2.3", 52000);
constexpr const char* kTarget = "<sip:rtp-5080@198.18.1.1>";

std::uint16_t audio_port(const sip::Message& message) {
  return static_cast<std::uint16_t>(std::stoi(sdp_value(message.body(), "m=audio ")));
}

/// The callee of an established call refers.
void refer(CallLab& lab, const std::string& refer_to, std::uint32_t cseq = 1, const std::string& headers = "") {
  lab.callee_sends(*lab.callee_invite, "REFER", cseq, "", "callee", "Refer-To: " + refer_to + "\r\n" + headers);
}

std::uint16_t told(const sip::Message& notify) {
  const auto status = sip::sipfrag_status(notify);
  return status ? status->status : 0;
}

/// The referrer hears of this status, and answers.
void expect_notify(CallLab& lab, std::uint16_t status, const char* state) {
  const sip::Message notify = lab.expect(kCallees, "NOTIFY");
  EXPECT_EQ(told(notify), status) << notify.body();
  EXPECT_TRUE(notify.content_is("message/sipfrag"));
  EXPECT_EQ(notify.header(HeaderId::kEvent), "refer;id=1");
  EXPECT_TRUE(notify.header(HeaderId::kSubscriptionState).value_or("").starts_with(state));
  lab.callee_answers(notify, 200);
}

/// In the lab's routes callers reach callees: the callee's own realm has one for transfers.
constexpr const char* kRoute = R"(
[[route]]
realm = "callees"
match = '^sip:(rtp-(\d+))@.*'
target = 'sip:\1@198.18.2.3:\2'
to_realm = "callees"
)";

TEST(CallTransfer, ABlindTransferCallsTheTargetAnewAndLetsTheReferrerGo) {
  CallLab lab(kRoute);
  lab.establish();
  const std::uint16_t callers_port = audio_port(*lab.answer);
  refer(lab, kTarget);
  (void)lab.expect(kCallees, "202");
  expect_notify(lab, 100, "active");
  const sip::Message invite = lab.expect(kCallees, "INVITE");
  EXPECT_EQ(invite.request_uri_text(), "sip:rtp-5080@198.18.2.3:5080");
  EXPECT_NE(audio_port(invite), audio_port(*lab.callee_invite)) << "a negotiation of its own";
  EXPECT_NE(invite.call_id(), lab.callee_invite->call_id());
  EXPECT_TRUE(invite.header(HeaderId::kReferredBy).has_value());
  EXPECT_NE(invite.header(HeaderId::kFrom)->find("alice"), std::string_view::npos) << "who remains calls";
  lab.callee_answers(invite, 180, "", "target");
  expect_notify(lab, 180, "active");
  lab.callee_answers(invite, 200, kTargetSdp, "target");
  (void)lab.expect(kCallees, "ACK");
  expect_notify(lab, 200, "terminated");
  lab.callee_answers(lab.expect(kCallees, "BYE"), 200);
  const FakeWorker::Flow* from_caller = lab.worker().flow_at(callers_port);
  ASSERT_NE(from_caller, nullptr);
  EXPECT_EQ(proto::to_string(from_caller->spec.rtp.peer), "198.18.2.3:52000");
  EXPECT_TRUE(lab.silent(kCallers)) << "its session has not changed";
  lab.caller_sends(lab.in_dialog("BYE", 2));
  (void)lab.expect(kCallers, "200");
  const sip::Message bye = lab.expect(kCallees, "BYE");
  EXPECT_EQ(bye.to_tag(), "target");
  lab.callee_answers(bye, 200);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallTransfer, ThePartyThatWasOnHoldIsTakenBack) {
  CallLab lab(kRoute);
  lab.establish();
  lab.callee_sends(*lab.callee_invite, "INVITE", 1, plain_sdp("198.18.2.2", 50000, "a=sendonly\r\n"));
  lab.caller_answers(lab.expect(kCallers, "INVITE"), 200, plain_sdp("198.18.1.2", 40000, "a=recvonly\r\n"));
  (void)lab.expect(kCallers, "ACK");
  (void)lab.expect(kCallees, "200");
  lab.callee_sends(*lab.callee_invite, "ACK", 1);
  refer(lab, kTarget, 2);
  (void)lab.expect(kCallees, "202");
  lab.callee_answers(lab.expect(kCallees, "NOTIFY"), 200);
  const sip::Message invite = lab.expect(kCallees, "INVITE");
  EXPECT_NE(invite.body().find("a=sendrecv"), std::string_view::npos) << invite.body();
  lab.callee_answers(invite, 200, kTargetSdp, "target");
  (void)lab.expect(kCallees, "ACK");
  lab.callee_answers(lab.expect(kCallees, "NOTIFY"), 200);
  lab.callee_answers(lab.expect(kCallees, "BYE"), 200);
  const sip::Message resume = lab.expect(kCallers, "INVITE");
  EXPECT_NE(resume.body().find("a=sendrecv"), std::string_view::npos) << resume.body();
  lab.caller_answers(resume, 200, plain_sdp("198.18.1.2", 40000));
  (void)lab.expect(kCallers, "ACK");
  EXPECT_TRUE(lab.silent(kCallees));
}

/// The first target keeps silent and is called off, the second refuses; then the first's answer crosses our CANCEL.
TEST(CallTransfer, ATargetThatAnswersAfterTheTransferHasFailedIsLeft) {
  CallLab lab(R"(
[[trunk]]
name = "carrier"
realm = "callees"
targets = [{ uri = "sip:198.18.2.3:5070", priority = 1 }, { uri = "sip:198.18.2.4:5070", priority = 2 }]
check_interval_s = 0
[[route]]
realm = "callees"
match = '^sip:carrier@.*'
trunk = "carrier"
)");
  lab.establish();
  refer(lab, "<sip:carrier@198.18.1.1>");
  (void)lab.expect(kCallees, "202");
  lab.callee_answers(lab.expect(kCallees, "NOTIFY"), 200);
  const sip::Message first = lab.expect(kCallees, "INVITE");
  EXPECT_EQ(first.request_uri()->host, "198.18.2.3");
  sip::Message next = first;
  for (int i = 0; i < 100 && (next.method() != sip::Method::kInvite || next.request_uri()->host == "198.18.2.3"); ++i) {
    while (lab.silent(kCallees)) lab.advance(100);
    next = lab.next(kCallees);
  }
  ASSERT_EQ(next.request_uri()->host, "198.18.2.4");
  lab.callee_answers(next, 486, "", "second");
  const auto last_word = [&lab] {
    sip::Message said = lab.next(kCallees);
    while (said.method() != sip::Method::kNotify) said = lab.next(kCallees);
    return said;
  };
  const sip::Message notify = last_word();
  EXPECT_EQ(told(notify), 486);
  lab.callee_answers(notify, 200);
  const sip::Message reoffer = lab.expect(kCallees, "INVITE");  // the referrer has its call again
  EXPECT_EQ(reoffer.call_id(), lab.callee_invite->call_id());
  lab.callee_answers(reoffer, 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  lab.callee_answers(first, 200, kTargetSdp, "late");
  EXPECT_EQ(lab.expect(kCallees, "ACK").to_tag(), "late");
  const sip::Message bye = lab.expect(kCallees, "BYE");
  EXPECT_EQ(bye.to_tag(), "late");
  lab.callee_answers(bye, 200, "", "late");
  EXPECT_TRUE(lab.silent(kCallers));
  lab.caller_sends(lab.in_dialog("BYE", 2));
  (void)lab.expect(kCallers, "200");
  EXPECT_EQ(lab.expect(kCallees, "BYE").to_tag(), "callee");
}

TEST(CallTransfer, ATargetThatRefusesGivesTheReferrerItsCallBack) {
  CallLab lab(kRoute);
  lab.establish();
  refer(lab, kTarget);
  (void)lab.expect(kCallees, "202");
  expect_notify(lab, 100, "active");
  const sip::Message invite = lab.expect(kCallees, "INVITE");
  lab.callee_answers(invite, 486, "", "target");
  (void)lab.expect(kCallees, "ACK");
  expect_notify(lab, 486, "terminated");
  const sip::Message back = lab.expect(kCallees, "INVITE");
  EXPECT_EQ(back.to_tag(), "callee");
  lab.callee_answers(back, 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  const FakeWorker::Flow* from_caller = lab.worker().flow_at(audio_port(*lab.answer));
  ASSERT_NE(from_caller, nullptr);
  EXPECT_EQ(proto::to_string(from_caller->spec.rtp.peer), "198.18.2.2:50000");
  lab.callee_sends(*lab.callee_invite, "BYE", 2);
  (void)lab.expect(kCallees, "200");
  lab.caller_answers(lab.expect(kCallers, "BYE"), 200);
  EXPECT_TRUE(lab.nothing_left());
}

/// The call of a caller that does not want to be known.
void establish_anonymously(CallLab& lab) {
  RequestText invite;
  invite.body = plain_sdp("198.18.1.2", 40000);
  invite.headers += "Privacy: id\r\n";
  lab.establish(invite, kCalleeSdp);
}

TEST(CallTransfer, ACallerThatIsNobodyIsSoToTheTargetOrASecretToThoseItMayKnow) {
  for (const bool trusted : {false, true}) {
    CallLab lab(kRoute);
    lab.settings().realms[kCallees].policy.trusted = trusted;
    establish_anonymously(lab);
    refer(lab, kTarget);
    (void)lab.expect(kCallees, "202");
    expect_notify(lab, 100, "active");
    const sip::Message invite = lab.expect(kCallees, "INVITE");
    EXPECT_EQ(invite.header(HeaderId::kPrivacy), "id");
    EXPECT_EQ(invite.header(HeaderId::kFrom)->find("alice") != std::string_view::npos, trusted);
    EXPECT_EQ(invite.header(HeaderId::kFrom)->find("anonymous.invalid") == std::string_view::npos, trusted);
  }
}

TEST(CallTransfer, AReferrerThatIsNobodyIsNotNamed) {
  for (const bool trusted : {false, true}) {
    CallLab lab(kRoute, R"(transfers = "pass")");
    lab.settings().realms[kCallees].policy.trusted = trusted;
    establish_anonymously(lab);
    RequestText request = lab.in_dialog("REFER", 2);
    request.headers += "Refer-To: <sip:rtp-5080@198.18.1.1>\r\nReferred-By: <sip:alice@198.18.1.2>\r\n";
    lab.caller_sends(request);
    const sip::Message passed = lab.expect(kCallees, "REFER");
    const std::string by(passed.header(HeaderId::kReferredBy).value_or("none"));
    EXPECT_EQ(by.find("alice") != std::string::npos, trusted) << by;
    EXPECT_EQ(by.find("anonymous.invalid") == std::string::npos, trusted) << by;
  }
}

TEST(CallTransfer, TowardsAReferrerThatGetsItsCallBackAnAnonymousCallerStaysHidden) {
  CallLab lab(kRoute);
  establish_anonymously(lab);
  refer(lab, kTarget);
  (void)lab.expect(kCallees, "202");
  expect_notify(lab, 100, "active");
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 486, "", "target");
  (void)lab.expect(kCallees, "ACK");
  expect_notify(lab, 486, "terminated");
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  EXPECT_EQ(lab.hiding_at(audio_port(*lab.answer)), proto::kHidesSources);
}

TEST(CallTransfer, ATargetThatAnswersAnonymouslyIsHiddenFromWhoStays) {
  CallLab lab(kRoute);
  lab.establish();
  refer(lab, kTarget);
  (void)lab.expect(kCallees, "202");
  expect_notify(lab, 100, "active");
  const sip::Message invite = lab.expect(kCallees, "INVITE");
  lab.callee_answers(invite, 180, "", "target", "Privacy: id\r\n");
  lab.callee_answers(invite, 200, kTargetSdp, "target");
  lab.next(kCallees);  // how far the transfer is
  (void)lab.expect(kCallees, "ACK");
  EXPECT_EQ(lab.hiding_at(audio_port(invite)), proto::kHidesSources);
}

TEST(CallTransfer, AReferrerThatHangsUpAtOnceHasSaidWhatItWants) {
  CallLab lab(kRoute);
  lab.establish();
  refer(lab, kTarget);
  (void)lab.expect(kCallees, "202");
  expect_notify(lab, 100, "active");
  const sip::Message invite = lab.expect(kCallees, "INVITE");
  lab.callee_sends(*lab.callee_invite, "BYE", 2);
  (void)lab.expect(kCallees, "200");
  EXPECT_TRUE(lab.silent(kCallers));
  lab.callee_answers(invite, 200, kTargetSdp, "target");
  (void)lab.expect(kCallees, "ACK");
  EXPECT_TRUE(lab.silent(kCallees)) << "nobody to be told";
  EXPECT_EQ(lab.control().calls(), 1u);
}

TEST(CallTransfer, TheRemainingPartysByeCallsTheTargetOff) {
  CallLab lab(kRoute);
  lab.establish();
  refer(lab, kTarget);
  (void)lab.expect(kCallees, "202");
  expect_notify(lab, 100, "active");
  const sip::Message invite = lab.expect(kCallees, "INVITE");
  lab.callee_answers(invite, 180, "", "target");
  expect_notify(lab, 180, "active");
  lab.caller_sends(lab.in_dialog("BYE", 2));
  (void)lab.expect(kCallers, "200");
  expect_notify(lab, 487, "terminated");
  lab.callee_answers(lab.expect(kCallees, "CANCEL"), 200);
  lab.callee_answers(lab.expect(kCallees, "BYE"), 200);
  lab.callee_answers(invite, 487, "", "target");
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallTransfer, WithoutASubscriptionNothingIsTold) {
  CallLab lab(kRoute);
  lab.establish();
  refer(lab, kTarget, 1, "Refer-Sub: false\r\n");
  EXPECT_EQ(lab.expect(kCallees, "202").header(HeaderId::kReferSub), "false");
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 200, kTargetSdp, "target");
  (void)lab.expect(kCallees, "ACK");
  lab.callee_answers(lab.expect(kCallees, "BYE"), 200);
}

TEST(CallTransfer, WhatLeadsNowhereMakesNoCall) {
  const std::pair<std::string, const char*> kRows[] = {
      {"<sip:nobody@198.18.1.1>", "404"},
      {"<sip:rtp-5080@198.18.1.1;method=BYE>", "403"},
      {"<tel:+4930123>", "416"},
      {"<sip:rtp-5080@198.18.1.1", "400"},
  };
  for (const auto& [refer_to, status] : kRows) {
    SCOPED_TRACE(refer_to);
    CallLab lab(kRoute);
    lab.establish();
    refer(lab, refer_to);
    (void)lab.expect(kCallees, status);
    EXPECT_TRUE(lab.silent(kCallees));
    EXPECT_TRUE(lab.silent(kCallers));
    EXPECT_EQ(lab.worker().installed(), 4u);
  }
}

TEST(CallTransfer, AReferOutsideACallMakesNone) {
  CallLab lab(kRoute);
  RequestText request;
  request.method = "REFER";
  request.headers += "Refer-To: <sip:rtp-5070@198.18.1.1>\r\n";
  lab.caller_sends(request);
  EXPECT_GE(lab.next(kCallers).status(), 400);
  EXPECT_TRUE(lab.silent(kCallees));
}

TEST(CallTransfer, WhereTheRealmSaysSoTheOtherPartyActsOnIt) {
  CallLab lab(kRoute, R"(transfers = "pass")");
  lab.establish();
  RequestText request = lab.in_dialog("REFER", 2);
  request.headers += "Refer-To: <sip:rtp-5080@198.18.1.1>\r\n";
  lab.caller_sends(request);
  const sip::Message passed = lab.expect(kCallees, "REFER");
  EXPECT_EQ(passed.header(HeaderId::kReferTo), "<sip:rtp-5080@198.18.2.2:5080>");
  lab.callee_answers(passed, 202);
  (void)lab.expect(kCallers, "202");
  const std::string event = "Event: refer;id=" + std::to_string(passed.cseq()->number) + "\r\n";
  lab.callee_sends(*lab.callee_invite, "NOTIFY", 1, "SIP/2.0 180 Ringing\r\n", "callee",
                   event + "Subscription-State: active;expires=60\r\nContent-Type: message/sipfrag\r\n");
  const sip::Message notify = lab.expect(kCallers, "NOTIFY");
  EXPECT_EQ(notify.header(HeaderId::kEvent), "refer;id=2") << "as the referrer knows it";
  EXPECT_EQ(told(notify), 180);
  lab.caller_answers(notify, 200);
  (void)lab.expect(kCallees, "200");
}

TEST(CallTransfer, ANotifyThatNobodyAskedForIs481) {
  CallLab lab;
  lab.establish();
  lab.callee_sends(*lab.callee_invite, "NOTIFY", 1, "", "callee", "Event: refer\r\n");
  (void)lab.expect(kCallees, "481");
  EXPECT_TRUE(lab.silent(kCallers));
}

}  // namespace
}  // namespace weir::tests
