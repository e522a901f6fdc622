// INFO of package trickle-ice (RFC 8840): who may send it, what it may be, and which candidates count.
#include <gtest/gtest.h>

#include <algorithm>

#include "sip/ice_fragment.h"
#include "tests/support/call_lab.h"

namespace weir::tests {
namespace {

using sip::HeaderId;

const std::string kCredentials = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n";
const std::string kCalleeSdp = plain_sdp("198.18.2.2", 50000);

std::string fragment(const std::string& credentials, const std::string& address) {
  return credentials + "m=audio 9 RTP/AVP 0\r\na=candidate:1 1 UDP 2130706431 " + address + " 41000 typ host\r\n";
}

/// A caller that speaks ICE, has named no candidate yet, and trickles (RFC 8840 section 4.1: c=0.0.0.0, port 9).
RequestText trickling_invite() {
  RequestText invite;
  invite.body = plain_sdp("0.0.0.0", 9, kCredentials + "a=ice-options:trickle\r\na=rtcp-mux\r\n");
  return invite;
}

class CallTrickle : public testing::Test {
 protected:
  explicit CallTrickle(const std::string& mode = "full") : lab("", "ice = \"" + mode + "\"") {}
  void establish() {
    lab.caller_sends(trickling_invite());
    lab.callee_invite = lab.expect(kCallees, "INVITE");
    lab.callee_answers(*lab.callee_invite, 200, kCalleeSdp);
    (void)lab.expect(kCallees, "ACK");
    lab.answer = lab.expect(kCallers, "200");
    lab.caller_sends(lab.in_dialog("ACK", 1));
  }
  void trickle(const std::string& body, std::uint32_t cseq,
               const std::string& type = "application/trickle-ice-sdpfrag") {
    RequestText info = lab.in_dialog("INFO", cseq);
    info.headers += "Info-Package: trickle-ice\r\n";
    info.content_type = type;
    info.body = body;
    lab.caller_sends(info);
  }
  /// Where Weir has sent checks to.
  std::vector<std::string> checked() {
    lab.advance(300);
    std::vector<std::string> places;
    for (const FakeWorker::Sent& one : lab.worker().sent()) places.push_back(proto::to_string(one.destination));
    return places;
  }
  CallLab lab;
};

class CallTrickleLite : public CallTrickle {
 protected:
  CallTrickleLite() : CallTrickle("lite") {}
};

TEST_F(CallTrickle, OurAnswerSaysThatWeTakeIt) {
  establish();
  EXPECT_EQ(lab.answer->header(HeaderId::kRecvInfo), "trickle-ice");
  EXPECT_TRUE(lab.answer->lists(HeaderId::kSupported, "trickle-ice"));
  EXPECT_NE(lab.answer->body().find("a=ice-options:ice2 trickle"), std::string_view::npos);
  EXPECT_NE(lab.answer->body().find("a=end-of-candidates"), std::string_view::npos) << "ours are all there";
  EXPECT_FALSE(lab.callee_invite->has(HeaderId::kRecvInfo)) << "the callee's realm does not speak ICE";
}

TEST_F(CallTrickle, CandidatesThatComeInTheCallAreChecked) {
  establish();
  EXPECT_TRUE(checked().empty()) << "nobody was named";
  trickle(fragment(kCredentials, "198.18.1.77"), 2);
  (void)lab.expect(kCallers, "200");
  EXPECT_TRUE(lab.silent(kCallees)) << "they are this leg's";
  const std::vector<std::string> places = checked();
  ASSERT_FALSE(places.empty());
  EXPECT_EQ(places.front(), "198.18.1.77:41000");
}

TEST_F(CallTrickle, CandidatesThatComeBeforeTheAnswerAreCheckedAfterIt) {
  lab.caller_sends(trickling_invite());
  lab.callee_invite = lab.expect(kCallees, "INVITE");
  lab.callee_answers(*lab.callee_invite, 180);
  lab.answer = lab.expect(kCallers, "180");
  EXPECT_EQ(lab.answer->header(HeaderId::kRecvInfo), "trickle-ice");
  trickle(fragment(kCredentials, "198.18.1.77"), 2);
  (void)lab.expect(kCallers, "200");
  lab.callee_answers(*lab.callee_invite, 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  (void)lab.expect(kCallers, "200");
  const std::vector<std::string> places = checked();
  ASSERT_FALSE(places.empty());
  EXPECT_EQ(places.front(), "198.18.1.77:41000");
}

TEST_F(CallTrickle, CandidatesOfOtherCredentialsArePassedOver) {
  establish();
  trickle(fragment("a=ice-ufrag:wxyz\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n", "198.18.1.77"), 2);
  (void)lab.expect(kCallers, "200");
  EXPECT_TRUE(checked().empty());
}

TEST_F(CallTrickle, CandidatesOfOurOwnAddressAreNotChecked) {
  establish();
  trickle(fragment(kCredentials, "198.18.1.10"), 2);
  (void)lab.expect(kCallers, "200");
  const std::vector<std::string> places = checked();
  EXPECT_EQ(std::count(places.begin(), places.end(), "198.18.1.10:41000"), 0);
}

TEST_F(CallTrickle, AFloodOfThemReachesAVictimWithLessThanItCost) {
  establish();
  std::size_t spent = 0;
  for (std::uint32_t cseq = 2; cseq < 52; ++cseq) {
    std::string body = kCredentials + "m=audio 9 RTP/AVP 0\r\n";
    for (unsigned i = 0; i < 20; ++i) {
      body += "a=candidate:1 1 UDP 2130706431 198.18.1.66 " + std::to_string(1000 + cseq * 20 + i) + " typ host\r\n";
    }
    spent += body.size();
    trickle(body, cseq);
    (void)lab.expect(kCallers, "200");
  }
  lab.advance(20'000);
  std::size_t sent = 0;
  for (const FakeWorker::Sent& one : lab.worker().sent()) sent += one.bytes.size() + 28;
  EXPECT_GT(sent, 0u);
  EXPECT_LT(sent, spent);
}

TEST_F(CallTrickle, WhatIsNoFragmentIsRefused) {
  establish();
  trickle("a=candidate:1", 2, "text/plain");
  EXPECT_EQ(lab.expect(kCallers, "415").header(HeaderId::kAccept), sip::kIceFragmentType);
  trickle("v=0\r\no=- 1 1 IN IP4 198.18.1.2\r\n", 3);
  (void)lab.expect(kCallers, "400");
  trickle("m=audio 9 RTP/AVP 0\r\na=mid:1\r\n", 4);
  (void)lab.expect(kCallers, "400");
  EXPECT_EQ(lab.control().calls(), 1u);
}

TEST_F(CallTrickle, OtherPackagesGoOnToTheFarParty) {
  establish();
  RequestText info = lab.in_dialog("INFO", 2);
  info.headers += "Info-Package: dtmf\r\n";
  info.content_type = "application/dtmf";
  info.body = "1";
  lab.caller_sends(info);
  EXPECT_EQ(lab.expect(kCallees, "INFO").header(HeaderId::kInfoPackage), "dtmf");
}

TEST_F(CallTrickleLite, AsALiteAgentWeSayYesAndSendNothing) {
  establish();
  trickle(fragment(kCredentials, "198.18.1.77"), 2);
  (void)lab.expect(kCallers, "200");
  EXPECT_TRUE(checked().empty());
}

TEST(CallTrickleOff, WhereIceIsOffThePackageIsBad) {
  CallLab lab;
  lab.establish();
  RequestText info = lab.in_dialog("INFO", 2);
  info.headers += "Info-Package: trickle-ice\r\n";
  info.content_type = "application/trickle-ice-sdpfrag";
  info.body = fragment(kCredentials, "198.18.1.77");
  lab.caller_sends(info);
  EXPECT_TRUE(lab.expect(kCallers, "469").has(HeaderId::kRecvInfo)) << "RFC 6086 section 4.2.2";
}

}  // namespace
}  // namespace weir::tests
