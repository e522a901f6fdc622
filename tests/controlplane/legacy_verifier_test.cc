// RFC 4474's Identity, signed here and judged, with each thing that may be wrong with it.
#include "controlplane/legacy_verifier.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "controlplane/rsa_sha1.h"
#include "sip/base64.h"
#include "sip/digest_string.h"
#include "sip/parse.h"
#include "tests/support/rfc4474.h"
#include "tests/support/stir_lab.h"

namespace weir::controlplane {
namespace {

using enum IdentityCheck;

class LegacyVerifier : public ::testing::Test {
 protected:
  void SetUp() override {
    facts_.digest_string = *sip::digest_string(sip::parse_message(tests::rfc4474_invite()).message());
    facts_.from_domain = "atlanta.example.com";
    facts_.date_s = now_s_;
    sign();
  }
  void sign() {
    const BioHandle bio(BIO_new_mem_buf(credential_.key.data(), static_cast<int>(credential_.key.size())));
    const KeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    const std::string signature = rsa_sha1_sign(key.get(), facts_.digest_string).value();
    identity_.signature =
        sip::encode_base64({reinterpret_cast<const std::uint8_t*>(signature.data()), signature.size()});
  }
  IdentityVerdict judge() {
    if (auto verdict = examine_legacy_identity(identity_, facts_, now_s_)) return *verdict;
    return judge_legacy_identity(identity_, facts_, {credential_.chain(), "", false}, *lab_.anchors(), now_s_);
  }

  tests::StirLab lab_;
  tests::StirCredential credential_ =
      lab_.issue({.tn_auth_list = "", .alternative_names = "DNS:atlanta.example.com", .curve = "RSA"});
  std::int64_t now_s_ = tests::unix_now_s();
  LegacyFacts facts_;
  sip::LegacyIdentity identity_{"", "https://atlanta.example.com/atlanta.cer", "rsa-sha1"};
};

TEST_F(LegacyVerifier, ADomainsSignatureIsGood) {
  EXPECT_TRUE(judge().good()) << judge().text;
  identity_.alg = "";
  EXPECT_TRUE(judge().good());
}

TEST_F(LegacyVerifier, WhatWasChangedOnItsWayIsNot) {
  facts_.digest_string += ' ';
  EXPECT_EQ(judge().failed, kSignature);
  facts_.digest_string.clear();
  EXPECT_EQ(judge().failed, kSyntax);
}

TEST_F(LegacyVerifier, ADomainSignsForItselfAlone) {
  facts_.from_domain = "biloxi.example.org";
  EXPECT_EQ(judge().failed, kAuthority);
  facts_.from_domain = "";
  EXPECT_EQ(judge().failed, kCaller);
}

TEST_F(LegacyVerifier, ADateIsTenMinutesOldAtMost) {
  facts_.date_s = now_s_ - 600;
  EXPECT_TRUE(judge().good());
  facts_.date_s = now_s_ - 601;
  EXPECT_EQ(judge().failed, kFreshness);
  facts_.date_s = now_s_ + 601;
  EXPECT_EQ(judge().failed, kFreshness);
  facts_.date_s.reset();
  EXPECT_EQ(judge().failed, kFreshness);
}

TEST_F(LegacyVerifier, OtherAlgorithmsPlacesAndKeysAreRefused) {
  identity_.alg = "rsa-sha256";
  EXPECT_EQ(judge().failed, kAlgorithm);
  identity_.alg = "RSA-SHA1";
  identity_.info = "http://atlanta.example.com/atlanta.cer";
  EXPECT_EQ(judge().failed, kInfo);
  identity_.info = "https://atlanta.example.com/atlanta.cer";
  const std::string signature = identity_.signature;
  identity_.signature = "no base64!";
  EXPECT_EQ(judge().failed, kSyntax);
  identity_.signature = signature;
  credential_ = lab_.issue({.alternative_names = "DNS:atlanta.example.com"});
  EXPECT_EQ(judge().failed, kSignature) << "an elliptic key";
  EXPECT_EQ(judge_legacy_identity(identity_, facts_, {nullptr, "none", false}, *lab_.anchors(), now_s_).failed, kInfo);
}

}  // namespace
}  // namespace weir::controlplane
