#include "controlplane/digest_auth.h"

#include <gtest/gtest.h>

#include "controlplane/digest_response.h"

namespace weir::controlplane {
namespace {

using proto::settings::DigestHash;
using sip::HeaderId;
using sip::Message;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kNow = 1000 * kSecond;
constexpr const char* kDomain = "example.com";

Source source(const char* address) {
  return source_of(proto::parse_ip_address(address).value());
}

UserDirectory users() {
  proto::settings::UserSettings alice{
      .name = "alice", .domain = kDomain, .password = "secret", .ha1 = {}, .may_register = {"alice"}, .line = 1};
  return UserDirectory({alice});
}

struct Attempt {
  std::string user = "alice";
  std::string password = "secret";
  std::string uri = "sip:example.com";
  std::uint32_t count = 1;
  std::size_t challenge = 0;  ///< which of those offered is answered
};

class DigestAuthTest : public testing::Test {
 protected:
  /// A REGISTER that answers a challenge given at kNow to `source_`.
  Message answer(const Attempt& attempt) {
    if (nonces_.empty()) nonces_ = auth_.challenges(kNow, kDomain, phone_, false);
    const auto challenge = sip::parse_digest_challenge(nonces_.at(attempt.challenge));
    return with(answer_challenge(*challenge, {attempt.user, attempt.password}, attempt.uri, {"REGISTER", ""}, "cnonce",
                                 attempt.count));
  }

  static Message with(const sip::DigestCredentials& credentials) {
    Message request = Message::request("REGISTER", "sip:example.com");
    request.add_header(HeaderId::kAuthorization, write(credentials));
    return request;
  }

  DigestVerdict verdict(const Message& request) { return auth_.judge(kNow, kDomain, request, phone_).verdict; }

  proto::settings::RegistrarSettings settings_;
  UserDirectory users_ = users();
  DigestAuth auth_{settings_, users_};
  Source phone_ = source("198.18.1.2");
  std::vector<std::string> nonces_;
};

TEST_F(DigestAuthTest, ChallengesWithEachAlgorithmInOrder) {
  const auto values = auth_.challenges(kNow, kDomain, phone_, true);
  ASSERT_EQ(values.size(), 2u);
  const auto first = sip::parse_digest_challenge(values[0]);
  const auto second = sip::parse_digest_challenge(values[1]);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->algorithm, sip::DigestAlgorithm::kSha256);
  EXPECT_EQ(second->algorithm, sip::DigestAlgorithm::kMd5);
  EXPECT_TRUE(first->stale && first->qop_auth && !first->qop_auth_int);
  EXPECT_EQ(first->realm, kDomain);
}

TEST_F(DigestAuthTest, ARightPasswordIsRightByEitherAlgorithmOnce) {
  for (const std::size_t challenge : {0u, 1u}) {
    const Message request = answer({.count = static_cast<std::uint32_t>(challenge + 1), .challenge = challenge});
    const DigestJudgement judgement = auth_.judge(kNow, kDomain, request, phone_);
    ASSERT_EQ(judgement.verdict, DigestVerdict::kRight);
    EXPECT_EQ(judgement.user->name, "alice");
    EXPECT_EQ(auth_.judge(kNow, kDomain, request, phone_).verdict, DigestVerdict::kRight) << "judging changes nothing";
    EXPECT_TRUE(auth_.commit(judgement));
    EXPECT_FALSE(auth_.commit(judgement)) << "a replay";
  }
}

TEST_F(DigestAuthTest, AWrongPasswordAndNoSuchUserAreTheSame) {
  EXPECT_EQ(verdict(answer({.password = "guess"})), DigestVerdict::kWrong);
  EXPECT_EQ(verdict(answer({.user = "nobody"})), DigestVerdict::kWrong);
}

TEST_F(DigestAuthTest, NobodysHashOpensNothing) {
  auto challenge = sip::parse_digest_challenge(auth_.challenges(kNow, kDomain, phone_, false)[1]);
  auto credentials = answer_challenge(*challenge, {"nobody", ""}, "sip:example.com", {"REGISTER", ""}, "c", 1);
  credentials.response = digest_response(credentials, std::string(32, '0'), {"REGISTER", ""});
  EXPECT_EQ(verdict(with(credentials)), DigestVerdict::kWrong);
}

TEST_F(DigestAuthTest, AnOldOrForeignNonceIsStaleWhateverThePassword) {
  const Message request = answer({});
  EXPECT_EQ(auth_.judge(kNow + 301 * kSecond, kDomain, request, phone_).verdict, DigestVerdict::kStale);
  EXPECT_EQ(auth_.judge(kNow, kDomain, request, source("198.18.1.3")).verdict, DigestVerdict::kStale);
  EXPECT_EQ(auth_.judge(kNow + 301 * kSecond, kDomain, answer({.password = "guess"}), phone_).verdict,
            DigestVerdict::kStale)
      << "no oracle for passwords";
  DigestAuth restarted(settings_, users_);
  EXPECT_EQ(restarted.judge(kNow, kDomain, request, phone_).verdict, DigestVerdict::kStale);
}

TEST_F(DigestAuthTest, WhatWasNotOfferedIsMissing) {
  EXPECT_EQ(verdict(Message::request("REGISTER", "sip:example.com")), DigestVerdict::kMissing);
  EXPECT_EQ(verdict(answer({.uri = "sip:other.com"})), DigestVerdict::kMissing) << "credentials for another resource";
  EXPECT_EQ(verdict(answer({.uri = "sip:EXAMPLE.com"})), DigestVerdict::kRight) << "equivalent";
  auto challenge = sip::parse_digest_challenge(auth_.challenges(kNow, kDomain, phone_, false)[0]);
  const auto answered = [&] {
    return with(answer_challenge(*challenge, {"alice", "secret"}, "sip:example.com", {"REGISTER", ""}, "c", 1));
  };
  ASSERT_EQ(verdict(answered()), DigestVerdict::kRight);
  challenge->qop_auth = false;
  EXPECT_EQ(verdict(answered()), DigestVerdict::kMissing) << "RFC 2069";
  challenge->qop_auth_int = true;
  EXPECT_EQ(verdict(answered()), DigestVerdict::kMissing);
  challenge->qop_auth = true;
  challenge->algorithm = sip::DigestAlgorithm::kSha512_256;
  EXPECT_EQ(verdict(answered()), DigestVerdict::kMissing);
  challenge->algorithm = sip::DigestAlgorithm::kSha256;
  challenge->realm = "example.org";
  EXPECT_EQ(verdict(answered()), DigestVerdict::kMissing);
}

TEST_F(DigestAuthTest, WithoutQopANonceServesOnceWhereThatIsAllowed) {
  settings_.allow_without_qop = true;
  DigestAuth lenient(settings_, users_);
  auto challenge = sip::parse_digest_challenge(lenient.challenges(kNow, kDomain, phone_, false)[1]);
  challenge->qop_auth = false;
  const Message request =
      with(answer_challenge(*challenge, {"alice", "secret"}, "sip:example.com", {"REGISTER", ""}, "c", 1));
  const DigestJudgement judgement = lenient.judge(kNow, kDomain, request, phone_);
  ASSERT_EQ(judgement.verdict, DigestVerdict::kRight);
  EXPECT_TRUE(lenient.commit(judgement));
  EXPECT_FALSE(lenient.commit(judgement));
}

TEST_F(DigestAuthTest, OfSeveralCredentialsThoseForTheDomainCount) {
  const Message right = answer({});
  Message request = Message::request("REGISTER", "sip:example.com");
  request.add_header(HeaderId::kAuthorization, "Digest broken");
  request.add_header(HeaderId::kAuthorization,
                     R"(Digest username="alice", realm="other", nonce="n", uri="sip:example.com", response="x")");
  request.add_header(HeaderId::kAuthorization, *right.header(HeaderId::kAuthorization));
  EXPECT_EQ(verdict(request), DigestVerdict::kRight);
}

}  // namespace
}  // namespace weir::controlplane
