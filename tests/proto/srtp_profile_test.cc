#include "proto/srtp_profile.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "proto/control_protocol.h"
#include "proto/counters.h"

namespace weir::proto {
namespace {

// RFC 5764 section 4.1.2 and RFC 7714 section 14.2 (IANA: DTLS-SRTP Protection Profiles).
TEST(SrtpProfile, CodePointsAndSizesAreThoseOfTheRfcs) {
  EXPECT_EQ(srtp_profile_by_dtls_id(0x0001), SrtpProfile::kAesCm128HmacSha1_80);
  EXPECT_EQ(srtp_profile_by_dtls_id(0x0002), SrtpProfile::kAesCm128HmacSha1_32);
  EXPECT_EQ(srtp_profile_by_dtls_id(0x0007), SrtpProfile::kAeadAes128Gcm);
  EXPECT_EQ(srtp_profile_by_dtls_id(0x0008), SrtpProfile::kAeadAes256Gcm);
  for (const int id : {0x0000, 0x0005, 0x0006, 0xffff}) {
    EXPECT_FALSE(srtp_profile_by_dtls_id(static_cast<std::uint16_t>(id))) << id;
  }
  EXPECT_EQ(srtp_profile(SrtpProfile::kAesCm128HmacSha1_32).srtp_tag_bytes, 4);
  EXPECT_EQ(srtp_profile(SrtpProfile::kAesCm128HmacSha1_32).srtcp_tag_bytes, 10);
  EXPECT_EQ(srtp_profile(SrtpProfile::kAeadAes256Gcm).key_bytes, 32);
  EXPECT_EQ(srtp_profile(SrtpProfile::kAeadAes256Gcm).salt_bytes, 12);
}

TEST(SrtpProfile, EveryNameFindsItsProfile) {
  for (const SrtpProfileInfo& info : kSrtpProfiles) EXPECT_EQ(srtp_profile_by_name(info.name), info.profile);
  EXPECT_FALSE(srtp_profile_by_name("AES_CM_128_HMAC_MD5"));
}

TEST(DropReason, NamesAndSentencesAreDistinct) {
  std::set<std::string> names;
  std::set<std::string> sentences;
  for (const DropReasonInfo& info : kDropReasons) {
    names.emplace(info.name);
    sentences.emplace(info.sentence);
  }
  EXPECT_EQ(names.size(), kDropReasonCount);
  EXPECT_EQ(sentences.size(), kDropReasonCount);
}

TEST(Refusal, EveryRefusalHasItsOwnSentence) {
  std::set<std::string> sentences;
  for (std::size_t i = 0; i < kRefusalCount; ++i) sentences.emplace(to_string(static_cast<Refusal>(i)));
  EXPECT_EQ(sentences.size(), kRefusalCount);
  EXPECT_EQ(sentences.count("unknown refusal"), 0u);
}

}  // namespace
}  // namespace weir::proto
