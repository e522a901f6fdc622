// Signers' certificates and their paths, out of an authority that OpenSSL makes here.
#include "controlplane/identity_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controlplane/es256.h"
#include "tests/support/stir_lab.h"
#include "tests/support/tls_files.h"

namespace weir::controlplane {
namespace {

using ::testing::HasSubstr;
using tests::StirLab;
using tests::StirTerms;

/// "" if a certificate of those terms is trusted, else why not.
std::string verified(const StirLab& lab, const StirTerms& terms, std::int64_t later_s = 0) {
  const proto::Status status = lab.issue(terms).chain()->verify(*lab.anchors(), tests::unix_now_s() + later_s);
  return status ? "" : status.error();
}

TEST(IdentityChain, APathByWayOfAnIntermediateIsTrusted) {
  const StirLab lab;
  const auto chain = lab.issue({.tn_auth_list = tests::tn_list(tests::tn_code("1234") + tests::tn_one("911"))}).chain();
  const auto anchors = lab.anchors();
  EXPECT_EQ(anchors->size(), 1u);
  EXPECT_TRUE(chain->verify(*anchors, tests::unix_now_s()));
  EXPECT_TRUE(is_p256(chain->key()));
  ASSERT_TRUE(chain->numbers());
  EXPECT_TRUE(chain->numbers()->covers("911"));
  EXPECT_EQ(chain->subject(), "CN=SHAKEN 1234");
  EXPECT_NEAR(static_cast<double>(chain->not_after_s()), static_cast<double>(tests::unix_now_s() + 3600), 5.0);
}

TEST(IdentityChain, SomebodyElsesAuthorityIsNot) {
  const StirLab lab;
  const auto chain = lab.issue().chain();
  EXPECT_FALSE(chain->verify(*StirLab().anchors(), tests::unix_now_s()));
  EXPECT_TRUE(chain->verify(*lab.anchors(), tests::unix_now_s())) << "what was remembered was of other anchors";
}

TEST(IdentityChain, WithoutItsIntermediateThereIsNoPath) {
  const StirLab lab;
  const std::string pem = lab.issue().certificate;
  const std::string leaf = pem.substr(0, pem.find("-----BEGIN", 1));
  const auto chain = IdentityCertificate::read_chain(leaf).value();
  EXPECT_FALSE(chain->verify(*lab.anchors(), tests::unix_now_s()));
  const auto partial = TrustAnchors::parse(pem.substr(pem.find("-----BEGIN", 1))).value();
  EXPECT_TRUE(chain->verify(*partial, tests::unix_now_s())) << "an anchor need not be signed by itself";
}

TEST(IdentityChain, TimeIsWhatTheCallerSays) {
  const StirLab lab;
  EXPECT_EQ(verified(lab, {}), "");
  EXPECT_EQ(verified(lab, {}, 7200), "certificate has expired");
  EXPECT_EQ(verified(lab, {}, -7200), "certificate is not yet valid");
  const auto chain = lab.issue({.valid_to_s = 30}).chain();
  const auto anchors = lab.anchors();
  EXPECT_TRUE(chain->verify(*anchors, tests::unix_now_s()));
  EXPECT_FALSE(chain->verify(*anchors, tests::unix_now_s() + 40)) << "a good outcome is remembered no longer";
}

TEST(IdentityChain, ACriticalTnAuthListIsKnownAndNothingElseThatIs) {
  const StirLab lab;
  EXPECT_EQ(verified(lab, {.critical = true}), "");
  EXPECT_EQ(verified(lab, {.other_extension = "1.2.3.4"}), "unhandled critical extension");
  EXPECT_EQ(verified(lab, {.critical = true, .other_extension = "1.2.3.4"}), "unhandled critical extension");
}

TEST(IdentityChain, WhoMayNotSignIsRefused) {
  const StirLab lab;
  EXPECT_EQ(verified(lab, {.key_usage = "critical,digitalSignature"}), "");
  EXPECT_EQ(verified(lab, {.key_usage = "critical,keyAgreement"}), "its key is not for signatures");
  EXPECT_EQ(verified(lab, {.constrained = true}), "it has claim constraints, which are not supported");
}

TEST(IdentityChain, OneCertificateInDerIsAChainToo) {
  const StirLab lab;
  const auto chain = lab.issue().chain();
  unsigned char* der = nullptr;
  const int bytes = i2d_X509(chain->leaf(), &der);
  const std::string text(reinterpret_cast<char*>(der), static_cast<std::size_t>(bytes));
  OPENSSL_free(der);
  const auto read = IdentityCertificate::read_chain(text);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ((*read)->subject(), "CN=SHAKEN 1234");
  EXPECT_FALSE(IdentityCertificate::read_chain(text + "x"));
  EXPECT_FALSE(IdentityCertificate::read_chain(text.substr(0, text.size() - 1)));
}

TEST(IdentityChain, WhatIsNoneIsRefusedWithAReason) {
  const StirLab lab;
  const auto refused = [](std::string_view text) { return IdentityCertificate::read_chain(text).error(); };
  EXPECT_THAT(refused(""), HasSubstr("no certificate"));
  EXPECT_THAT(refused("<html>not found</html>"), HasSubstr("no certificate"));
  EXPECT_THAT(refused("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"), HasSubstr("certificate"));
  EXPECT_EQ(refused(std::string(kChainBytesMax + 1, 'x')), "it is too long");
  std::string many;
  for (int i = 0; i < 9; ++i) many += lab.anchor();
  EXPECT_EQ(refused(many), "it has more than eight certificates");
  EXPECT_EQ(refused(lab.issue({.tn_auth_list = "junk"}).certificate), "the TNAuthList is no DER sequence");
  EXPECT_FALSE(TrustAnchors::parse(""));
  EXPECT_FALSE(TrustAnchors::parse(lab.issue().key));
}

TEST(IdentityChain, AnchorsComeFromAFile) {
  tests::TlsFiles files;
  const StirLab lab;
  files.write("anchors.pem", lab.anchor() + StirLab().anchor());
  const auto anchors = TrustAnchors::load(files.path("anchors.pem"));
  ASSERT_TRUE(anchors) << anchors.error();
  EXPECT_EQ((*anchors)->size(), 2u);
  EXPECT_TRUE(lab.issue().chain()->verify(**anchors, tests::unix_now_s()));
  EXPECT_THAT(TrustAnchors::load(files.path("none.pem")).error(), HasSubstr("none.pem"));
}

TEST(IdentityChain, DomainsAreThoseOfRfc5922) {
  const auto chain = StirLab().issue({.tn_auth_list = "", .alternative_names = "URI:sip:example.com"}).chain();
  EXPECT_FALSE(chain->numbers());
  EXPECT_TRUE(chain->domains().proves("Example.com"));
  EXPECT_FALSE(chain->domains().proves("other.example.com"));
}

}  // namespace
}  // namespace weir::controlplane
