// Verdicts on Identity values: one that is good, and each thing that may be wrong with it.
#include "controlplane/passport_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controlplane/base64url.h"
#include "controlplane/passport_signer.h"
#include "tests/support/stir_lab.h"

namespace weir::controlplane {
namespace {

using ::testing::HasSubstr;
using enum IdentityCheck;
using enum sip::CanonicalIdentity::Kind;
using tests::StirCredential;
using tests::StirTerms;

sip::Fingerprint fingerprint(std::uint8_t byte, sip::FingerprintHash hash = sip::FingerprintHash::kSha256) {
  sip::Fingerprint made{.hash = hash};
  made.digest[0] = byte;
  return made;
}

/// A shaken token and a request that it fits; each test spoils something.
class PassportVerifier : public ::testing::Test {
 protected:
  PassportVerifier() {
    passport_.x5u = "https://cert.example.org/a.pem";
    passport_.ppt = "shaken";
    passport_.orig.tns = {"12155551212"};
    passport_.dest.uris = {"sip:bob@biloxi.example"};
    passport_.iat_s = terms_.now_s;
    passport_.attest = "A";
    passport_.origid = make_origid();
    passport_.mky = {fingerprint(1), fingerprint(2)};
    facts_.callers = {{kNumber, "12155551212"}};
    facts_.called = {{kUri, "sip:bob@biloxi.example"}};
    facts_.targets = {{kNumber, "12155550000"}};
    facts_.date_s = terms_.now_s;
    facts_.fingerprints = {fingerprint(2), fingerprint(1), fingerprint(1)};
  }

  sip::IdentityHeader signed_header(bool compact = false) {
    return sign_passport(passport_, credential_.signing_key(), compact).value();
  }
  IdentityVerdict judge(const sip::IdentityHeader& header) {
    auto examined = examine_identity(header, facts_, terms_);
    if (auto* const verdict = std::get_if<IdentityVerdict>(&examined)) return *verdict;
    return judge_identity(std::get<ExaminedIdentity>(examined), {credential_.chain(), "", false}, *anchors_, facts_,
                          terms_);
  }
  IdentityVerdict judge() { return judge(signed_header()); }
  void reissue(const StirTerms& terms) { credential_ = lab_.issue(terms); }
  void make_plain() {
    passport_.ppt.clear();
    passport_.attest.clear();
    passport_.origid.clear();
  }

  tests::StirLab lab_;
  StirCredential credential_ = lab_.issue();
  std::shared_ptr<const TrustAnchors> anchors_ = lab_.anchors();
  IdentityTerms terms_{.now_s = tests::unix_now_s()};
  Passport passport_;
  RequestFacts facts_;
};

TEST_F(PassportVerifier, AGoodTokenIsGood) {
  const IdentityVerdict verdict = judge();
  EXPECT_TRUE(verdict.good()) << verdict.text;
  EXPECT_EQ(verdict.text, "signed by CN=SHAKEN 1234");
  ASSERT_TRUE(verdict.passport);
  EXPECT_EQ(verdict.passport->attest, "A");
  EXPECT_EQ(response_to(verdict.failed).status, 0);
  const auto examined = examine_identity(signed_header(), facts_, terms_);
  EXPECT_EQ(std::get<ExaminedIdentity>(examined).url, "https://cert.example.org/a.pem");
}

TEST_F(PassportVerifier, AnotherCallerOrDestinationIsRefused) {
  facts_.callers = {{kNumber, "12155559999"}, {kUri, "sip:12155551212@h"}};
  EXPECT_EQ(judge().failed, kCaller);
  facts_.callers.push_back({kNumber, "12155551212"});
  EXPECT_TRUE(judge().good()) << "one of them is enough";
  facts_.called = {{kUri, "sip:carol@biloxi.example"}};
  EXPECT_EQ(judge().failed, kCalled);
  facts_.called = {};
  EXPECT_EQ(judge().failed, kCalled);
  EXPECT_EQ(response_to(kCalled).status, 438);
}

TEST_F(PassportVerifier, UrisCompareInCanonicalForm) {
  passport_.dest.uris = {"sip:carol@h", "SIP:bob@BILOXI.example:5060;transport=tcp"};
  EXPECT_TRUE(judge().good());
}

TEST_F(PassportVerifier, TimeIsWithinTheFreshness) {
  for (const std::int64_t off : {-60, 60}) {
    passport_.iat_s = terms_.now_s + off;
    EXPECT_TRUE(judge().good()) << off;
  }
  for (const std::int64_t off : {-61, 61, -1'000'000}) {
    passport_.iat_s = terms_.now_s + off;
    EXPECT_EQ(judge().failed, kFreshness) << off;
  }
  EXPECT_EQ(response_to(kFreshness).status, 403);
  EXPECT_EQ(response_to(kFreshness).reason, "Stale Date");
}

TEST_F(PassportVerifier, TheHeadersParametersAreTheTokens) {
  for (const auto& [alg, ppt] : {std::pair{"none", ""}, {"RS256", ""}, {"", "div"}}) {
    sip::IdentityHeader header = signed_header();
    if (*alg != '\0') header.alg = alg;
    if (*ppt != '\0') header.ppt = ppt;
    EXPECT_EQ(judge(header).failed, kSyntax);
  }
  sip::IdentityHeader header = signed_header();
  header.alg = header.ppt = header.info = "";
  EXPECT_TRUE(judge(header).good()) << "they need not be said";
  header.info = "https://elsewhere.example/a.pem";
  EXPECT_EQ(judge(header).failed, kInfo);
  EXPECT_EQ(response_to(kInfo).reason, "Bad Identity Info");
}

TEST_F(PassportVerifier, CertificatesComeByHttpsAlone) {
  for (const char* const url : {"http://cert.example.org/a.pem", "file:///etc/passwd", "https://", "cid:a@b"}) {
    passport_.x5u = url;
    EXPECT_EQ(judge().failed, kInfo) << url;
  }
  passport_.x5u = "HTTPS://cert.example.org/a.pem";
  EXPECT_TRUE(judge().good());
}

TEST_F(PassportVerifier, WithoutACertificateItSaysWhy) {
  const auto examined = std::get<ExaminedIdentity>(examine_identity(signed_header(), facts_, terms_));
  IdentityVerdict verdict = judge_identity(examined, {nullptr, "no answer in 2 s", false}, *anchors_, facts_, terms_);
  EXPECT_EQ(verdict.failed, kInfo);
  EXPECT_EQ(verdict.text, "the certificate: no answer in 2 s");
  verdict = judge_identity(examined, {nullptr, "it is no certificate", true}, *anchors_, facts_, terms_);
  EXPECT_EQ(verdict.failed, kCertificate);
  EXPECT_EQ(response_to(kCertificate).status, 437);
  EXPECT_EQ(response_to(kCertificate).reason, "Unsupported Credential");
}

TEST_F(PassportVerifier, AnUntrustedCertificateIsRefused) {
  anchors_ = tests::StirLab().anchors();
  EXPECT_EQ(judge().failed, kCertificate);
  anchors_ = lab_.anchors();
  reissue({.valid_to_s = -60});
  EXPECT_THAT(judge().text, HasSubstr("expired"));
}

TEST_F(PassportVerifier, AnotherKindOfKeyIsRefused) {
  const sip::IdentityHeader header = signed_header();
  for (const char* const curve : {"P-384", "RSA"}) {
    reissue({.curve = curve});
    EXPECT_EQ(judge(header).failed, kCertificate) << curve;
  }
}

TEST_F(PassportVerifier, EveryChangedByteBreaksTheSignature) {
  const sip::IdentityHeader header = signed_header();
  int judged = 0;
  for (std::size_t i = 0; i < header.token.size(); ++i) {
    sip::IdentityHeader changed = header;
    changed.token[i] = changed.token[i] == 'A' ? 'B' : 'A';
    const IdentityVerdict verdict = judge(changed);
    EXPECT_FALSE(verdict.good()) << i;
    judged += verdict.failed == kSignature ? 1 : 0;
  }
  EXPECT_GT(judged, 64);
  const sip::IdentityHeader other = sign_passport(passport_, lab_.issue().signing_key(), false).value();
  EXPECT_EQ(judge(other).failed, kSignature);
}

TEST_F(PassportVerifier, ACertificateSpeaksForItsNumbersAndCodes) {
  reissue({.tn_auth_list = tests::tn_list(tests::tn_range("12155551000", 1000))});
  EXPECT_TRUE(judge().good());
  reissue({.tn_auth_list = tests::tn_list(tests::tn_one("12155551213"))});
  EXPECT_EQ(judge().failed, kAuthority);
  reissue({.tn_auth_list = "", .alternative_names = "URI:sip:example.com"});
  EXPECT_THAT(judge().text, HasSubstr("speaks for no telephone numbers"));
  EXPECT_EQ(response_to(kAuthority).status, 437);
}

TEST_F(PassportVerifier, AUriIsItsDomainsToSign) {
  make_plain();
  passport_.orig = {.tns = {}, .uris = {"sip:alice@example.com"}};
  facts_.callers = {{kUri, "sip:alice@example.com"}};
  EXPECT_EQ(judge().failed, kAuthority);
  reissue({.tn_auth_list = "", .alternative_names = "URI:sip:example.com"});
  EXPECT_TRUE(judge().good());
  reissue({.alternative_names = "DNS:other.example"});
  EXPECT_EQ(judge().failed, kAuthority);
}

TEST_F(PassportVerifier, TheMediaKeysAreThoseOfTheSdp) {
  facts_.fingerprints = {fingerprint(1)};
  EXPECT_EQ(judge().failed, kMediaKeys) << "one is missing";
  facts_.fingerprints = {fingerprint(1), fingerprint(2), fingerprint(3)};
  EXPECT_EQ(judge().failed, kMediaKeys) << "one was added";
  facts_.fingerprints = {fingerprint(1), fingerprint(2, sip::FingerprintHash::kSha512)};
  EXPECT_EQ(judge().failed, kMediaKeys);
  facts_.fingerprints = {};
  EXPECT_EQ(judge().failed, kMediaKeys) << "they were taken out";
  EXPECT_EQ(response_to(kMediaKeys).reason, "Invalid Identity Header");
}

TEST_F(PassportVerifier, ATokenWithoutMediaKeysIsForItsReaderToJudge) {
  passport_.mky.clear();
  EXPECT_TRUE(judge().good());
}

TEST_F(PassportVerifier, ACompactTokenIsRebuiltOutOfTheRequest) {
  make_plain();
  passport_.mky = facts_.fingerprints;
  const sip::IdentityHeader header = signed_header(true);
  const IdentityVerdict verdict = judge(header);
  EXPECT_TRUE(verdict.good()) << verdict.text;
  EXPECT_EQ(verdict.passport->orig.tns, std::vector<std::string>{"12155551212"});
  facts_.callers = {{kUri, "sip:alice@example.com"}, {kNumber, "12155551212"}};
  EXPECT_TRUE(judge(header).good()) << "any of the callers may be meant";
  const RequestFacts good = facts_;
  facts_.date_s = terms_.now_s - 1;
  EXPECT_EQ(judge(header).failed, kSignature);
  facts_.date_s = terms_.now_s - 61;
  EXPECT_EQ(judge(header).failed, kFreshness);
  facts_.date_s.reset();
  EXPECT_EQ(judge(header).failed, kFreshness);
  facts_ = good;
  facts_.fingerprints = {fingerprint(9)};
  EXPECT_EQ(judge(header).failed, kSignature);
  facts_ = good;
  facts_.called = {{kNumber, "1"}};
  EXPECT_EQ(judge(header).failed, kSignature);
}

TEST_F(PassportVerifier, WhatACompactTokenCannotSayIsRefused) {
  make_plain();
  const sip::IdentityHeader header = signed_header(true);
  for (const auto& [alg, ppt, failed] :
       {std::tuple{"none", "", kAlgorithm}, {"ES256", "shaken", kSyntax}, {"ES256", "fancy", kExtension}}) {
    sip::IdentityHeader changed = header;
    changed.alg = alg;
    changed.ppt = ppt;
    EXPECT_EQ(judge(changed).failed, failed);
  }
  sip::IdentityHeader changed = header;
  changed.info.clear();
  EXPECT_EQ(judge(changed).failed, kInfo);
  changed = header;
  changed.token += "A";
  EXPECT_EQ(judge(changed).failed, kSyntax);
  facts_.callers.clear();
  EXPECT_EQ(judge(header).failed, kCaller);
}

TEST_F(PassportVerifier, AnUnknownExtensionIsAsIfTheValueWereNotThere) {
  const std::string header = R"({"alg":"ES256","ppt":"fancy","typ":"passport"})";
  const std::string token = signed_header().token;
  const IdentityVerdict verdict = judge({.token = encode_base64url(header) + token.substr(token.find('.')),
                                         .info = "",
                                         .alg = "",
                                         .ppt = "",
                                         .others = {}});
  EXPECT_EQ(verdict.failed, kExtension);
  EXPECT_EQ(response_to(kExtension).status, 428);
  EXPECT_EQ(response_to(kExtension).reason, "Use Supported PASSporT Format");
}

TEST_F(PassportVerifier, ADiversionIsSignedByWhoDiverts) {
  const Passport before = passport_;
  make_plain();
  passport_.mky.clear();
  passport_.ppt = "div";
  passport_.div = PassportIdentity{.tns = {}, .uris = {"sip:bob@biloxi.example"}};
  passport_.dest = {.tns = {"12155550000"}, .uris = {}};
  EXPECT_EQ(judge().failed, kAuthority) << "who has numbers does not speak for Bob's domain";
  reissue({.alternative_names = "URI:sip:biloxi.example"});
  EXPECT_TRUE(judge().good()) << judge().text;
  EXPECT_TRUE(diverts(passport_, before));
  EXPECT_FALSE(diverts(before, passport_));
  Passport other = before;
  other.dest.uris = {"sip:carol@biloxi.example"};
  EXPECT_FALSE(diverts(passport_, other));
  facts_.targets = {{kNumber, "1"}};
  EXPECT_EQ(judge().failed, kCalled);
}

TEST_F(PassportVerifier, ADivOfATokenThatIsNoDiversionGivesNoAuthority) {
  make_plain();
  reissue({.tn_auth_list = tests::tn_list(tests::tn_one("666"))});
  passport_.div = PassportIdentity{.tns = {"666"}, .uris = {}};
  EXPECT_EQ(judge().failed, kAuthority);
}

TEST(IdentityCheck, EachHasAWordAndAnAnswer) {
  for (int i = 1; i <= static_cast<int>(kReplay); ++i) {
    const auto check = static_cast<IdentityCheck>(i);
    EXPECT_FALSE(to_string(check).empty());
    EXPECT_NE(response_to(check).status, 0);
  }
}

}  // namespace
}  // namespace weir::controlplane
