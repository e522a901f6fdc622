// Requests in and outside a call that neither begin nor end one: re-INVITE, OPTIONS, and what Weir does not take.
#include <gtest/gtest.h>

#include "controlplane/leg.h"
#include "tests/support/call_lab.h"

namespace weir::tests {
namespace {

using sip::HeaderId;

std::uint16_t audio_port(const sip::Message& message) {
  return static_cast<std::uint16_t>(std::stoi(sdp_value(message.body(), "m=audio ")));
}

RequestText reinvite(const CallLab& lab, std::uint32_t cseq, const std::string& body) {
  RequestText request = lab.in_dialog("INVITE", cseq);
  request.body = body;
  return request;
}

TEST(CallDialog, ARefreshIsAnsweredHereAndItsAckStopsTheAnswer) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(reinvite(lab, 2, plain_sdp("198.18.1.2", 40000)));
  const sip::Message answer = lab.expect(kCallers, "200");
  EXPECT_EQ(audio_port(answer), audio_port(*lab.answer));
  RequestText ack = lab.in_dialog("ACK", 2);
  lab.caller_sends(ack);
  lab.advance(40'000);
  EXPECT_TRUE(lab.silent(kCallers)) << "neither repeated nor given up";
  EXPECT_TRUE(lab.silent(kCallees));
  EXPECT_EQ(lab.worker().installed(), 4u);
}

TEST(CallDialog, AnAckOfTheFirstInviteDoesNotStopTheAnswerToTheSecond) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(reinvite(lab, 2, plain_sdp("198.18.1.2", 40000)));
  (void)lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 1));
  lab.advance(600);
  (void)lab.expect(kCallers, "200");
}

TEST(CallDialog, AReinviteWithoutAckEndsTheCall) {
  CallLab lab;
  lab.establish();
  lab.callee_sends(*lab.callee_invite, "INVITE", 1, plain_sdp("198.18.2.2", 50000));
  lab.advance(33'000);
  while (!lab.silent(kCallees)) {
    const sip::Message message = lab.next(kCallees);
    if (message.is_response()) continue;
    EXPECT_EQ(message.method_name(), "BYE");
    lab.callee_answers(message, 200);
    break;
  }
  const sip::Message bye = lab.expect(kCallers, "BYE");
  EXPECT_EQ(bye.header(HeaderId::kReason), "SIP;cause=408;text=\"the callee never acknowledged the answer\"");
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallDialog, AMovedPartyIsFollowed) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(reinvite(lab, 2, plain_sdp("198.18.1.77", 42000)));
  (void)lab.expect(kCallers, "200");
  const FakeWorker::Flow* from_callee = lab.worker().flow_at(audio_port(*lab.callee_invite));
  ASSERT_NE(from_callee, nullptr);
  EXPECT_EQ(proto::to_string(from_callee->spec.rtp.peer), "198.18.1.77:42000");
}

TEST(CallDialog, HoldGoesOnToTheFarPartyAndItsAnswerComesBack) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(reinvite(lab, 2, plain_sdp("198.18.1.2", 40000, "a=sendonly\r\n")));
  const sip::Message passed = lab.expect(kCallees, "INVITE");
  EXPECT_NE(passed.body().find("a=sendonly"), std::string_view::npos) << passed.body();
  EXPECT_TRUE(lab.silent(kCallers)) << "not answered before the callee has";
  lab.callee_answers(passed, 200, plain_sdp("198.18.2.2", 50000, "a=recvonly\r\n"));
  (void)lab.expect(kCallees, "ACK");
  const sip::Message answer = lab.expect(kCallers, "200");
  EXPECT_NE(answer.body().find("a=recvonly"), std::string_view::npos) << answer.body();
  lab.caller_sends(lab.in_dialog("ACK", 2));
  EXPECT_EQ(lab.worker().installed(), 4u);
}

TEST(CallDialog, WhatCannotBeChangedIsRefusedAndTheCallGoesOn) {
  const std::tuple<const char*, std::string, const char*> kRows[] = {
      {"security", secured_sdp("198.18.1.2", 40000, "a=setup:actpass\r\n"), "488"},
      {"no audio any more", plain_sdp("198.18.1.2", 0), "488"},
      {"broken SDP", "v=0\r\nm=", "400"},
  };
  std::uint32_t cseq = 2;
  CallLab lab;
  lab.establish();
  for (const auto& [description, body, status] : kRows) {
    SCOPED_TRACE(description);
    lab.caller_sends(reinvite(lab, cseq, body));
    (void)lab.expect(kCallers, status);
    lab.caller_sends(lab.in_dialog("ACK", cseq++));
  }
  lab.advance(40'000);
  EXPECT_EQ(lab.worker().installed(), 4u);
  EXPECT_EQ(lab.control().calls(), 1u);
}

TEST(CallDialog, AReinviteBeforeTheAckIsGlare) {
  CallLab lab;
  RequestText invite;
  invite.body = plain_sdp("198.18.1.2", 40000);
  lab.caller_sends(invite);
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 200, plain_sdp("198.18.2.2", 50000));
  lab.answer = lab.expect(kCallers, "200");
  lab.caller_sends(reinvite(lab, 2, plain_sdp("198.18.1.2", 40000)));
  (void)lab.expect(kCallers, "491");
}

TEST(CallDialog, ARequestOutOfOrderIs500) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(lab.in_dialog("OPTIONS", 9));
  (void)lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("BYE", 5));
  (void)lab.expect(kCallers, "500");
  EXPECT_EQ(lab.worker().installed(), 4u);
}

TEST(CallDialog, MethodsAreAnsweredByWhatWeirIs) {
  const std::pair<const char*, const char*> kRows[] = {{"OPTIONS", "200"},   {"UPDATE", "200"}, {"REGISTER", "405"},
                                                       {"SUBSCRIBE", "405"}, {"REFER", "400"},  {"PUBLISH", "405"},
                                                       {"FROBNICATE", "501"}};
  CallLab lab;
  lab.establish();
  std::uint32_t cseq = 100;
  for (const auto& [method, status] : kRows) {
    SCOPED_TRACE(method);
    lab.caller_sends(lab.in_dialog(method, cseq++));
    EXPECT_EQ(lab.expect(kCallers, status).header(HeaderId::kAllow), controlplane::kAllowed);
  }
  EXPECT_EQ(lab.worker().installed(), 4u);
}

TEST(CallDialog, WhatCannotBeParsedIsAnsweredOrNotAsTheRfcSays) {
  CallLab lab;
  lab.deliver(kCallers,
              "INVITE sip:rtp-5070@198.18.1.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.1.2:5062;branch=z9hG4bKx\r\n"
              "From: <sip:a@198.18.1.2>;tag=1\r\nTo: <sip:b@198.18.1.1>\r\nCall-ID: c\r\nCSeq: 1 BYE\r\n\r\n");
  (void)lab.expect(kCallers, "400");
  lab.deliver(kCallers,
              "INVITE sip:rtp-5070@198.18.1.1 SIP/3.0\r\nVia: SIP/2.0/UDP 198.18.1.2:5062;branch=z9hG4bKy\r\n"
              "From: <sip:a@198.18.1.2>;tag=1\r\nTo: <sip:b@198.18.1.1>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n");
  (void)lab.expect(kCallers, "505");
  for (const char* silence : {"", "\r\n\r\n", "hello", "SIP/2.0 200 OK\r\n\r\n", "ACK sip:x@y SIP/2.0\r\n\r\n"}) {
    lab.deliver(kCallers, silence);
    EXPECT_TRUE(lab.silent(kCallers)) << silence;
  }
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallDialog, AStrayAckOrResponseIsPassedOver) {
  CallLab lab;
  lab.caller_sends_bare("ACK", "stranger");
  lab.deliver(kCallees,
              "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.18.2.1:5060;branch=z9hG4bKnone\r\n"
              "From: <sip:a@198.18.1.2>;tag=1\r\nTo: <sip:b@198.18.1.1>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n");
  EXPECT_TRUE(lab.silent(kCallers));
  EXPECT_TRUE(lab.silent(kCallees));
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallDialog, ACallIsShownWithItsLegsAndFlows) {
  CallLab lab;
  lab.establish();
  const auto view = lab.control().call_view(1, lab.now_ns);
  ASSERT_TRUE(view.has_value());
  const boost::json::object& call = view->as_object();
  EXPECT_EQ(call.at("state").as_string(), "up");
  EXPECT_TRUE(call.at("media").as_bool());
  ASSERT_EQ(call.at("legs").as_array().size(), 2u);
  const boost::json::object& caller = call.at("legs").as_array()[0].as_object();
  EXPECT_EQ(caller.at("party").as_string(), "sip:alice@198.18.1.2");
  EXPECT_EQ(caller.at("state").as_string(), "confirmed");
  EXPECT_EQ(caller.at("media").as_object().at("remote_rtp").as_string(), "198.18.1.2:40000");
  EXPECT_TRUE(caller.at("security").is_null());
  EXPECT_EQ(call.at("flows").as_array().size(), 4u);
  EXPECT_EQ(lab.control().calls_view(lab.now_ns).as_array().size(), 1u);
  EXPECT_FALSE(lab.control().call_view(2, lab.now_ns).has_value());
}

TEST(CallDialog, AUriOfAnotherSchemeIs416) {
  CallLab lab;
  RequestText request{.uri = "urn:service:sos", .body = plain_sdp("198.18.1.2", 40000)};
  lab.caller_sends(request);
  (void)lab.expect(kCallers, "416");
  request = {.method = "OPTIONS", .uri = "mailto:weir@198.18.1.1", .branch = "z9hG4bKother"};
  lab.caller_sends(request);
  (void)lab.expect(kCallers, "416");
  request = {.method = "OPTIONS", .uri = "tel:+4989123", .branch = "z9hG4bKtel"};
  lab.caller_sends(request);
  (void)lab.expect(kCallers, "200");
}

TEST(CallDialog, AllowNamesWhatHasAHandler) {
  struct : controlplane::RequestHandler {
    std::optional<controlplane::EarlyAnswer> answer_early(const sip::Message&, const controlplane::Path&) override {
      return std::nullopt;
    }
    void on_request(sip::TransactionId, const sip::Message&, const controlplane::Path&) override {}
  } registrar;
  CallLab lab;
  lab.control().set_handler(sip::Method::kRegister, registrar);
  lab.control().set_handler(sip::Method::kInfo, registrar);
  lab.caller_sends({.method = "OPTIONS"});
  const std::string all = std::string(controlplane::kAllowed) + ", REGISTER";
  EXPECT_EQ(lab.expect(kCallers, "200").header(HeaderId::kAllow), all);
}

}  // namespace
}  // namespace weir::tests
