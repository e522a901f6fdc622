#include "controlplane/certificate_pool.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace weir::controlplane {
namespace {

void wait_until_ready(const CertificatePool& pool, std::size_t count) {
  for (int i = 0; i < 2'000 && pool.ready() < count; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ASSERT_EQ(pool.ready(), count);
}

std::string text_of(const ASN1_TIME& time) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(&time)),
          static_cast<std::size_t>(ASN1_STRING_length(&time))};
}

std::string serial_of(const Certificate& certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate.x509());
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)),
          static_cast<std::size_t>(ASN1_STRING_length(serial))};
}

TEST(CertificatePool, BeginsWithTheFirstThatIsWantedAndFillsUpToItsRoom) {
  CertificatePool pool(8);
  EXPECT_EQ(pool.ready(), 0u) << "who wants none has no thread";
  ASSERT_NE(pool.take(), nullptr);
  EXPECT_EQ(pool.made_at_once(), 1u);
  wait_until_ready(pool, 8);
}

TEST(CertificatePool, GivesEachOnceAndIsRefilled) {
  CertificatePool pool(16);
  pool.start();
  wait_until_ready(pool, 16);
  std::set<std::string> fingerprints;
  for (int i = 0; i < 10; ++i) {
    const auto taken = pool.take();
    ASSERT_NE(taken, nullptr);
    fingerprints.insert(sip::write_fingerprint(taken->fingerprint()));
  }
  EXPECT_EQ(fingerprints.size(), 10u);
  EXPECT_EQ(pool.made_at_once(), 0u);
  wait_until_ready(pool, 16);
}

TEST(CertificatePool, WhoTakesFasterThanTheyAreMadeNeverGetsNoneNorOneTwice) {
  CertificatePool pool(4);
  std::set<std::string> fingerprints;
  constexpr std::size_t kTaken = 300;
  for (std::size_t i = 0; i < kTaken; ++i) {
    const auto taken = pool.take();
    ASSERT_NE(taken, nullptr);
    fingerprints.insert(sip::write_fingerprint(taken->fingerprint()));
  }
  EXPECT_EQ(fingerprints.size(), kTaken);
  EXPECT_GT(pool.made_at_once(), 0u);
}

TEST(CertificatePool, TwoOfADayDifferInKeyAndSerialAndInNothingElse) {
  CertificatePool pool(4);
  const auto one = pool.take();
  const auto other = pool.take();
  EXPECT_NE(serial_of(*one), serial_of(*other));
  EXPECT_EQ(serial_of(*one).size(), serial_of(*other).size());
  EXPECT_NE(EVP_PKEY_eq(one->key(), other->key()), 1);
  EXPECT_EQ(X509_NAME_cmp(X509_get_subject_name(one->x509()), X509_get_subject_name(other->x509())), 0);
  EXPECT_EQ(X509_NAME_cmp(X509_get_issuer_name(one->x509()), X509_get_issuer_name(other->x509())), 0);
  const std::string from = text_of(*X509_get0_notBefore(one->x509()));
  EXPECT_EQ(from.substr(from.size() - 7), "000000Z") << "no second in which it was made";
  if (from == text_of(*X509_get0_notBefore(other->x509()))) {  // else midnight was between them
    EXPECT_EQ(text_of(*X509_get0_notAfter(one->x509())), text_of(*X509_get0_notAfter(other->x509())));
  }
  EXPECT_EQ(X509_get_ext_count(one->x509()), 0) << "no key identifier, no names";
}

TEST(CertificatePool, MayEndWhileItIsBeingFilled) {
  for (int i = 0; i < 20; ++i) {
    CertificatePool pool(64);
    pool.start();
    if (i % 2 == 0) {
      EXPECT_NE(pool.take(), nullptr);
    }
  }
}

}  // namespace
}  // namespace weir::controlplane
