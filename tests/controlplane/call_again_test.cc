// Requests of ours that are refused and worth sending again: a trunk's challenge, and a session interval that is too
// small. And nobody else's challenge.
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <array>

#include "sip/digest.h"
#include "tests/support/call_lab.h"

namespace weir::tests {
namespace {

using sip::HeaderId;

constexpr const char* kTrunk = R"(
[[trunk]]
name = "carrier"
realm = "callees"
targets = [{ uri = "sip:198.18.2.2:5070" }]
check_interval_s = 0
credentials = { realm = "carrier.example", user = "weir", password = "secret" }
[[route]]
realm = "callers"
match = '^sip:carrier@.*'
trunk = "carrier"
)";

const std::string kCalleeSdp = plain_sdp("198.18.2.2", 50000);
const std::string kAllow = "Allow: INVITE, ACK, BYE, UPDATE, INFO, REFER, PRACK\r\n";

std::string challenge(const std::string& nonce, const std::string& more = "",
                      const std::string& realm = "carrier.example") {
  return "WWW-Authenticate: Digest realm=\"" + realm + "\", nonce=\"" + nonce + "\", qop=\"auth\", algorithm=SHA-256" +
         more + "\r\n";
}

/// OpenSSL's, in hexadecimal.
std::string md5(const std::string& text) {
  std::array<unsigned char, 16> digest{};
  std::size_t bytes = 0;
  EXPECT_EQ(EVP_Q_digest(nullptr, "MD5", nullptr, text.data(), text.size(), digest.data(), &bytes), 1);
  std::string written;
  for (const unsigned char byte : digest) {
    constexpr const char* kDigits = "0123456789abcdef";
    written += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return written;
}

/// The credentials that a request shows are ours for this nonce, and this the count of it.
void expect_credentials(const sip::Message& request, const std::string& nonce, std::uint32_t count) {
  const std::vector<sip::DigestCredentials> shown = sip::digest_credentials(request, HeaderId::kAuthorization);
  ASSERT_EQ(shown.size(), 1u) << request.method_name();
  EXPECT_EQ(sip::unquoted_text(shown[0].realm), "carrier.example");
  EXPECT_EQ(shown[0].nonce, nonce);
  EXPECT_EQ(shown[0].nonce_count(), count);
}

/// A call to the trunk, whose INVITE nobody challenges.
void call_the_trunk(CallLab& lab) {
  RequestText invite;
  invite.uri = "sip:carrier@198.18.1.1";
  invite.body = plain_sdp("198.18.1.2", 40000);
  lab.caller_sends(invite);
  lab.callee_invite = lab.expect(kCallees, "INVITE");
  lab.callee_answers(*lab.callee_invite, 200, kCalleeSdp, "callee", kAllow);
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 1));
}

RequestText hold(const CallLab& lab, const std::string& method, std::uint32_t cseq) {
  RequestText request = lab.in_dialog(method, cseq);
  request.body = plain_sdp("198.18.1.2", 40000, "a=sendonly\r\n");
  return request;
}

TEST(CallAgain, ACallOfAnEarlierWeirControlStillKnowsItsTrunk) {
  CallLab lab(kTrunk);
  call_the_trunk(lab);
  lab.restart();
  ASSERT_EQ(lab.control().adopt_journalled(lab.now_ns), 1u);
  lab.caller_sends(lab.in_dialog("BYE", 2));
  (void)lab.expect(kCallers, "200");
  lab.callee_answers(lab.expect(kCallees, "BYE"), 401, "", "", challenge("n1"));
  const sip::Message again = lab.expect(kCallees, "BYE");
  expect_credentials(again, "n1", 1);
  lab.callee_answers(again, 200);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallAgain, ATrunkThatChallengesARequestInTheDialogGetsItsCredentialsOnce) {
  const std::pair<const char*, std::string> kRows[] = {
      {"INVITE", plain_sdp("198.18.2.2", 50000, "a=recvonly\r\n")},
      {"UPDATE", plain_sdp("198.18.2.2", 50000, "a=recvonly\r\n")},
      {"INFO", ""},
  };
  for (const auto& [method, body] : kRows) {
    SCOPED_TRACE(method);
    CallLab lab(kTrunk);
    call_the_trunk(lab);
    lab.caller_sends(std::string(method) == "INFO" ? lab.in_dialog(method, 2) : hold(lab, method, 2));
    const sip::Message first = lab.expect(kCallees, method);
    EXPECT_FALSE(first.has(HeaderId::kAuthorization));
    lab.callee_answers(first, 401, "", "", challenge("n1"));
    if (first.method() == sip::Method::kInvite) (void)lab.expect(kCallees, "ACK");
    const sip::Message again = lab.expect(kCallees, method);
    expect_credentials(again, "n1", 1);
    EXPECT_EQ(again.cseq()->number, first.cseq()->number + 1);
    EXPECT_NE(again.top_via()->branch(), first.top_via()->branch());
    EXPECT_EQ(again.body(), first.body());
    EXPECT_TRUE(lab.silent(kCallers));
    lab.callee_answers(again, 200, body);
    if (first.method() == sip::Method::kInvite) {
      const sip::Message ack = lab.expect(kCallees, "ACK");
      EXPECT_EQ(ack.cseq()->number, again.cseq()->number);
      EXPECT_EQ(ack.header(HeaderId::kAuthorization), again.header(HeaderId::kAuthorization))
          << "RFC 3261 section 22.1: the ACK has the credentials of its INVITE";
    }
    (void)lab.expect(kCallers, "200");
    if (first.method() == sip::Method::kInvite) lab.caller_sends(lab.in_dialog("ACK", 2));
    // The same nonce again: its count goes on.
    lab.caller_sends(lab.in_dialog("BYE", 3));
    (void)lab.expect(kCallers, "200");
    const sip::Message bye = lab.expect(kCallees, "BYE");
    lab.callee_answers(bye, 401, "", "", challenge("n1"));
    const sip::Message bye_again = lab.expect(kCallees, "BYE");
    expect_credentials(bye_again, "n1", 2);
    EXPECT_EQ(bye_again.cseq()->number, bye.cseq()->number + 1);
    lab.callee_answers(bye_again, 200);
    EXPECT_TRUE(lab.nothing_left());
  }
}

TEST(CallAgain, TheAnswerIsThatOfTheRfc) {
  CallLab lab(kTrunk);
  call_the_trunk(lab);
  lab.caller_sends(lab.in_dialog("INFO", 2));
  lab.callee_answers(lab.expect(kCallees, "INFO"), 407, "", "",
                     "Proxy-Authenticate: Digest realm=\"carrier.example\", nonce=\"n1\"\r\n");
  const sip::Message again = lab.expect(kCallees, "INFO");
  const std::vector<sip::DigestCredentials> shown = sip::digest_credentials(again, HeaderId::kProxyAuthorization);
  ASSERT_EQ(shown.size(), 1u);
  EXPECT_EQ(shown[0].username, "weir");
  EXPECT_EQ(shown[0].uri, again.request_uri_text());
  const std::string what = "INFO:" + std::string(again.request_uri_text());
  EXPECT_EQ(shown[0].response, md5(md5("weir:carrier.example:secret") + ":n1:" + md5(what)));
  lab.callee_answers(again, 200);
  (void)lab.expect(kCallers, "200");
}

TEST(CallAgain, AReliableResponsesPrackIsSentAgainToo) {
  CallLab lab(kTrunk);
  RequestText invite;
  invite.uri = "sip:carrier@198.18.1.1";
  invite.body = plain_sdp("198.18.1.2", 40000);
  lab.caller_sends(invite);
  const sip::Message sent = lab.expect(kCallees, "INVITE");
  lab.callee_answers(sent, 180, "", "callee", "Require: 100rel\r\nRSeq: 7\r\n");
  const sip::Message prack = lab.expect(kCallees, "PRACK");
  lab.callee_answers(prack, 401, "", "", challenge("n1"));
  const sip::Message again = lab.expect(kCallees, "PRACK");
  expect_credentials(again, "n1", 1);
  EXPECT_EQ(again.header(HeaderId::kRAck), prack.header(HeaderId::kRAck));
  lab.callee_answers(again, 401, "", "", challenge("n1"));
  EXPECT_TRUE(lab.silent(kCallees)) << "refused credentials are not shown again";
  lab.callee_answers(sent, 486);
  (void)lab.expect(kCallees, "ACK");
  (void)lab.expect(kCallers, "180");
  (void)lab.expect(kCallers, "486");
  lab.caller_sends_bare("ACK");
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallAgain, APassedReferKeepsItsSubscription) {
  CallLab lab(kTrunk, R"(transfers = "pass")");
  call_the_trunk(lab);
  RequestText request = lab.in_dialog("REFER", 2);
  request.headers += "Refer-To: <sip:rtp-5080@198.18.1.1>\r\n";
  lab.caller_sends(request);
  lab.callee_answers(lab.expect(kCallees, "REFER"), 401, "", "", challenge("n1"));
  const sip::Message again = lab.expect(kCallees, "REFER");
  expect_credentials(again, "n1", 1);
  lab.callee_answers(again, 202);
  (void)lab.expect(kCallers, "202");
  lab.callee_sends(*lab.callee_invite, "NOTIFY", 1, "SIP/2.0 180 Ringing\r\n", "callee",
                   "Event: refer;id=" + std::to_string(again.cseq()->number) +
                       "\r\nSubscription-State: active;expires=60\r\nContent-Type: message/sipfrag\r\n");
  EXPECT_EQ(lab.expect(kCallers, "NOTIFY").header(HeaderId::kEvent), "refer;id=2");
}

TEST(CallAgain, ANonceThatWasTooOldIsReplacedOnce) {
  CallLab lab(kTrunk);
  call_the_trunk(lab);
  lab.caller_sends(lab.in_dialog("INFO", 2));
  lab.callee_answers(lab.expect(kCallees, "INFO"), 401, "", "", challenge("n1"));
  lab.callee_answers(lab.expect(kCallees, "INFO"), 401, "", "", challenge("n2", ", stale=true"));
  const sip::Message third = lab.expect(kCallees, "INFO");
  expect_credentials(third, "n2", 1);
  lab.callee_answers(third, 401, "", "", challenge("n3", ", stale=true"));
  (void)lab.expect(kCallers, "403");
  EXPECT_TRUE(lab.silent(kCallees));
}

TEST(CallAgain, NobodyElseGetsCredentials) {
  const std::tuple<const char*, bool, std::string> kRows[] = {
      {"a callee that is no trunk", false, challenge("n1")},
      {"another domain", true, challenge("n1", "", "elsewhere.example")},
      {"no challenge", true, ""},
  };
  for (const auto& [description, trunk, headers] : kRows) {
    SCOPED_TRACE(description);
    CallLab lab(kTrunk);
    trunk ? call_the_trunk(lab) : lab.establish();
    lab.caller_sends(hold(lab, "INVITE", 2));
    lab.callee_answers(lab.expect(kCallees, "INVITE"), 401, "", "", headers);
    (void)lab.expect(kCallees, "ACK");
    (void)lab.expect(kCallers, "403");
    lab.caller_sends(lab.in_dialog("BYE", 3));
    (void)lab.expect(kCallers, "200");
    lab.callee_answers(lab.expect(kCallees, "BYE"), 407, "", "", headers);
    EXPECT_TRUE(lab.silent(kCallees));
    lab.caller_sends_bare("ACK");
    EXPECT_TRUE(lab.nothing_left());
  }
}

TEST(CallAgain, ACalleeWhoseIntervalIsLongerIsInvitedAgainWithThat) {
  CallLab lab;
  RequestText invite;
  invite.body = plain_sdp("198.18.1.2", 40000);
  lab.caller_sends(invite);
  const sip::Message first = lab.expect(kCallees, "INVITE");
  EXPECT_EQ(first.header(HeaderId::kSessionExpires), "1800");
  lab.callee_answers(first, 422, "", "callee", "Min-SE: 3600\r\n");
  (void)lab.expect(kCallees, "ACK");
  EXPECT_TRUE(lab.silent(kCallers));
  lab.callee_invite = lab.expect(kCallees, "INVITE");
  EXPECT_EQ(lab.callee_invite->header(HeaderId::kSessionExpires), "3600");
  EXPECT_EQ(lab.callee_invite->header(HeaderId::kMinSe), "3600");
  EXPECT_EQ(lab.callee_invite->call_id(), first.call_id());
  EXPECT_EQ(lab.callee_invite->cseq()->number, 2u);
  EXPECT_EQ(lab.callee_invite->body(), first.body());
  lab.callee_answers(*lab.callee_invite, 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  lab.answer = lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 1));
  // What it asked for is not forgotten.
  lab.caller_sends(hold(lab, "INVITE", 2));
  EXPECT_EQ(lab.expect(kCallees, "INVITE").header(HeaderId::kMinSe), "3600");
}

TEST(CallAgain, AnIntervalBeyondReasonIsRefusedAndTheCallerHearsOfNoInterval) {
  const std::pair<const char*, std::string> kRows[] = {
      {"none said", ""},
      {"what was asked for", "Min-SE: 90\r\n"},
      {"longer than a day", "Min-SE: 86401\r\n"},
      {"malformed", "Min-SE: long\r\n"},
  };
  for (const auto& [description, headers] : kRows) {
    SCOPED_TRACE(description);
    CallLab lab;
    RequestText invite;
    invite.body = plain_sdp("198.18.1.2", 40000);
    lab.caller_sends(invite);
    lab.callee_answers(lab.expect(kCallees, "INVITE"), 422, "", "callee", headers);
    (void)lab.expect(kCallees, "ACK");
    EXPECT_TRUE(lab.silent(kCallees));
    (void)lab.expect(kCallers, "480");
    lab.caller_sends_bare("ACK");
    EXPECT_TRUE(lab.nothing_left());
  }
}

TEST(CallAgain, ACalleeThatAlwaysWantsMoreIsGivenUp) {
  CallLab lab;
  RequestText invite;
  invite.body = plain_sdp("198.18.1.2", 40000);
  lab.caller_sends(invite);
  for (int i = 0; i < 4; ++i) {
    lab.callee_answers(lab.expect(kCallees, "INVITE"), 422, "", "callee",
                       "Min-SE: " + std::to_string(2000 + i) + "\r\n");
    (void)lab.expect(kCallees, "ACK");
  }
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 422, "", "callee", "Min-SE: 3000\r\n");
  (void)lab.expect(kCallees, "ACK");
  EXPECT_TRUE(lab.silent(kCallees));
  (void)lab.expect(kCallers, "480");
}

TEST(CallAgain, AReinviteWhoseIntervalIsTooSmallGoesOutAgain) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(hold(lab, "INVITE", 2));
  lab.callee_answers(lab.expect(kCallees, "INVITE"), 422, "", "", "Min-SE: 3600\r\n");
  (void)lab.expect(kCallees, "ACK");
  const sip::Message again = lab.expect(kCallees, "INVITE");
  EXPECT_EQ(again.header(HeaderId::kMinSe), "3600");
  EXPECT_TRUE(lab.silent(kCallers));
  lab.callee_answers(again, 200, plain_sdp("198.18.2.2", 50000, "a=recvonly\r\n"));
  (void)lab.expect(kCallees, "ACK");
  (void)lab.expect(kCallers, "200");
}

TEST(CallAgain, AnOfferThatCannotBePutIntoForceIsTakenBackFromTheOtherParty) {
  CallLab lab;
  lab.establish();
  RequestText request = lab.in_dialog("INVITE", 2);
  request.body = plain_sdp("198.18.1.10", 40000, "a=sendonly\r\n");  // an address of ours
  lab.caller_sends(request);
  const sip::Message passed = lab.expect(kCallees, "INVITE");
  EXPECT_NE(passed.body().find("a=sendonly"), std::string_view::npos);
  lab.callee_answers(passed, 200, plain_sdp("198.18.2.2", 50000, "a=recvonly\r\n"));
  (void)lab.expect(kCallees, "ACK");
  (void)lab.expect(kCallers, "488");
  const sip::Message back = lab.expect(kCallees, "INVITE");
  EXPECT_NE(back.body().find("a=sendrecv"), std::string_view::npos) << back.body();
  lab.callee_answers(back, 200, kCalleeSdp);
  (void)lab.expect(kCallees, "ACK");
  EXPECT_TRUE(lab.silent(kCallers));
  const auto port = static_cast<std::uint16_t>(std::stoi(sdp_value(lab.callee_invite->body(), "m=audio ")));
  const FakeWorker::Flow* from_callee = lab.worker().flow_at(port);
  ASSERT_NE(from_callee, nullptr);
  EXPECT_EQ(proto::to_string(from_callee->spec.rtp.peer), "198.18.1.2:40000");
  EXPECT_EQ(lab.control().calls(), 1u);
}

TEST(CallAgain, APartyThatAnswersAnOfferTwiceMaySoDoWhenTheCallIsNoMore) {
  CallLab lab;
  lab.establish();
  lab.caller_sends(hold(lab, "INVITE", 2));
  const sip::Message passed = lab.expect(kCallees, "INVITE");
  lab.callee_answers(passed, 200, plain_sdp("198.18.2.2", 50000, "a=recvonly\r\n"));
  (void)lab.expect(kCallees, "ACK");
  (void)lab.expect(kCallers, "200");
  lab.caller_sends(lab.in_dialog("ACK", 2));
  lab.caller_sends(lab.in_dialog("BYE", 3));
  (void)lab.expect(kCallers, "200");
  lab.callee_answers(lab.expect(kCallees, "BYE"), 200);
  EXPECT_EQ(lab.control().calls(), 0u);
  sip::Message other = passed;
  std::string to(passed.header(HeaderId::kTo).value());
  other.set_header(HeaderId::kTo, to.substr(0, to.find(";tag=")) + ";tag=another");
  lab.callee_answers(other, 200, plain_sdp("198.18.2.2", 50000, "a=recvonly\r\n"));
  EXPECT_TRUE(lab.nothing_left());
}

TEST(CallAgain, ReliableResponsesWithoutEndGetNoPracksWithoutEnd) {
  CallLab lab;
  RequestText invite;
  invite.body = plain_sdp("198.18.1.2", 40000);
  lab.caller_sends(invite);
  const sip::Message sent = lab.expect(kCallees, "INVITE");
  for (int i = 1; i <= 100; ++i) {
    lab.callee_answers(sent, 180, "", "callee", "Require: 100rel\r\nRSeq: " + std::to_string(i) + "\r\n");
  }
  int pracks = 0;
  for (; !lab.silent(kCallees); ++pracks) lab.callee_answers(lab.expect(kCallees, "PRACK"), 200);
  EXPECT_EQ(pracks, 64);
}

}  // namespace
}  // namespace weir::tests
