#include "controlplane/certificate.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "tests/support/temporary_directory.h"

namespace weir::controlplane {
namespace {

using sip::Fingerprint;
using sip::FingerprintHash;

constexpr std::array kHashes = {FingerprintHash::kSha1, FingerprintHash::kSha224, FingerprintHash::kSha256,
                                FingerprintHash::kSha384, FingerprintHash::kSha512};

Certificate make() {
  proto::Result<Certificate> made = Certificate::make();
  EXPECT_TRUE(made.ok());
  return std::move(made).value();
}

Fingerprint spoilt(Fingerprint fingerprint) {
  fingerprint.digest[0] ^= 1;
  return fingerprint;
}

TEST(Certificate, IsSelfSignedEcdsaOnP256AndNeverTheSameTwice) {
  const Certificate one = make();
  const Certificate other = make();
  EXPECT_EQ(X509_verify(one.x509(), one.key()), 1);
  EXPECT_EQ(EVP_PKEY_get_base_id(one.key()), EVP_PKEY_EC);
  EXPECT_EQ(EVP_PKEY_get_bits(one.key()), 256);
  EXPECT_NE(one.fingerprint(), other.fingerprint());
  EXPECT_NE(ASN1_INTEGER_cmp(X509_get_serialNumber(one.x509()), X509_get_serialNumber(other.x509())), 0);
  EXPECT_GT(X509_cmp_current_time(X509_get0_notAfter(one.x509())), 0);
  EXPECT_LT(X509_cmp_current_time(X509_get0_notBefore(one.x509())), 0);
}

TEST(Certificate, FingerprintsAreWhatTheOpensslToolPrints) {
  const Certificate certificate = make();
  const tests::TemporaryDirectory directory;
  const std::string path = directory.path() + "/certificate.pem";
  FILE* file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  PEM_write_X509(file, certificate.x509());
  std::fclose(file);
  for (const FingerprintHash hash : kHashes) {
    std::string option(sip::to_string(hash));
    option.erase(option.find('-'), 1);
    const std::string out = directory.path() + "/out";
    const std::string command = "openssl x509 -noout -fingerprint -" + option + " -in " + path + " >" + out;
    ASSERT_EQ(std::system(command.c_str()), 0);
    std::stringstream printed;
    printed << std::ifstream(out).rdbuf();
    const std::string line = printed.str();
    const std::string wanted = line.substr(line.find('=') + 1, line.find('\n') - line.find('=') - 1);
    EXPECT_EQ(sip::write_fingerprint(fingerprint_of(*certificate.x509(), hash)),
              std::string(sip::to_string(hash)) + " " + wanted);
  }
}

TEST(Certificate, MatchesItsFingerprintInEveryHash) {
  const Certificate certificate = make();
  for (const FingerprintHash hash : kHashes) {
    const Fingerprint right = fingerprint_of(*certificate.x509(), hash);
    EXPECT_TRUE(verify_certificate(*certificate.x509(), {right}).matched);
    EXPECT_FALSE(verify_certificate(*certificate.x509(), {spoilt(right)}).matched);
  }
}

TEST(Certificate, OneOfSeveralFingerprintsOfTheStrongestHashIsEnough) {
  const Certificate certificate = make();
  const Fingerprint right = fingerprint_of(*certificate.x509(), FingerprintHash::kSha256);
  const Fingerprint other = make().fingerprint();
  const FingerprintVerdict verdict = verify_certificate(*certificate.x509(), {other, right});
  EXPECT_TRUE(verdict.matched);
  EXPECT_EQ(verdict.text, "matches the SDP (sha-256)");
}

TEST(Certificate, AWeakHashThatMatchesDoesNotHelpAStrongOneThatDoesNot) {
  const Certificate certificate = make();
  const Fingerprint weak = fingerprint_of(*certificate.x509(), FingerprintHash::kSha1);
  const Fingerprint strong = spoilt(fingerprint_of(*certificate.x509(), FingerprintHash::kSha512));
  EXPECT_FALSE(verify_certificate(*certificate.x509(), {weak, strong}).matched);
}

TEST(Certificate, NothingMatchesAnEmptyList) {
  EXPECT_FALSE(verify_certificate(*make().x509(), {}).matched);
}

}  // namespace
}  // namespace weir::controlplane
