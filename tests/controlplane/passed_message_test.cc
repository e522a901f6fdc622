// MESSAGEs outside calls (RFC 3428): where they go, what of them crosses, and who hears what came of it.
#include <gtest/gtest.h>

#include "sip/write.h"
#include "tests/support/call_lab.h"

namespace weir::tests {
namespace {

using sip::HeaderId;

constexpr const char* kPass = "messages = \"pass\"\n";
constexpr const char* kTrunk = R"(
[[trunk]]
name = "carrier"
realm = "callees"
targets = [{ uri = "sip:198.18.2.2:5070", priority = 1 }, { uri = "sip:198.18.2.3:5070", priority = 2 }]
check_interval_s = 0
[[route]]
realm = "callers"
match = '^sip:carrier@.*'
trunk = "carrier"
)";
constexpr const char* kRegistrar = R"(
[[route]]
realm = "callers"
match = '^sip:bob@.*'
registrar = true
to_realm = "callees"
)";
constexpr const char* kCalleesRegistrar = "registrar = { domain = \"example.com\", auth = false }\n";

RequestText a_message(const std::string& uri = "sip:rtp-5070@198.18.1.1") {
  RequestText request;
  request.method = "MESSAGE";
  request.uri = uri;
  request.headers = "";
  request.content_type = "text/plain;charset=utf-8";
  request.body = "Watson, come here.";
  return request;
}

std::vector<controlplane::Target> contacts(std::initializer_list<const char*> uris) {
  std::vector<controlplane::Target> targets;
  for (const char* const uri : uris) targets.push_back({sip::parse_uri(uri).value(), {}, std::nullopt});
  return targets;
}

TEST(PassedMessage, ItReachesTheReceiverAsItIsAndNothingTellsWhereItCameFrom) {
  CallLab lab("", kPass);
  RequestText request = a_message();
  request.headers =
      "Contact: <sip:alice@198.18.1.2:5062>\r\nUser-Agent: secret-phone\r\nSubject: help\r\nExpires: 60\r\n"
      "Date: Sat, 13 Nov 2010 23:29:00 GMT\r\nIn-Reply-To: another-call@198.18.1.2\r\n"
      "Reply-To: <sip:alice@198.18.1.2>\r\nContent-Language: en\r\nX-Internal: secret\r\n";
  request.max_forwards = "9";
  lab.caller_sends(request);
  const sip::Message got = lab.expect(kCallees, "MESSAGE");
  const std::string text = sip::write(got);
  for (const char* const secret : {"198.18.1.", "secret", "alicetag", "another-call", "callers"}) {
    EXPECT_EQ(text.find(secret), std::string::npos) << secret << " in\n" << text;
  }
  EXPECT_EQ(got.request_uri_text(), "sip:rtp-5070@198.18.2.2:5070");
  EXPECT_EQ(got.body(), "Watson, come here.");
  EXPECT_EQ(got.content_type(), "text/plain;charset=utf-8");
  EXPECT_EQ(got.header(HeaderId::kContentLanguage), "en");
  EXPECT_EQ(got.header(HeaderId::kSubject), "help");
  EXPECT_EQ(got.header(HeaderId::kExpires), "60");
  EXPECT_EQ(got.header(HeaderId::kDate), "Sat, 13 Nov 2010 23:29:00 GMT");
  EXPECT_EQ(got.header(HeaderId::kMaxForwards), "8");
  EXPECT_FALSE(got.has(HeaderId::kContact)) << "RFC 3428 section 4";
  EXPECT_EQ(got.vias().size(), 1u);
  EXPECT_EQ(got.from()->display_name, "Alice");
  EXPECT_EQ(got.from()->uri.host, "198.18.2.1");
  EXPECT_TRUE(lab.silent(kCallers)) << "nobody has answered yet";
  lab.callee_answers(got, 202, "", "callee", "User-Agent: secret-phone\r\n");
  const sip::Message answer = lab.expect(kCallers, "202");
  EXPECT_EQ(sip::write(answer).find("198.18.2."), std::string::npos);
  EXPECT_EQ(sip::write(answer).find("secret-phone"), std::string::npos);
  EXPECT_NE(answer.to_tag(), "callee");
  EXPECT_TRUE(lab.nothing_left());
}

TEST(PassedMessage, IdentitiesCrossOnlyFromATrustedRealmToATrustedOne) {
  for (const bool from_trusted : {false, true}) {
    for (const bool to_trusted : {false, true}) {
      SCOPED_TRACE(testing::Message() << from_trusted << to_trusted);
      const std::string trusted = "trusted = true\n";
      CallLab lab("", kPass + (from_trusted ? trusted : ""), to_trusted ? trusted : "");
      RequestText request = a_message();
      request.headers = "P-Asserted-Identity: <sip:president@198.18.1.2>\r\nDiversion: <sip:chief@198.18.1.9>\r\n";
      lab.caller_sends(request);
      const sip::Message got = lab.expect(kCallees, "MESSAGE");
      const auto identity = got.name_addr(HeaderId::kPAssertedIdentity);
      ASSERT_EQ(identity.has_value(), from_trusted && to_trusted);
      EXPECT_EQ(got.has(HeaderId::kDiversion), from_trusted && to_trusted);
      if (!identity) continue;
      EXPECT_EQ(identity->uri.user, "president");
      EXPECT_EQ(identity->uri.host, "198.18.2.1") << "hosts are hidden";
    }
  }
}

TEST(PassedMessage, WhoWantsPrivacyIsNobodyThere) {
  CallLab lab("", kPass);
  RequestText request = a_message();
  request.headers = "Privacy: user;id\r\nSubject: mine alone\r\n";
  lab.caller_sends(request);
  const sip::Message got = lab.expect(kCallees, "MESSAGE");
  EXPECT_EQ(got.from()->uri.host, "anonymous.invalid");
  EXPECT_EQ(sip::write(got).find("lice"), std::string::npos);
  EXPECT_FALSE(got.has(HeaderId::kSubject));
}

TEST(PassedMessage, WhatMayNotPassIsRefusedAndNobodyElseHearsOfIt) {
  const auto changed = [](auto change) {
    RequestText request = a_message();
    change(request);
    return request;
  };
  const std::tuple<const char*, std::string, RequestText, const char*> kRows[] = {
      {"the realm refuses", "", a_message(), "405"},
      {"no route", kPass, a_message("sip:nobody@198.18.1.1"), "404"},
      {"no hop left", kPass, changed([](RequestText& it) { it.max_forwards = "0"; }), "483"},
      {"an extension", kPass, changed([](RequestText& it) { it.headers = "Require: teleport\r\n"; }), "420"},
      {"too long", std::string(kPass) + "message_bytes_max = 17\n", a_message(), "413"},
      {"a loop to ourselves", kPass, a_message("sip:loop@198.18.1.1"), "500"},
      {"another scheme", kPass, a_message("mailto:bob@example.com"), "416"},
  };
  for (const auto& [description, callers, request, status] : kRows) {
    SCOPED_TRACE(description);
    CallLab lab("", callers);
    lab.caller_sends(request);
    (void)lab.expect(kCallers, status);
    EXPECT_TRUE(lab.silent(kCallers));
    EXPECT_TRUE(lab.silent(kCallees));
    EXPECT_TRUE(lab.nothing_left());
  }
}

TEST(PassedMessage, TheMethodIsAllowedWhereItIsTaken) {
  CallLab lab("", kPass);
  RequestText request = a_message();
  request.method = "PUBLISH";
  lab.caller_sends(request);
  EXPECT_EQ(lab.expect(kCallers, "405").header(HeaderId::kAllow), "INVITE, ACK, CANCEL, OPTIONS, MESSAGE");
  lab.settings().realms[kCallers].policy.outside.messages = false;
  request.method = "MESSAGE";
  request.branch = "z9hG4bKafter";
  request.cseq = 2;
  lab.caller_sends(request);
  EXPECT_EQ(lab.expect(kCallers, "405").header(HeaderId::kAllow), "INVITE, ACK, CANCEL, OPTIONS");
}

TEST(PassedMessage, RefusalsGoBackAndWhatIsBetweenUsAndTheReceiverDoesNot) {
  const std::pair<std::uint16_t, const char*> kRows[] = {{404, "404"}, {486, "486"}, {401, "403"}, {407, "403"},
                                                         {302, "480"}, {408, "480"}, {603, "603"}};
  for (const auto& [status, told] : kRows) {
    SCOPED_TRACE(status);
    CallLab lab("", kPass);
    lab.caller_sends(a_message());
    lab.callee_answers(lab.expect(kCallees, "MESSAGE"), status, "", "callee",
                       "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"n\"\r\n");
    const sip::Message answer = lab.expect(kCallers, told);
    EXPECT_FALSE(answer.has(HeaderId::kWwwAuthenticate));
    EXPECT_FALSE(answer.has(HeaderId::kContact));
    EXPECT_TRUE(lab.silent(kCallees)) << "no credentials leave";
    EXPECT_TRUE(lab.nothing_left());
  }
}

TEST(PassedMessage, ATrunksNextTargetIsAskedWhenOneFails) {
  for (const bool silent : {false, true}) {
    SCOPED_TRACE(silent);
    CallLab lab(kTrunk, kPass);
    lab.caller_sends(a_message("sip:carrier@198.18.1.1"));
    const sip::Message first = lab.expect(kCallees, "MESSAGE");
    EXPECT_EQ(first.request_uri()->host, "198.18.2.2");
    silent ? lab.advance(4'100) : lab.callee_answers(first, 503);
    sip::Message second = lab.next(kCallees);
    while (second.request_uri()->host == "198.18.2.2") second = lab.next(kCallees);  // repeated
    EXPECT_EQ(second.request_uri()->host, "198.18.2.3");
    EXPECT_NE(second.top_via()->branch(), first.top_via()->branch());
    EXPECT_EQ(second.body(), first.body());
    lab.callee_answers(second, 200);
    (void)lab.expect(kCallers, "200");
    if (silent) lab.callee_answers(first, 200);
    EXPECT_TRUE(lab.silent(kCallers)) << "it has its answer";
  }
}

TEST(PassedMessage, ATrunkThatChallengesIsShownItsCredentialsOnce) {
  std::string trunk = kTrunk;
  trunk.insert(trunk.find("check_interval_s"),
               "credentials = { realm = \"carrier.example\", user = \"weir\", password = \"secret\" }\n");
  CallLab lab(trunk, kPass);
  lab.caller_sends(a_message("sip:carrier@198.18.1.1"));
  const sip::Message first = lab.expect(kCallees, "MESSAGE");
  const std::string challenge = "WWW-Authenticate: Digest realm=\"carrier.example\", nonce=\"n\", qop=\"auth\"\r\n";
  lab.callee_answers(first, 401, "", "callee", challenge);
  const sip::Message again = lab.expect(kCallees, "MESSAGE");
  EXPECT_TRUE(again.has(HeaderId::kAuthorization));
  EXPECT_EQ(again.cseq()->number, first.cseq()->number + 1);
  EXPECT_EQ(again.body(), first.body());
  lab.callee_answers(again, 401, "", "callee", challenge);
  EXPECT_TRUE(lab.silent(kCallees)) << "they are wrong there";
  (void)lab.expect(kCallers, "403");
  EXPECT_TRUE(lab.nothing_left());
}

TEST(PassedMessage, EveryContactOfAUserHasItAndTheFirstThatTakesItAnswers) {
  CallLab lab(kRegistrar, kPass, kCalleesRegistrar);
  lab.registered = contacts({"sip:bob@198.18.2.2:5070", "sip:bob@198.18.2.3:5070"});
  lab.caller_sends(a_message("sip:bob@198.18.1.1"));
  const sip::Message first = lab.expect(kCallees, "MESSAGE");
  const sip::Message second = lab.expect(kCallees, "MESSAGE");
  EXPECT_EQ(first.request_uri()->host, "198.18.2.2");
  EXPECT_EQ(second.request_uri()->host, "198.18.2.3");
  lab.callee_answers(first, 486);
  EXPECT_TRUE(lab.silent(kCallers)) << "the other one may take it";
  lab.callee_answers(second, 200);
  (void)lab.expect(kCallers, "200");
  EXPECT_TRUE(lab.nothing_left());
}

TEST(PassedMessage, OfSeveralRefusalsTheBestIsTold) {
  CallLab lab(kRegistrar, kPass, kCalleesRegistrar);
  lab.registered = contacts({"sip:bob@198.18.2.2:5070", "sip:bob@198.18.2.3:5070"});
  lab.caller_sends(a_message("sip:bob@198.18.1.1"));
  const sip::Message first = lab.expect(kCallees, "MESSAGE");
  const sip::Message second = lab.expect(kCallees, "MESSAGE");
  lab.callee_answers(first, 503);
  lab.callee_answers(second, 415);
  (void)lab.expect(kCallers, "415");
  lab.registered.clear();
  RequestText again = a_message("sip:bob@198.18.1.1");
  again.branch = "z9hG4bKagain";
  again.cseq = 2;
  lab.caller_sends(again);
  (void)lab.expect(kCallers, "480");
  EXPECT_TRUE(lab.nothing_left());
}

/// RFC 4320 section 4.2: no 408, and nothing after the sender has given up.
TEST(PassedMessage, AReceiverThatKeepsSilentIsToldWhileTheSenderStillListens) {
  CallLab lab("", kPass);
  lab.caller_sends(a_message());
  lab.advance(31'000);
  sip::Message last = lab.next(kCallers);
  while (!lab.silent(kCallers)) last = lab.next(kCallers);
  EXPECT_EQ(last.status(), 480);
  while (!lab.silent(kCallees)) (void)lab.next(kCallees);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(PassedMessage, AFloodCostsTheRealmItsRateAndNoMore) {
  CallLab lab("", std::string(kPass) + "outside_per_s_max = 3\n");
  std::size_t refused = 0;
  for (std::uint32_t i = 0; i < 20; ++i) {
    RequestText request = a_message();
    request.branch = "z9hG4bKflood" + std::to_string(i);
    request.cseq = i + 1;
    lab.caller_sends(request);
  }
  while (!lab.silent(kCallers)) {
    const sip::Message answer = lab.expect(kCallers, "503");
    EXPECT_TRUE(answer.has(HeaderId::kRetryAfter));
    ++refused;
  }
  std::size_t passed = 0;
  for (; !lab.silent(kCallees); ++passed) (void)lab.expect(kCallees, "MESSAGE");
  EXPECT_EQ(passed, 3u);
  EXPECT_EQ(refused, 17u);
}

TEST(PassedMessage, UnderOverloadItIsRefusedAsACallIs) {
  CallLab lab("", kPass);
  EXPECT_FALSE(lab.turned_away(kCallers, "\r\n\r\n", 300'000'000)) << "something has waited for very long";
  lab.caller_sends(a_message());
  EXPECT_TRUE(lab.expect(kCallers, "503").has(HeaderId::kRetryAfter));
  EXPECT_TRUE(lab.silent(kCallees));
  EXPECT_EQ(lab.control().overload().counters().refused, 1u);
}

TEST(PassedMessage, WhileTheBorderIsDrainedNoneIsTaken) {
  CallLab lab("", kPass);
  lab.control().drain(true);
  lab.caller_sends(a_message());
  (void)lab.expect(kCallers, "503");
  EXPECT_TRUE(lab.silent(kCallees));
}

}  // namespace
}  // namespace weir::tests
