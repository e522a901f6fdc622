#include "proto/srtp_profile.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <tuple>

#include "proto/control_protocol.h"
#include "proto/counters.h"

namespace weir::proto {
namespace {

// RFC 5764 section 4.1.2 and RFC 7714 section 14.2 (IANA: DTLS-SRTP Protection Profiles), RFC 6188 section 4.
TEST(SrtpProfile, CodePointsAndSizesAreThoseOfTheRfcs) {
  EXPECT_EQ(srtp_profile_by_dtls_id(0x0001), SrtpProfile::kAesCm128HmacSha1_80);
  EXPECT_EQ(srtp_profile_by_dtls_id(0x0002), SrtpProfile::kAesCm128HmacSha1_32);
  EXPECT_EQ(srtp_profile_by_dtls_id(0x0005), SrtpProfile::kNullHmacSha1_80);
  EXPECT_EQ(srtp_profile_by_dtls_id(0x0006), SrtpProfile::kNullHmacSha1_32);
  EXPECT_EQ(srtp_profile_by_dtls_id(0x0007), SrtpProfile::kAeadAes128Gcm);
  EXPECT_EQ(srtp_profile_by_dtls_id(0x0008), SrtpProfile::kAeadAes256Gcm);
  for (const int id : {0x0000, 0x0003, 0x0004, 0xffff}) {
    EXPECT_FALSE(srtp_profile_by_dtls_id(static_cast<std::uint16_t>(id))) << id;
  }
  EXPECT_EQ(srtp_profile(SrtpProfile::kAesCm128HmacSha1_32).srtp_tag_bytes, 4);
  EXPECT_EQ(srtp_profile(SrtpProfile::kAesCm128HmacSha1_32).srtcp_tag_bytes, 10);
  EXPECT_EQ(srtp_profile(SrtpProfile::kAeadAes256Gcm).key_bytes, 32);
  EXPECT_EQ(srtp_profile(SrtpProfile::kAeadAes256Gcm).salt_bytes, 12);
  for (const auto& [profile, key_bytes, srtp_tag_bytes] :
       {std::tuple{SrtpProfile::kAes192CmHmacSha1_80, 24, 10}, std::tuple{SrtpProfile::kAes192CmHmacSha1_32, 24, 4},
        std::tuple{SrtpProfile::kAes256CmHmacSha1_80, 32, 10}, std::tuple{SrtpProfile::kAes256CmHmacSha1_32, 32, 4}}) {
    const SrtpProfileInfo& info = srtp_profile(profile);
    EXPECT_EQ(info.key_bytes, key_bytes);
    EXPECT_EQ(info.salt_bytes, 14);
    EXPECT_EQ(info.auth_key_bytes, 20);
    EXPECT_EQ(info.srtp_tag_bytes, srtp_tag_bytes);
    EXPECT_EQ(info.srtcp_tag_bytes, 10);
    EXPECT_EQ(info.dtls_id, 0) << "no code point was ever registered";
  }
}

TEST(SrtpProfile, OnlyTheNullCiphersLeaveMediaInTheClear) {
  for (const SrtpProfileInfo& info : kSrtpProfiles) {
    EXPECT_EQ(is_null_cipher(info.profile), info.name.starts_with("NULL_")) << info.name;
  }
}

TEST(SrtpProfile, EveryNameFindsItsProfile) {
  for (const SrtpProfileInfo& info : kSrtpProfiles) {
    if (info.profile == SrtpProfile::kDtlsRecords) continue;
    EXPECT_EQ(srtp_profile_by_name(info.name), info.profile);
  }
  EXPECT_FALSE(srtp_profile_by_name(srtp_profile(SrtpProfile::kDtlsRecords).name)) << "nobody may ask for it";
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
