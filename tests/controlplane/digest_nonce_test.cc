#include "controlplane/digest_nonce.h"

#include <gtest/gtest.h>

namespace weir::controlplane {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kNow = 1000 * kSecond;

Source source(const char* address) {
  return source_of(proto::parse_ip_address(address).value());
}

TEST(DigestNonces, ServeTheirDomainAndSourceForTheirLifetime) {
  DigestNonces nonces(300 * kSecond);
  const Source phone = source("198.18.1.2");
  const std::string nonce = nonces.make(kNow, "example.com", phone);
  EXPECT_EQ(nonces.read(kNow, nonce, "example.com", phone), 1u);
  EXPECT_EQ(nonces.read(kNow + 300 * kSecond, nonce, "example.com", phone), 1u);
  EXPECT_EQ(nonces.read(kNow + 300 * kSecond + 1, nonce, "example.com", phone), std::nullopt);
  EXPECT_EQ(nonces.read(kNow, nonce, "example.org", phone), std::nullopt);
  EXPECT_EQ(nonces.read(kNow, nonce, "example.com", source("198.18.1.3")), std::nullopt);
  EXPECT_NE(nonces.make(kNow, "example.com", phone), nonce);
}

TEST(DigestNonces, OfAnotherProcessOrForgedAreNone) {
  DigestNonces nonces(300 * kSecond);
  DigestNonces others(300 * kSecond);
  const Source phone = source("2001:2::1");
  const std::string nonce = nonces.make(kNow, "d", phone);
  EXPECT_EQ(others.read(kNow, nonce, "d", phone), std::nullopt);
  for (std::size_t i = 0; i < nonce.size(); ++i) {
    std::string forged = nonce;
    forged[i] = forged[i] == '0' ? '1' : '0';
    EXPECT_EQ(nonces.read(kNow, forged, "d", phone), std::nullopt) << i;
  }
  for (const std::string& text : {std::string(), nonce + "0", nonce.substr(1), std::string(64, 'g')}) {
    EXPECT_EQ(nonces.read(kNow, text, "d", phone), std::nullopt) << text;
  }
}

TEST(NonceCounts, ServeOnceEachInAnyNearOrder) {
  NonceCounts counts;
  EXPECT_TRUE(counts.use(1, 1));
  EXPECT_FALSE(counts.use(1, 1));
  EXPECT_TRUE(counts.use(1, 5));
  EXPECT_TRUE(counts.use(1, 3));
  EXPECT_FALSE(counts.use(1, 3));
  EXPECT_FALSE(counts.use(1, 5));
  EXPECT_TRUE(counts.use(1, 100));
  EXPECT_FALSE(counts.use(1, 36)) << "64 behind: nobody knows any more";
  EXPECT_TRUE(counts.use(1, 37));
  EXPECT_TRUE(counts.use(1, 0xffffffff));
  EXPECT_FALSE(counts.use(1, 100));
  EXPECT_TRUE(counts.use(2, 1)) << "another nonce";
}

TEST(NonceCounts, AreBoundedAndWhatMadeRoomIsUsed) {
  NonceCounts counts(2);
  EXPECT_TRUE(counts.use(10, 1));
  EXPECT_TRUE(counts.use(20, 1));
  EXPECT_TRUE(counts.use(30, 1));
  EXPECT_EQ(counts.size(), 2u);
  EXPECT_FALSE(counts.use(10, 2));
  EXPECT_FALSE(counts.use(9, 1));
  EXPECT_TRUE(counts.use(20, 2));
  EXPECT_FALSE(counts.use(15, 1)) << "older than all that are known, when there is no room";
}

}  // namespace
}  // namespace weir::controlplane
