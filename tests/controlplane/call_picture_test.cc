// Whole pictures: RTCP of a party becomes an INFO to one that has none (RFC 5168), and the other way round.
#include <gtest/gtest.h>

#include "sip/media_control.h"
#include "tests/sip/jsep_samples.h"
#include "tests/sip/offer_answer_support.h"
#include "tests/support/call_lab.h"

namespace weir::tests {
namespace {

using proto::EventKind;
using sip::HeaderId;

const std::string kBrowsers = "ice = \"lite\"\navpf = true\nvideo = true";
const std::string kType = "Content-Type: " + std::string(sip::kMediaControlType) + "\r\n";
const std::string kAsks(sip::kPictureFastUpdate);
const std::string kFails = "<media_control><general_error>no encoder</general_error></media_control>";

std::string without_requests(std::string_view sdp) {
  std::string out(sdp);
  for (const char* line : {"a=rtcp-fb:100 ccm fir\n", "a=rtcp-fb:100 nack pli\n"}) {
    const std::size_t at = out.find(line);
    if (at != std::string::npos) out.erase(at, std::string_view(line).size());
  }
  return out;
}

/// A browser has called one that has neither PLI nor FIR.
class PictureCall {
 public:
  explicit PictureCall(std::string_view offer = sip::samples::kJsepOffer,
                       const std::string& answer = without_requests(sip::samples::kJsepAnswer)) {
    RequestText invite;
    invite.uri = "sip:dtls-5070@198.18.1.1";
    invite.body = sip::crlf(offer);
    lab.caller_sends(invite);
    lab.callee_invite = lab.expect(kCallees, "INVITE");
    lab.callee_answers(*lab.callee_invite, 200, sip::crlf(answer));
    (void)lab.expect(kCallees, "ACK");
    lab.answer = lab.expect(kCallers, "200");
    lab.caller_sends(lab.in_dialog("ACK", 1));
  }
  /// RTCP of the caller asks for a picture that weir-media cannot ask the callee for.
  void caller_asks_by_rtcp() {
    const std::string port = sdp_value(lab.answer->body(), "m=audio ");
    const FakeWorker::Flow* flow = lab.worker().flow_at(static_cast<std::uint16_t>(std::stoi(port)));
    ASSERT_NE(flow, nullptr);
    lab.worker().event(flow->id, EventKind::kPictureAsked, {}, lab.now_ns);
    lab.settle();
  }
  /// The INFO that it becomes.
  sip::Message passed() {
    caller_asks_by_rtcp();
    return lab.expect(kCallees, "INFO");
  }
  void caller_sends(const std::string& body, std::uint32_t cseq, const std::string& headers = "") {
    RequestText info = lab.in_dialog("INFO", cseq);
    info.content_type = sip::kMediaControlType;
    info.headers += headers;
    info.body = body;
    lab.caller_sends(info);
  }
  void callee_sends(const std::string& body, std::uint32_t cseq) {
    lab.callee_sends(*lab.callee_invite, "INFO", cseq, body, "callee", kType);
  }
  CallLab lab{"", kBrowsers, kBrowsers};
};

TEST(CallPicture, OfRtcpBecomesAnInfoToThePartyThatHasNone) {
  PictureCall call;
  EXPECT_NE(call.lab.answer->body().find("nack pli"), std::string_view::npos) << "the caller may ask as it likes";
  const sip::Message info = call.passed();
  EXPECT_TRUE(info.content_is(sip::kMediaControlType));
  EXPECT_EQ(info.body(), kAsks);
  EXPECT_FALSE(info.has(HeaderId::kInfoPackage)) << "it has no package (RFC 6086 section 9)";
  call.lab.advance(1'500);
  while (!call.lab.silent(kCallees)) EXPECT_EQ(call.lab.expect(kCallees, "INFO").cseq(), info.cseq()) << "sent again";
  call.caller_asks_by_rtcp();
  EXPECT_TRUE(call.lab.silent(kCallees)) << "one at a time";
  call.lab.callee_answers(info, 200);
  call.lab.callee_answers(call.passed(), 200);
  call.caller_asks_by_rtcp();
  EXPECT_TRUE(call.lab.silent(kCallees)) << "one a second";
  call.lab.advance(1'100);
  (void)call.passed();
  EXPECT_TRUE(call.lab.silent(kCallers));
}

TEST(CallPicture, APartyThatTakesNoSuchInfoGetsNoMoreAndKeepsItsCall) {
  constexpr std::uint16_t kRefusals[] = {403, 405, 415, 469, 501, 603};
  for (const std::uint16_t status : kRefusals) {
    SCOPED_TRACE(status);
    PictureCall call;
    call.lab.callee_answers(call.passed(), status);
    call.lab.advance(2'000);
    call.caller_asks_by_rtcp();
    EXPECT_TRUE(call.lab.silent(kCallees));
    EXPECT_EQ(call.lab.control().calls(), 1u);
  }
}

TEST(CallPicture, AnInfoThatFailsForNowIsSentAgainWhenItIsAskedForAgain) {
  PictureCall call;
  call.lab.callee_answers(call.passed(), 500);
  call.lab.advance(1'100);
  (void)call.passed();
  EXPECT_TRUE(call.lab.silent(kCallees));
  EXPECT_EQ(call.lab.control().calls(), 1u);
}

TEST(CallPicture, APartyThatKnowsTheCallNoMoreEndsIt) {
  PictureCall call;
  call.lab.callee_answers(call.passed(), 481);
  call.lab.callee_answers(call.lab.expect(kCallees, "BYE"), 200);
  call.lab.caller_answers(call.lab.expect(kCallers, "BYE"), 200);
  EXPECT_TRUE(call.lab.nothing_left());
}

TEST(CallPicture, AnErrorInReturnEndsTheAsking) {
  PictureCall call;
  call.callee_sends(kFails, 1);
  EXPECT_EQ(call.lab.expect(kCallers, "INFO").body(), kFails) << "of nothing that was asked here";
  call.lab.callee_answers(call.passed(), 200);
  call.callee_sends(kFails, 2);
  (void)call.lab.expect(kCallees, "200");
  EXPECT_TRUE(call.lab.silent(kCallers));
  call.lab.advance(2'000);
  call.caller_asks_by_rtcp();
  EXPECT_TRUE(call.lab.silent(kCallees)) << "RFC 5168 section 6";
}

TEST(CallPicture, OfInfoIsAnsweredHereWhereTheOtherPartyHasRtcpForIt) {
  PictureCall call;
  for (std::uint32_t cseq = 1; cseq < 50; ++cseq) {  // a flood of them, too
    call.callee_sends(kAsks, cseq);
    (void)call.lab.expect(kCallees, "200");
  }
  EXPECT_TRUE(call.lab.silent(kCallers));
}

TEST(CallPicture, OfInfoGoesOnToAPartyThatHasNoRtcpForIt) {
  PictureCall call;
  call.caller_sends(kAsks, 2);
  const sip::Message passed = call.lab.expect(kCallees, "INFO");
  EXPECT_EQ(passed.body(), kAsks);
  EXPECT_TRUE(passed.content_is(sip::kMediaControlType));
  EXPECT_TRUE(call.lab.silent(kCallers));
  call.lab.callee_answers(passed, 415);
  (void)call.lab.expect(kCallers, "415");
}

TEST(CallPicture, WhatIsNotKnownHereGoesOnAndWhatIsBrokenIsRefused) {
  PictureCall call;
  const std::string other =
      "<media_control><vc_primitive><to_encoder><freeze/></to_encoder></vc_primitive></media_control>";
  call.callee_sends(other, 1);
  const sip::Message passed = call.lab.expect(kCallers, "INFO");
  EXPECT_EQ(passed.body(), other);
  call.lab.caller_answers(passed, 200);
  (void)call.lab.expect(kCallees, "200");
  call.callee_sends("<!DOCTYPE a><media_control/>", 2);
  const sip::Message refused = call.lab.expect(kCallees, "400");
  EXPECT_NE(refused.header(HeaderId::kReason)->find("document type"), std::string_view::npos);
  call.caller_sends(kAsks, 2, "Info-Package: pictures\r\n");
  EXPECT_EQ(call.lab.expect(kCallees, "INFO").header(HeaderId::kInfoPackage), "pictures") << "that package's own";
  EXPECT_TRUE(call.lab.silent(kCallers));
}

TEST(CallPicture, ACallWithoutVideoHasNone) {
  const std::string answer(sip::samples::kJsepAnswer);
  std::string audio = answer;
  audio.replace(audio.find("m=video 10200"), 13, "m=video 0");
  audio.replace(audio.find("BUNDLE a1 v1"), 12, "BUNDLE a1");
  PictureCall call(sip::samples::kJsepOffer, audio);
  call.caller_asks_by_rtcp();
  EXPECT_TRUE(call.lab.silent(kCallees));
}

}  // namespace
}  // namespace weir::tests
