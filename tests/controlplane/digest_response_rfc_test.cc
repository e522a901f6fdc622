// The examples of RFC 7616 section 3.9 (3.9.2 as erratum 4897 corrects it) and RFC 2617 section 3.5; and forms that no
// RFC has an example of, computed with `openssl dgst` from the RFC's formulas.
#include <gtest/gtest.h>

#include <ostream>

#include "controlplane/digest_response.h"

namespace weir::controlplane {
namespace {

using sip::DigestAlgorithm;
using sip::DigestQop;

struct Example {
  const char* description;
  const char* user;
  const char* password;
  const char* challenge;
  const char* uri;
  const char* cnonce;
  const char* body;
  const char* response;
};

void PrintTo(const Example& example, std::ostream* out) {
  *out << example.description;
}

#define MUFASA "Mufasa", "Circle of Life"
#define SECTION_3_9_1                                                                                \
  "Digest realm=\"http-auth@example.org\", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", " \
  "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", algorithm="
#define DIRECTORY "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"

constexpr Example kExamples[] = {
    {"RFC 7616 3.9.1 MD5", MUFASA, SECTION_3_9_1 "MD5, qop=\"auth, auth-int\"", DIRECTORY, "",
     "8ca523f5e9506fed4657c9700eebdbec"},
    {"RFC 7616 3.9.1 SHA-256", MUFASA, SECTION_3_9_1 "SHA-256, qop=\"auth, auth-int\"", DIRECTORY, "",
     "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
    {"RFC 7616 3.9.2 SHA-512-256", "J\xc3\xa4s\xc3\xb8n Doe", "Secret, or not?",
     "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, "
     "nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\"",
     "/doe.json", "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", "",
     "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"},
    {"RFC 2617 3.5", "Mufasa", "Circle Of Life",
     "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"",
     "/dir/index.html", "0a4f113b", "", "6629fae49393a05397450978507c4ef1"},
    {"SHA-512-256", MUFASA, SECTION_3_9_1 "SHA-512-256, qop=auth", DIRECTORY, "",
     "430d05014cecc49cab6fbe03176d41a1da86cbfe24a16580e22aaad928d960d0"},
    {"MD5-sess", MUFASA, SECTION_3_9_1 "MD5-sess, qop=auth", DIRECTORY, "", "e783283f46242139c486a698fec7211d"},
    {"SHA-256-sess", MUFASA, SECTION_3_9_1 "SHA-256-sess, qop=auth", DIRECTORY, "",
     "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7"},
    {"SHA-512-256-sess", MUFASA, SECTION_3_9_1 "SHA-512-256-sess, qop=auth", DIRECTORY, "",
     "3f2a34f923c38b0fb26dce2fdfc2ce326c23cecf86fbb1444f3e51fbbc2cb92e"},
    {"MD5 auth-int", MUFASA, SECTION_3_9_1 "MD5, qop=auth-int", DIRECTORY, "v=0", "3835b139d1606d821f6f96713d044ded"},
    {"SHA-256 auth-int", MUFASA, SECTION_3_9_1 "SHA-256, qop=auth-int", DIRECTORY, "v=0",
     "b3a4a0111e74e28223bac4af55ade12af037f6c8a019923135a0dca0d384407f"},
    {"MD5 as RFC 2069", MUFASA, SECTION_3_9_1 "MD5", DIRECTORY, "", "7b2cc3b30e75b4777ea31027084363fd"},
    {"SHA-256 as RFC 2069", MUFASA, SECTION_3_9_1 "SHA-256", DIRECTORY, "",
     "a1306b0595a6c7fe96c448631fb5cfbd5107bd1fe1da729d978dd7446b812363"},
};

class DigestExamples : public testing::TestWithParam<Example> {};

TEST_P(DigestExamples, GiveTheirResponseAndMatchIt) {
  const Example& row = GetParam();
  const auto challenge = sip::parse_digest_challenge(row.challenge);
  ASSERT_TRUE(challenge);
  const DigestSubject subject{"GET", row.body};
  const sip::DigestCredentials answer =
      answer_challenge(*challenge, {row.user, row.password}, row.uri, subject, row.cnonce, 1);
  EXPECT_EQ(answer.response, row.response);
  EXPECT_EQ(answer.opaque, challenge->opaque);

  const auto read = sip::parse_digest_credentials(sip::write(answer));
  ASSERT_TRUE(read);
  const std::string ha1 = digest_ha1(*read->algorithm, row.user, read->realm, row.password);
  EXPECT_TRUE(digest_matches(*read, ha1, subject));
  EXPECT_FALSE(digest_matches(*read, ha1, {"PUT", row.body}));
  const std::string other = digest_ha1(*read->algorithm, row.user, read->realm, "another");
  EXPECT_FALSE(digest_matches(*read, other, subject));
}

INSTANTIATE_TEST_SUITE_P(OfTheRfcs, DigestExamples, testing::ValuesIn(kExamples));

TEST(DigestHash, OfTheUserNameIsTheUserhashOfTheErratum) {
  EXPECT_EQ(digest_hash(DigestAlgorithm::kSha512_256, "J\xc3\xa4s\xc3\xb8n Doe:api@example.org"),
            "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b");
}

TEST(DigestMatches, InEitherCaseAndNotInPart) {
  sip::DigestCredentials credentials;
  credentials.nonce = "n";
  credentials.uri = "sip:a";
  const std::string ha1 = digest_ha1(DigestAlgorithm::kMd5, "u", "r", "p");
  credentials.response = digest_response(credentials, ha1, {"REGISTER", ""});
  EXPECT_TRUE(digest_matches(credentials, ha1, {"REGISTER", ""}));
  for (char& c : credentials.response) c = static_cast<char>(std::toupper(c));
  EXPECT_TRUE(digest_matches(credentials, ha1, {"REGISTER", ""}));
  credentials.response.pop_back();
  EXPECT_FALSE(digest_matches(credentials, ha1, {"REGISTER", ""}));
  credentials.response.clear();
  EXPECT_FALSE(digest_matches(credentials, ha1, {"REGISTER", ""}));
  credentials.algorithm = std::nullopt;
  EXPECT_FALSE(digest_matches(credentials, ha1, {"REGISTER", ""}));
}

TEST(Answerable, IsTheFirstChallengeThatIsKnown) {
  const auto challenge = [](std::string_view text) { return *sip::parse_digest_challenge(text); };
  std::vector<sip::DigestChallenge> challenges{
      challenge(R"(Digest realm="r", nonce="1", algorithm=AKAv2-SHA-256)"),
      challenge(R"(Digest realm="r", nonce="2", algorithm=SHA-256, qop="other")"),
      challenge(R"(Digest realm="r", nonce="3", algorithm=SHA-256, qop="auth")"),
      challenge(R"(Digest realm="r", nonce="4", algorithm=MD5, qop="auth")"),
  };
  ASSERT_NE(answerable(challenges), nullptr);
  EXPECT_EQ(answerable(challenges)->nonce, "3");
  challenges.resize(2);
  EXPECT_EQ(answerable(challenges), nullptr);
}

TEST(AnswerChallenge, EscapesTheUsersName) {
  const auto challenge = sip::parse_digest_challenge(R"(Digest realm="r", nonce="n", qop="auth")");
  const auto answer = answer_challenge(*challenge, {"a\"\r\nb", "p"}, "sip:x", {"REGISTER", ""}, "c", 16);
  const auto read = sip::parse_digest_credentials(sip::write(answer));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->username, "a\\\"  b");
  EXPECT_EQ(read->nc, "00000010");
}

}  // namespace
}  // namespace weir::controlplane
