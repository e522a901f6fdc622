#include "sip/digest.h"

#include <gtest/gtest.h>

#include "sip/parse.h"

namespace weir::sip {
namespace {

// RFC 3261 sections 20.44 and 20.7.
constexpr std::string_view kChallenge =
    R"(Digest realm="atlanta.com", domain="sip:boxesbybob.com", qop="auth", nonce="f84f1cec41e6cbe5aea9c8e88d359", )"
    R"(opaque="", stale=FALSE, algorithm=MD5)";
constexpr std::string_view kCredentials =
    R"(Digest username="Alice", realm="atlanta.com", nonce="84a4cc6f3082121f32b42a2187831a9e", )"
    R"(uri="sip:atlanta.com", response="7587245234b3434cc3412213e5f113a5432")";

TEST(DigestChallenge, IsReadInItsParts) {
  const auto challenge = parse_digest_challenge(kChallenge);
  ASSERT_TRUE(challenge);
  EXPECT_EQ(challenge->realm, "atlanta.com");
  EXPECT_EQ(challenge->domain, "sip:boxesbybob.com");
  EXPECT_EQ(challenge->nonce, "f84f1cec41e6cbe5aea9c8e88d359");
  EXPECT_EQ(challenge->opaque, "");
  EXPECT_FALSE(challenge->stale);
  EXPECT_EQ(challenge->algorithm, DigestAlgorithm::kMd5);
  EXPECT_TRUE(challenge->has_qop && challenge->qop_auth && !challenge->qop_auth_int);
}

TEST(DigestChallenge, WithoutAlgorithmIsMd5AndSaysNone) {
  const auto challenge = parse_digest_challenge(R"(digest nonce="n",realm="r")");
  ASSERT_TRUE(challenge);
  EXPECT_EQ(challenge->algorithm, DigestAlgorithm::kMd5);
  EXPECT_FALSE(challenge->has_qop || challenge->opaque || challenge->stale);
  EXPECT_EQ(write(*challenge), R"(Digest realm="r", nonce="n")");
}

TEST(DigestChallenge, OfAnUnknownAlgorithmOrQopIsReadAsThat) {
  const auto challenge = parse_digest_challenge(R"(Digest realm="r", nonce="n", algorithm=AKAv1-MD5, qop="token")");
  ASSERT_TRUE(challenge);
  EXPECT_EQ(challenge->algorithm, std::nullopt);
  EXPECT_TRUE(challenge->has_qop && !challenge->qop_auth && !challenge->qop_auth_int);
}

TEST(DigestChallenge, ReadsTokensWhereTheGrammarWantsQuotesAndTheOtherWayRound) {
  const auto challenge = parse_digest_challenge(
      R"(Digest realm="r" , nonce = "n",  algorithm="SHA-256", qop=auth, stale="true", extension=1)");
  ASSERT_TRUE(challenge);
  EXPECT_EQ(challenge->algorithm, DigestAlgorithm::kSha256);
  EXPECT_TRUE(challenge->qop_auth && challenge->stale);
}

TEST(DigestCredentials, AreReadInTheirParts) {
  const auto credentials = parse_digest_credentials(kCredentials);
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->username, "Alice");
  EXPECT_EQ(credentials->realm, "atlanta.com");
  EXPECT_EQ(credentials->uri, "sip:atlanta.com");
  EXPECT_EQ(credentials->response, "7587245234b3434cc3412213e5f113a5432");
  EXPECT_EQ(credentials->qop, DigestQop::kNone);
  EXPECT_EQ(credentials->nonce_count(), 0u);
}

TEST(DigestCredentials, KeepTheNonceCountAsWritten) {
  const auto credentials =
      parse_digest_credentials(std::string(kCredentials) + R"(, qop=auth-int, nc=0000aBcD, cnonce="x", userhash=true)");
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->qop, DigestQop::kAuthInt);
  EXPECT_EQ(credentials->nc, "0000aBcD");
  EXPECT_EQ(credentials->nonce_count(), 0xabcdu);
  EXPECT_TRUE(credentials->userhash);
  const auto again = parse_digest_credentials(write(*credentials));
  ASSERT_TRUE(again);
  EXPECT_EQ(write(*again), write(*credentials));
}

TEST(DigestCredentials, WhatIsMalformedIsNotRead) {
  const std::string all(kCredentials);
  for (const std::string& text : {
           std::string(),
           std::string("Digest"),
           std::string("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
           std::string("NoOneKnowsThisScheme opaque-data=here"),
           std::string(R"(Digest username="a", realm="r", nonce="n", uri="u")"),
           all + R"(, realm="again")",
           all + ",",
           all + " x",
           all + R"(, cnonce="open)",
           all + ", qop=auth",
           all + R"(, qop=auth, cnonce="x")",
           all + ", qop=auth, nc=00000001",
           all + R"(, qop=auth, nc=00000000, cnonce="x")",
           all + R"(, qop=auth, nc=1, cnonce="x")",
           all + R"(, qop=auth, nc=0000000g, cnonce="x")",
           all + R"(, qop=other, nc=00000001, cnonce="x")",
           all + R"(, =x)",
           all + R"(, empty=)",
       }) {
    EXPECT_FALSE(parse_digest_credentials(text)) << text;
  }
}

TEST(DigestCredentials, OfMoreParametersThanThereMayBeAreNotRead) {
  std::string text(kCredentials);
  for (int i = 0; i < 100; ++i) text += ", p" + std::to_string(i) + "=1";
  EXPECT_FALSE(parse_digest_credentials(text));
}

TEST(DigestText, IsQuotedAndUnquoted) {
  EXPECT_EQ(quoted_text("a\"b\\c\r\nd"), "a\\\"b\\\\c  d");
  EXPECT_EQ(unquoted_text("a\\\"b\\\\c"), "a\"b\\c");
  const auto credentials =
      parse_digest_credentials(R"(Digest username="a\"b", realm="r", nonce="n", uri="u", response="x")");
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->username, "a\\\"b");
  EXPECT_EQ(unquoted_text(credentials->username), "a\"b");
}

TEST(DigestHeaders, EachLineIsAChallengeAndOthersArePassedOver) {
  Message response = Message::response(401, "Unauthorized");
  response.add_header(HeaderId::kWwwAuthenticate, R"(Digest realm="r", nonce="1", algorithm=SHA-256)");
  response.add_header(HeaderId::kWwwAuthenticate, "NewScheme x=y");
  response.add_header(HeaderId::kProxyAuthenticate, R"(Digest realm="r", nonce="other")");
  response.add_header(HeaderId::kWwwAuthenticate, R"(Digest realm="r", nonce="2", algorithm=MD5)");
  const auto challenges = digest_challenges(response, HeaderId::kWwwAuthenticate);
  ASSERT_EQ(challenges.size(), 2u);
  EXPECT_EQ(challenges[0].nonce, "1");
  EXPECT_EQ(challenges[1].nonce, "2");
  EXPECT_EQ(digest_challenges(response, HeaderId::kProxyAuthenticate).size(), 1u);
}

TEST(DigestAlgorithmNames, AreReadWithoutCaseAndWritten) {
  for (const std::string_view name :
       {"MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"}) {
    const auto algorithm = digest_algorithm_by_name(name);
    ASSERT_TRUE(algorithm) << name;
    EXPECT_EQ(to_string(*algorithm), name);
    EXPECT_EQ(is_session(*algorithm), name.ends_with("-sess"));
  }
  EXPECT_EQ(digest_algorithm_by_name("sha-256-SESS"), DigestAlgorithm::kSha256Sess);
  EXPECT_EQ(digest_algorithm_by_name("SHA"), std::nullopt);
}

}  // namespace
}  // namespace weir::sip
