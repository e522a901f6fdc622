// Attended transfers: who has talked to the new party in another call of ours brings it into this one. Alice is the
// caller of the first call; Bob, who was called, calls Carol in the second and refers.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "proto/source_disguise.h"
#include "tests/support/consultation.h"

namespace weir::tests {
namespace {

TEST(CallAttended, TheOtherCallsPartyTakesTheReferrersPlaceAndBothOfItsDialogsEnd) {
  Consultation parties;
  parties.begin();
  CallLab& lab = parties.lab;
  const std::size_t installed = lab.worker().installed();
  const sip::Message offer = parties.refer_and_read_offer();
  EXPECT_NE(audio_port(offer), audio_port(*parties.carols_invite)) << "a negotiation of its own";
  EXPECT_NE(offer.body().find("a=sendrecv"), std::string_view::npos) << offer.body();
  EXPECT_NE(sdp_value(offer.body(), "o="), sdp_value(parties.carols_invite->body(), "o="));
  lab.callee_answers(offer, 180);
  lab.callee_answers(offer, 200, kCarolsSdp);
  (void)lab.expect(kCallees, "ACK");
  parties.bob_is_let_go();
  EXPECT_TRUE(lab.silent(kCallees));
  EXPECT_TRUE(lab.silent(kCallers)) << "its session has not changed";
  EXPECT_EQ(parties.where_alice_is_sent(), "198.18.2.3:52000");
  EXPECT_EQ(parties.where(audio_port(offer)), "198.18.1.2:40000");
  EXPECT_EQ(lab.control().calls(), 1u);
  EXPECT_EQ(lab.worker().installed(), installed / 2) << "the second call's stream is gone";
  lab.caller_sends(lab.in_dialog("BYE", 2));
  (void)lab.expect(kCallers, "200");
  const sip::Message bye = lab.expect(kCallees, "BYE");
  EXPECT_EQ(bye.call_id(), parties.carols_invite->call_id());
  lab.callee_answers(bye, 200);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallAttended, TheNewPartysRequestsAreTheFirstCallsFromThenOn) {
  Consultation parties;
  parties.begin();
  CallLab& lab = parties.lab;
  lab.callee_answers(parties.refer_and_read_offer(), 200, kCarolsSdp);
  (void)lab.expect(kCallees, "ACK");
  parties.bob_is_let_go();
  parties.carol_sends("INVITE", 1, plain_sdp("198.18.2.3", 52000, "a=sendonly\r\n"));
  const sip::Message hold = lab.expect(kCallers, "INVITE");
  EXPECT_NE(hold.body().find("a=sendonly"), std::string_view::npos);
  lab.caller_answers(hold, 200, plain_sdp("198.18.1.2", 40000, "a=recvonly\r\n"));
  (void)lab.expect(kCallers, "ACK");
  (void)lab.expect(kCallees, "200");
  parties.carol_sends("ACK", 1);
  parties.carol_sends("BYE", 2);
  (void)lab.expect(kCallees, "200");
  lab.caller_answers(lab.expect(kCallers, "BYE"), 200);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallAttended, ANewPartyWithMoreSectionsIsOfferedAsMany) {
  Consultation parties;
  CallLab& lab = parties.lab;
  lab.establish();
  parties.bob_sends("INVITE", 1, kBobsOtherSdp + "m=video 50012 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n",
                    "sip:rtp-5080@198.18.2.1");
  parties.carols_invite = lab.expect(kCallees, "INVITE");
  const std::string refused = "m=video 0 RTP/AVP 96\r\n";
  lab.callee_answers(*parties.carols_invite, 200, kCarolsSdp + refused, "carol");
  (void)lab.expect(kCallees, "ACK");
  parties.bobs_answer = lab.expect(kCallees, "200");
  parties.bob_sends("ACK", 1);
  const sip::Message offer = parties.refer_and_read_offer();
  EXPECT_NE(offer.body().find("m=video 0 "), std::string_view::npos) << offer.body();
  lab.callee_answers(offer, 200, kCarolsSdp + refused);
  (void)lab.expect(kCallees, "ACK");
  parties.bob_is_let_go();
  EXPECT_EQ(parties.where_alice_is_sent(), "198.18.2.3:52000");
  // Who remains has one section, and offers one: the other party's second one stays closed.
  RequestText hold = lab.in_dialog("INVITE", 2);
  hold.body = plain_sdp("198.18.1.2", 40000, "a=sendonly\r\n");
  lab.caller_sends(hold);
  const sip::Message passed = lab.expect(kCallees, "INVITE");
  EXPECT_NE(passed.body().find("m=video 0 "), std::string_view::npos) << passed.body();
  lab.callee_answers(passed, 200, plain_sdp("198.18.2.3", 52000, "a=recvonly\r\n") + refused);
  (void)lab.expect(kCallees, "ACK");
  EXPECT_EQ(lab.expect(kCallers, "200").body().find("m=video"), std::string_view::npos);
  parties.everything_ends();
}

TEST(CallAttended, WhoWasOnHoldIsTakenBack) {
  Consultation parties;
  CallLab& lab = parties.lab;
  lab.establish();
  lab.callee_sends(*lab.callee_invite, "INVITE", 1, plain_sdp("198.18.2.2", 50000, "a=sendonly\r\n"));
  lab.caller_answers(lab.expect(kCallers, "INVITE"), 200, plain_sdp("198.18.1.2", 40000, "a=recvonly\r\n"));
  (void)lab.expect(kCallers, "ACK");
  (void)lab.expect(kCallees, "200");
  lab.callee_sends(*lab.callee_invite, "ACK", 1);
  parties.bob_calls_carol("rtp-5080", kCarolsSdp);
  parties.refer(parties.second_dialog(), 2);
  (void)lab.expect(kCallees, "202");
  parties.expect_notify(100, "active");
  const sip::Message offer = lab.expect(kCallees, "INVITE");
  EXPECT_NE(offer.body().find("a=sendrecv"), std::string_view::npos) << offer.body();
  lab.callee_answers(offer, 200, kCarolsSdp);
  (void)lab.expect(kCallees, "ACK");
  parties.bob_is_let_go();
  const sip::Message resume = lab.expect(kCallers, "INVITE");
  EXPECT_NE(resume.body().find("a=sendrecv"), std::string_view::npos) << resume.body();
  lab.caller_answers(resume, 200, plain_sdp("198.18.1.2", 40000));
  (void)lab.expect(kCallers, "ACK");
  EXPECT_TRUE(lab.silent(kCallees));
  parties.everything_ends();
}

/// Carol, on the callers' side, calls Bob, who was called by Alice.
std::string carol_calls(const std::string& method, std::uint32_t cseq, const std::string& to_tag,
                        const std::string& body = "", const std::string& headers = "") {
  return method + " sip:rtp-5070@198.18.1.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.1.2:5062;branch=z9hG4bKcarol" + method +
         std::to_string(cseq) + ";rport\r\nMax-Forwards: 70\r\nFrom: <sip:carol@198.18.1.3>;tag=carolstag\r\n" +
         "To: <sip:rtp-5070@198.18.1.1>" + (to_tag.empty() ? "" : ";tag=" + to_tag) +
         "\r\nCall-ID: carols-call\r\nCSeq: " + std::to_string(cseq) + " " + method +
         "\r\nContact: <sip:carol@198.18.1.2:5062>\r\n" + headers +
         (body.empty() ? "" : "Content-Type: application/sdp\r\n") + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

TEST(CallAttended, TheNewPartyMayBeTheCallerOfItsCall) {
  Consultation parties;
  CallLab& lab = parties.lab;
  lab.establish();
  lab.deliver(kCallers, carol_calls("INVITE", 1, "", plain_sdp("198.18.1.3", 44000), "Privacy: id\r\n"));
  const sip::Message second = lab.expect(kCallees, "INVITE");
  lab.callee_answers(second, 200, kBobsOtherSdp, "bobstag");
  (void)lab.expect(kCallees, "ACK");
  const std::string carols_tag(lab.expect(kCallers, "200").to_tag());
  lab.deliver(kCallers, carol_calls("ACK", 1, carols_tag));
  parties.refer(std::string(second.call_id()) + "%3Bto-tag%3D" + std::string(second.from_tag()) +
                "%3Bfrom-tag%3Dbobstag");
  (void)lab.expect(kCallees, "202");
  parties.expect_notify(100, "active");
  const sip::Message offer = lab.expect(kCallers, "INVITE");
  EXPECT_EQ(offer.call_id(), "carols-call");
  lab.caller_answers(offer, 200, plain_sdp("198.18.1.3", 44000));
  (void)lab.expect(kCallers, "ACK");
  parties.expect_notify(200, "terminated");
  lab.callee_answers(lab.expect(kCallees, "BYE"), 200);
  const sip::Message bye = lab.expect(kCallees, "BYE");
  EXPECT_EQ(bye.call_id(), second.call_id());
  lab.callee_answers(bye, 200);
  EXPECT_EQ(parties.where_alice_is_sent(), "198.18.1.3:44000");
  const FakeWorker::Flow* from_carol = lab.worker().flow_at(audio_port(offer));
  ASSERT_NE(from_carol, nullptr);
  EXPECT_EQ(from_carol->spec.rewrite.strips_extensions & proto::kHidesSources, proto::kHidesSources)
      << "who called anonymously comes anonymously";
  EXPECT_EQ(lab.control().calls(), 1u);
  lab.deliver(kCallers, carol_calls("BYE", 2, carols_tag));
  (void)lab.expect(kCallers, "200");
  lab.caller_answers(lab.expect(kCallers, "BYE"), 200);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallAttended, TheReferrerMayBeTheCallerOfBothCalls) {
  Consultation parties;
  CallLab& lab = parties.lab;
  lab.establish();
  // Alice calls a second time, somebody else: by the same means as Carol does above.
  lab.deliver(kCallers, carol_calls("INVITE", 1, "", plain_sdp("198.18.1.2", 44000)));
  const sip::Message second = lab.expect(kCallees, "INVITE");
  lab.callee_answers(second, 200, kCarolsSdp, "dave");
  (void)lab.expect(kCallees, "ACK");
  const std::string to_tag(lab.expect(kCallers, "200").to_tag());
  lab.deliver(kCallers, carol_calls("ACK", 1, to_tag));
  RequestText request = lab.in_dialog("REFER", 2);
  request.headers +=
      "Refer-To: <sip:weir@198.18.1.1?Replaces=carols-call%3Bto-tag%3D" + to_tag + "%3Bfrom-tag%3Dcarolstag>\r\n";
  lab.caller_sends(request);
  (void)lab.expect(kCallers, "202");
  lab.caller_answers(lab.expect(kCallers, "NOTIFY"), 200);
  const sip::Message offer = lab.expect(kCallees, "INVITE");
  EXPECT_EQ(offer.call_id(), second.call_id());
  lab.callee_answers(offer, 200, kCarolsSdp);
  (void)lab.expect(kCallees, "ACK");
  EXPECT_EQ(told(lab.expect(kCallers, "NOTIFY")), 200);
  lab.caller_answers(lab.expect(kCallers, "BYE"), 200);
  const sip::Message bye = lab.expect(kCallers, "BYE");
  EXPECT_EQ(bye.call_id(), "carols-call");
  lab.caller_answers(bye, 200);
  EXPECT_EQ(parties.where(audio_port(*lab.callee_invite)), "198.18.2.3:52000");
  lab.callee_sends(*lab.callee_invite, "BYE", 1);
  (void)lab.expect(kCallees, "200");
  const sip::Message last = lab.expect(kCallees, "BYE");
  EXPECT_EQ(last.to_tag(), "dave");
  lab.callee_answers(last, 200);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallAttended, ASecuredPartyNegotiatesAnewWithAnotherTlsIdAndOtherKeys) {
  Consultation parties;
  CallLab& lab = parties.lab;
  lab.establish();
  DtlsPeer before({});
  DtlsPeer after({});
  const auto secured = [](const DtlsPeer& peer, const char* tls_id) {
    return secured_sdp(
        "198.18.2.3", 52000,
        "a=rtcp-mux\r\na=setup:active\r\na=tls-id:" + std::string(tls_id) + "\r\n" + fingerprint_line(peer));
  };
  parties.bob_calls_carol("dtls-5080", secured(before, "abc3de65cddef001be82"));
  const std::uint16_t port_before = audio_port(*parties.carols_invite);
  shake_hands(lab, before, port_before, place("198.18.2.3", 52000));
  ASSERT_TRUE(before.connected());
  const FakeWorker::Flow* flow = lab.worker().flow_at(port_before);
  ASSERT_NE(flow, nullptr);
  const proto::SessionKeys keys_before = flow->spec.receive.rtp;
  const sip::Message offer = parties.refer_and_read_offer();
  EXPECT_EQ(sdp_value(offer.body(), "a=setup:"), "actpass");
  EXPECT_NE(sdp_value(offer.body(), "a=tls-id:"), "");
  EXPECT_NE(sdp_value(offer.body(), "a=tls-id:"), sdp_value(parties.carols_invite->body(), "a=tls-id:"));
  lab.callee_answers(offer, 200, secured(after, "abc3de65cddef001be83"));
  (void)lab.expect(kCallees, "ACK");
  parties.bob_is_let_go();
  EXPECT_EQ(lab.worker().flow_at(port_before), nullptr);
  const std::uint16_t port = audio_port(offer);
  shake_hands(lab, after, port, place("198.18.2.3", 52000));
  ASSERT_TRUE(after.connected());
  flow = lab.worker().flow_at(port);
  ASSERT_NE(flow, nullptr);
  EXPECT_EQ(flow->state, proto::FlowState::kInstalled);
  EXPECT_EQ(flow->spec.receive.profile, proto::SrtpProfile::kAeadAes128Gcm);
  EXPECT_NE(std::memcmp(&flow->spec.receive.rtp, &keys_before, sizeof keys_before), 0);
  const FakeWorker::Flow* from_alice = lab.worker().flow_at(audio_port(*lab.answer));
  ASSERT_NE(from_alice, nullptr);
  EXPECT_EQ(from_alice->spec.send.profile, proto::SrtpProfile::kAeadAes128Gcm) << "nothing clear leaves to Carol";
  parties.everything_ends();
}

TEST(CallAttended, ASecuredPartyThatRemainsKeepsItsAssociation) {
  Consultation parties;
  CallLab& lab = parties.lab;
  DtlsPeer alice({});
  RequestText invite;
  invite.body = secured_sdp("198.18.1.2", 40000, "a=rtcp-mux\r\na=setup:active\r\n" + fingerprint_line(alice));
  lab.caller_sends(invite);
  lab.callee_invite = lab.expect(kCallees, "INVITE");
  lab.callee_answers(*lab.callee_invite, 200, kBobsSdp);
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 1));
  shake_hands(lab, alice, audio_port(*lab.answer), place("198.18.1.2", 40000));
  const FakeWorker::Flow* flow = lab.worker().flow_at(audio_port(*lab.answer));
  ASSERT_NE(flow, nullptr);
  const proto::SessionKeys keys = flow->spec.receive.rtp;
  parties.bob_calls_carol("rtp-5080", kCarolsSdp);
  lab.callee_answers(parties.refer_and_read_offer(), 200, kCarolsSdp);
  (void)lab.expect(kCallees, "ACK");
  parties.bob_is_let_go();
  EXPECT_TRUE(lab.silent(kCallers));
  flow = lab.worker().flow_at(audio_port(*lab.answer));
  ASSERT_NE(flow, nullptr);
  EXPECT_EQ(flow->state, proto::FlowState::kInstalled);
  EXPECT_EQ(std::memcmp(&flow->spec.receive.rtp, &keys, sizeof keys), 0);
  EXPECT_EQ(proto::to_string(flow->spec.rtp.peer), "198.18.2.3:52000");
  parties.everything_ends();
}

TEST(CallAttended, ANewPartyThatRefusesLeavesBothCallsAsTheyWere) {
  Consultation parties;
  parties.begin();
  CallLab& lab = parties.lab;
  const std::string in_second = parties.where(audio_port(*parties.carols_invite));
  lab.callee_answers(parties.refer_and_read_offer(), 486);
  (void)lab.expect(kCallees, "ACK");
  parties.expect_notify(486, "terminated");
  parties.bob_is_given_his_call_back();
  EXPECT_EQ(parties.where(audio_port(*parties.carols_invite)), in_second);
  EXPECT_EQ(lab.control().calls(), 2u);
  // Either party of the second call may still change it, and end it.
  parties.bob_sends("INVITE", 2, plain_sdp("198.18.2.2", 50010, "a=sendonly\r\n"));
  const sip::Message hold = lab.expect(kCallees, "INVITE");
  EXPECT_EQ(audio_port(hold), audio_port(*parties.carols_invite)) << "the ports of that call";
  lab.callee_answers(hold, 200, plain_sdp("198.18.2.3", 52000, "a=recvonly\r\n"));
  (void)lab.expect(kCallees, "ACK");
  (void)lab.expect(kCallees, "200");
  parties.bob_sends("ACK", 2);
  parties.carol_sends("BYE", 1);
  (void)lab.expect(kCallees, "200");
  const sip::Message bye = lab.expect(kCallees, "BYE");
  EXPECT_EQ(bye.call_id(), "consultation");
  lab.callee_answers(bye, 200);
  EXPECT_EQ(lab.control().calls(), 1u);
  parties.everything_ends();
}

TEST(CallAttended, AnAnswerOfNoUseGivesEverybodyBackWhatTheyHad) {
  const std::pair<const char*, std::string> kRows[] = {
      {"no SDP", ""},
      {"broken SDP", "v=0\r\nm=audio"},
      {"refused audio", plain_sdp("198.18.2.3", 0)},
  };
  for (const auto& [description, body] : kRows) {
    SCOPED_TRACE(description);
    Consultation parties;
    parties.begin();
    CallLab& lab = parties.lab;
    lab.callee_answers(parties.refer_and_read_offer(), 200, body);
    (void)lab.expect(kCallees, "ACK");
    const sip::Message restored = lab.expect(kCallees, "INVITE");
    EXPECT_EQ(restored.call_id(), parties.carols_invite->call_id());
    EXPECT_EQ(audio_port(restored), audio_port(*parties.carols_invite)) << "the ports of that call";
    const sip::Message notify = lab.expect(kCallees, "NOTIFY");
    EXPECT_GE(told(notify), 400);
    lab.callee_answers(notify, 200);
    parties.bob_is_given_his_call_back();
    lab.callee_answers(restored, 200, kCarolsSdp);
    (void)lab.expect(kCallees, "ACK");
    EXPECT_TRUE(lab.silent(kCallees));
    EXPECT_EQ(parties.where(audio_port(*parties.carols_invite)), "198.18.2.2:50010");
    EXPECT_EQ(lab.control().calls(), 2u);
    parties.everything_ends();
  }
}

TEST(CallAttended, ANewPartyThatKnowsItsCallNoMoreEndsThatCallOnly) {
  Consultation parties;
  parties.begin();
  CallLab& lab = parties.lab;
  lab.callee_answers(parties.refer_and_read_offer(), 481);
  (void)lab.expect(kCallees, "ACK");
  std::vector<sip::Message> byes{lab.expect(kCallees, "BYE"), lab.expect(kCallees, "BYE")};
  for (const sip::Message& bye : byes) lab.callee_answers(bye, 200);
  parties.expect_notify(481, "terminated");
  parties.bob_is_given_his_call_back();
  EXPECT_EQ(lab.control().calls(), 1u);
  parties.everything_ends();
}

TEST(CallAttended, OffersThatCrossAreMadeAgain) {
  Consultation parties;
  parties.begin();
  CallLab& lab = parties.lab;
  lab.callee_answers(parties.refer_and_read_offer(), 491);
  (void)lab.expect(kCallees, "ACK");
  EXPECT_TRUE(lab.silent(kCallees)) << "later";
  lab.callee_answers(parties.read_offer_again(), 200, kCarolsSdp);
  (void)lab.expect(kCallees, "ACK");
  parties.bob_is_let_go();
  EXPECT_EQ(parties.where_alice_is_sent(), "198.18.2.3:52000");
  parties.everything_ends();
}

TEST(CallAttended, ANewPartyThatAlwaysCrossesIsGivenUp) {
  Consultation parties;
  parties.begin();
  CallLab& lab = parties.lab;
  sip::Message offer = parties.refer_and_read_offer();
  for (int i = 0; i < 3; ++i) {
    lab.callee_answers(offer, 491);
    (void)lab.expect(kCallees, "ACK");
    offer = parties.read_offer_again();
  }
  lab.callee_answers(offer, 491);
  (void)lab.expect(kCallees, "ACK");
  parties.expect_notify(491, "terminated");
  parties.bob_is_given_his_call_back();
  parties.everything_ends();
}

TEST(CallAttended, ANewPartyThatSaysNothingIsGivenUp) {
  Consultation parties;
  parties.begin();
  CallLab& lab = parties.lab;
  const sip::Message offer = parties.refer_and_read_offer();
  lab.callee_answers(offer, 100);
  lab.advance(192'000);
  (void)lab.expect(kCallees, "CANCEL");
  parties.expect_notify(408, "terminated");
  const sip::Message back = lab.expect(kCallees, "INVITE");
  EXPECT_EQ(back.call_id(), lab.callee_invite->call_id());
  lab.callee_answers(back, 200, kBobsSdp);
  lab.callee_answers(offer, 487);
  parties.everything_ends();
}

TEST(CallAttended, WhileItIsUnderWayNobodyChangesEitherCall) {
  Consultation parties;
  parties.begin();
  CallLab& lab = parties.lab;
  const sip::Message offer = parties.refer_and_read_offer();
  RequestText hold = lab.in_dialog("INVITE", 2);
  hold.body = plain_sdp("198.18.1.2", 40000, "a=sendonly\r\n");
  lab.caller_sends(hold);
  (void)lab.expect(kCallers, "491");
  parties.bob_sends("INVITE", 2, plain_sdp("198.18.2.2", 50010, "a=sendonly\r\n"));
  (void)lab.expect(kCallees, "491");
  parties.carol_sends("INVITE", 1, plain_sdp("198.18.2.3", 52000, "a=sendonly\r\n"));
  (void)lab.expect(kCallees, "491");
  parties.carol_sends("REFER", 2);
  (void)lab.expect(kCallees, "491");
  parties.refer(parties.second_dialog(), 2);
  EXPECT_GE(lab.next(kCallees).status(), 400);
  lab.caller_sends(lab.in_dialog("INFO", 3));
  (void)lab.expect(kCallers, "480");
  lab.callee_answers(offer, 200, kCarolsSdp);
  (void)lab.expect(kCallees, "ACK");
  parties.bob_is_let_go();
  parties.everything_ends();
}

TEST(CallAttended, AnOfferThatIsUnderWayInEitherCallComesFirst) {
  {
    Consultation parties;
    parties.begin();
    CallLab& lab = parties.lab;
    parties.bob_sends("INVITE", 2, plain_sdp("198.18.2.2", 50010, "a=sendonly\r\n"));
    (void)lab.expect(kCallees, "INVITE");
    parties.refer(parties.second_dialog());
    (void)lab.expect(kCallees, "491");
    EXPECT_TRUE(lab.silent(kCallees));
    parties.everything_ends();
  }
  Consultation parties;
  parties.begin();
  CallLab& lab = parties.lab;
  RequestText hold = lab.in_dialog("INVITE", 2);
  hold.body = plain_sdp("198.18.1.2", 40000, "a=sendonly\r\n");
  lab.caller_sends(hold);
  (void)lab.expect(kCallees, "INVITE");
  parties.refer(parties.second_dialog());
  (void)lab.expect(kCallees, "491");
  EXPECT_TRUE(lab.silent(kCallees));
  parties.everything_ends();
}

TEST(CallAttended, WhatNamesNoEstablishedDialogOfTheReferrersOwnIsRefused) {
  const std::string tag = "%3Bfrom-tag%3Dbobstag";
  using Names = std::function<std::string(Consultation&)>;
  const std::tuple<const char*, Names, const char*> kRows[] = {
      {"a guessed tag", [&](Consultation&) { return "consultation%3Bto-tag%3Dtoken1" + tag; }, "481"},
      {"another call", [](Consultation&) { return "nobodys%3Bto-tag%3Da%3Bfrom-tag%3Db"; }, "481"},
      {"early only", [](Consultation& all) { return all.second_dialog() + "%3Bearly-only"; }, "486"},
      {"malformed", [](Consultation&) { return "consultation"; }, "400"},
      {"the new party's dialog as if it were the referrer's",
       [](Consultation& all) {
         return std::string(all.carols_invite->call_id()) + "%3Bto-tag%3D" +
                std::string(all.carols_invite->from_tag()) + "%3Bfrom-tag%3Dcarol";
       },
       "403"},
      {"the same call",
       [](Consultation& all) {
         return std::string(all.lab.callee_invite->call_id()) + "%3Bto-tag%3D" +
                std::string(all.lab.callee_invite->from_tag()) + "%3Bfrom-tag%3Dcallee";
       },
       "403"},
      {"a dialog in another realm",
       [](Consultation& all) {
         return "secret-call-id%40198.18.1.2%3Bto-tag%3D" + std::string(all.lab.answer->to_tag()) +
                "%3Bfrom-tag%3Dalicetag";
       },
       "403"},
      {"a dialog that has ended",
       [](Consultation& all) {
         all.bob_sends("BYE", 2);
         (void)all.lab.expect(kCallees, "200");
         (void)all.lab.expect(kCallees, "BYE");
         return all.second_dialog();
       },
       "603"},
  };
  for (const auto& [description, names, status] : kRows) {
    SCOPED_TRACE(description);
    Consultation parties;
    parties.begin();
    CallLab& lab = parties.lab;
    parties.refer(names(parties));
    (void)lab.expect(kCallees, status);
    EXPECT_TRUE(lab.silent(kCallees));
    EXPECT_TRUE(lab.silent(kCallers));
    EXPECT_EQ(parties.where_alice_is_sent(), "198.18.2.2:50000");
    parties.everything_ends();
  }
}

TEST(CallAttended, AReferrerThatSeesTheFarDialogMayNameThat) {
  Consultation parties;
  parties.begin();
  CallLab& lab = parties.lab;
  // As Carol sees it: her tag is who is asked's, ours the one of whom she talks to.
  parties.refer(std::string(parties.carols_invite->call_id()) + "%3Bto-tag%3Dcarol%3Bfrom-tag%3D" +
                std::string(parties.carols_invite->from_tag()));
  (void)lab.expect(kCallees, "202");
  parties.expect_notify(100, "active");
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 200, kCarolsSdp);
  (void)lab.expect(kCallees, "ACK");
  parties.bob_is_let_go();
  parties.everything_ends();
}

/// Bob does not wait for Carol's answer. Alice is shown as who calls her, Carol rings anew.
TEST(CallAttended, WhoRingsStillIsCalledInTheReferrersPlace) {
  for (const char* const early_only : {"", "%3Bearly-only"}) {
    SCOPED_TRACE(early_only);
    Consultation parties;
    CallLab& lab = parties.lab;
    lab.establish();
    parties.bob_sends("INVITE", 1, kBobsOtherSdp, "sip:rtp-5080@198.18.2.1");
    parties.carols_invite = lab.expect(kCallees, "INVITE");
    lab.callee_answers(*parties.carols_invite, 180, "", "carol");
    parties.bobs_answer = lab.expect(kCallees, "180");
    parties.refer(parties.second_dialog() + early_only);
    (void)lab.expect(kCallees, "202");
    const sip::Message cancel = lab.expect(kCallees, "CANCEL");
    EXPECT_EQ(cancel.call_id(), parties.carols_invite->call_id());
    lab.callee_answers(cancel, 200, "", "carol");
    EXPECT_EQ(lab.expect(kCallees, "487").call_id(), "consultation") << "Bob's other call";
    parties.expect_notify(100, "active");
    const sip::Message invite = lab.expect(kCallees, "INVITE");
    EXPECT_EQ(invite.request_uri_text(), parties.carols_invite->request_uri_text());
    EXPECT_NE(invite.call_id(), parties.carols_invite->call_id());
    EXPECT_FALSE(invite.has(sip::HeaderId::kReplaces));
    lab.callee_answers(*parties.carols_invite, 487, "", "carol");
    (void)lab.expect(kCallees, "ACK");
    lab.callee_answers(invite, 200, kCarolsSdp, "carol2");
    (void)lab.expect(kCallees, "ACK");
    parties.expect_notify(200, "terminated");
    lab.callee_answers(lab.expect(kCallees, "BYE"), 200);
    EXPECT_EQ(parties.where_alice_is_sent(), "198.18.2.3:52000");
    EXPECT_EQ(lab.control().calls(), 1u);
    parties.everything_ends();
  }
}

/// Carol, who is called, has not begun the dialog: she replaces nobody in it (RFC 3891 section 3).
TEST(CallAttended, AnInviteThatNamesAnEarlyDialogReplacesNobody) {
  CallLab lab;
  RequestText invite;
  invite.body = plain_sdp("198.18.1.2", 40000);
  lab.caller_sends(invite);
  const sip::Message rings = lab.expect(kCallees, "INVITE");
  lab.callee_answers(rings, 180);
  const sip::Message heard = lab.expect(kCallers, "180");
  RequestText comes = invite;
  comes.branch = "z9hG4bKcomes";
  comes.cseq = 7;
  comes.headers += "Require: replaces\r\nReplaces: secret-call-id@198.18.1.2;to-tag=" + std::string(heard.to_tag()) +
                   ";from-tag=alicetag;early-only\r\n";
  lab.caller_sends(comes);
  (void)lab.expect(kCallers, "481");
  EXPECT_TRUE(lab.silent(kCallees));
  lab.callee_answers(rings, 486);
  (void)lab.expect(kCallees, "ACK");
  (void)lab.expect(kCallers, "486");
  EXPECT_TRUE(lab.nothing_left());
}

}  // namespace
}  // namespace weir::tests
