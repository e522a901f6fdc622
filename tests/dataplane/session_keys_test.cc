// What a flow keeps of its session keys: enough to tell them from others, and to expand them on another CPU.
#include "dataplane/session_keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "dataplane/cipher.h"
#include "tests/support/media_flows.h"
#include "tests/support/random_media.h"
#include "tests/support/secured_profiles.h"
#include "tests/support/srtp_kdf.h"
#include "tests/support/srtp_oracle.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::SrtpProfile;
using tests::MediaFlows;
using tests::Random;
using Packet = std::vector<std::uint8_t>;

/// One for each of the library's code paths that this CPU can run.
std::vector<std::unique_ptr<Cipher>> ciphers() {
  std::vector<std::unique_ptr<Cipher>> made;
  for (const IMB_ARCH architecture : {IMB_ARCH_SSE, IMB_ARCH_AVX, IMB_ARCH_AVX2, IMB_ARCH_AVX512}) {
    auto cipher = Cipher::create(architecture);
    if (cipher.ok()) made.push_back(std::move(cipher).value());
  }
  return made;
}

/// One side as a flow holds it.
struct Held {
  Held(SrtpProfile which, const proto::TransformSpec& transform, Cipher& cipher) : profile(which) {
    expand_keys(cipher, transform, side());
  }
  SideKeys side() {
    const bool aead = proto::srtp_profile(profile).aead;
    return {.profile = profile, .aes_cm = aead ? nullptr : &aes_cm, .gcm = aead ? &gcm : nullptr, .srtcp = &srtcp};
  }
  [[nodiscard]] Packet bytes() const {
    Packet all(sizeof aes_cm + sizeof gcm);
    std::memcpy(all.data(), &aes_cm, sizeof aes_cm);
    std::memcpy(all.data() + sizeof aes_cm, &gcm, sizeof gcm);
    return all;
  }

  SrtpProfile profile;
  AesCmSide aes_cm{};
  GcmKeys gcm{};
  SrtcpKey srtcp{};
};

class SessionKeys : public testing::TestWithParam<SrtpProfile> {
 protected:
  proto::TransformSpec random_transform(SrtpProfile profile = GetParam()) {
    const proto::SrtpProfileInfo& info = proto::srtp_profile(profile);
    return tests::derive_transform(profile, tests::random_bytes(random_, info.key_bytes),
                                   tests::random_bytes(random_, info.salt_bytes));
  }

  Random random_{31};
  std::unique_ptr<Cipher> cipher_ = std::move(Cipher::create()).value();
};

TEST_P(SessionKeys, ExpandOnEveryCpuToTheSameButForTheHashKeysOfGcm) {
  const proto::TransformSpec transform = random_transform();
  const proto::SrtpProfileInfo& info = proto::srtp_profile(GetParam());
  const auto all = ciphers();
  ASSERT_GE(all.size(), 3u) << "every CPU that weir-media runs on has AVX2";
  Held first(GetParam(), transform, *all.front());
  for (const auto& cipher : all) {
    Held held(GetParam(), transform, *cipher);
    const std::uint8_t* rounds = info.aead ? held.gcm.expanded.data() : held.aes_cm.rtp.schedule.data();
    EXPECT_TRUE(std::equal(rounds, rounds + info.key_bytes, transform.rtp.encryption.begin()));
    if (!info.aead) {
      EXPECT_EQ(held.bytes(), first.bytes());
    }
  }
}

TEST_P(SessionKeys, OfAnotherCpuAreExpandedAgainFromWhatIsHeld) {
  const proto::TransformSpec transform = random_transform();
  const auto all = ciphers();
  for (const auto& before : all) {
    for (const auto& after : all) {
      Held moved(GetParam(), transform, *before);
      Held anew = moved;  // not all code paths write the same bytes
      expand_keys_again(*after, moved.side());
      expand_keys(*after, transform, anew.side());
      EXPECT_EQ(moved.bytes(), anew.bytes());
    }
  }
}

TEST_P(SessionKeys, AreTheSameOnlyIfEveryPartIs) {
  const proto::TransformSpec transform = random_transform();
  Held held(GetParam(), transform, *cipher_);
  const proto::SrtpProfileInfo& info = proto::srtp_profile(GetParam());
  const SameKeys same = same_keys(*cipher_, held.side(), transform);
  EXPECT_TRUE(same.rtp && same.rtcp);
  for (const bool rtcp : {false, true}) {
    const auto differs = [&](auto part, std::size_t byte) {
      proto::TransformSpec other = transform;
      proto::SessionKeys& changed = rtcp ? other.rtcp : other.rtp;
      (changed.*part)[byte] ^= 0x10;
      const SameKeys found = same_keys(*cipher_, held.side(), other);
      EXPECT_EQ(found.rtp, rtcp) << byte;
      EXPECT_EQ(found.rtcp, !rtcp) << byte;
    };
    for (std::size_t i = 0; i < info.key_bytes; ++i) differs(&proto::SessionKeys::encryption, i);
    for (std::size_t i = 0; i < info.auth_key_bytes; ++i) differs(&proto::SessionKeys::authentication, i);
    for (std::size_t i = 0; i < info.salt_bytes; ++i) differs(&proto::SessionKeys::salt, i);
  }
}

/// The tag length is no part of the key, nor is it that a cipher is not used: an index used under one is used.
TEST_P(SessionKeys, OfProfilesThatDifferInTagOrUseOfTheCipherCanBeTheSame) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(GetParam());
  const proto::TransformSpec transform = random_transform();
  Held held(GetParam(), transform, *cipher_);
  for (const SrtpProfile profile : tests::secured_profiles()) {
    proto::TransformSpec other = transform;
    other.profile = profile;
    const proto::SrtpProfileInfo& other_info = proto::srtp_profile(profile);
    const bool can_be = other_info.aead == info.aead && other_info.key_bytes == info.key_bytes;
    const SameKeys same = same_keys(*cipher_, held.side(), other);
    EXPECT_EQ(same.rtp, can_be) << other_info.name;
    EXPECT_EQ(same.rtcp, can_be) << other_info.name;
  }
}

TEST_P(SessionKeys, GiveBackWhatTheKeystreamDependsOn) {
  const proto::TransformSpec transform = random_transform();
  Held held(GetParam(), transform, *cipher_);
  for (const bool rtcp : {false, true}) {
    const proto::SessionKeys& keys = rtcp ? transform.rtcp : transform.rtp;
    const CipherKeyAndSalt found = cipher_key_of(held.side(), rtcp);
    EXPECT_EQ(found.key, keys.encryption);
    EXPECT_EQ(found.salt, keys.salt);
  }
}

/// A flow installed by one CPU's code and resumed by another's.
TEST_P(SessionKeys, SecureAFlowThatMovesToAnotherCpu) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(GetParam());
  for (const auto& before : ciphers()) {
    const Packet master = tests::random_bytes(random_, std::size_t{info.key_bytes} + info.salt_bytes);
    const proto::TransformSpec transform = tests::SrtpOracle::transform(GetParam(), master);
    tests::SrtpOracle sender(GetParam(), master, tests::SrtpOracle::Direction::kSend);
    tests::SrtpOracle receiver(GetParam(), master, tests::SrtpOracle::Direction::kReceive);
    MediaFlows flows(1);
    ASSERT_TRUE(flows.table().claim(0, 0));
    flows.table().install({.index = 0, .generation = 1}, MediaFlows::spec(0, transform, transform), 0, *before);
    FlowTable table = flows.restarted();
    table.resume(flows.cipher());
    for (const bool rtcp : {false, true}) {
      const Packet meant = rtcp ? tests::random_rtcp(random_, 7, 5) : tests::random_rtp(random_, 7, 1, 1100);
      Packet packet = meant;
      ASSERT_TRUE(rtcp ? sender.protect_rtcp(packet) : sender.protect_rtp(packet));
      tests::PacketBurst burst;
      burst.add(flows, 0, packet);
      burst.unprotect(flows);
      ASSERT_EQ(burst.verdict(0), DropReason::kNone);
      EXPECT_EQ(burst.packet(0), meant);
      burst.protect(flows);
      packet = burst.packet(0);
      ASSERT_TRUE(rtcp ? receiver.unprotect_rtcp(packet) : receiver.unprotect_rtp(packet));
      EXPECT_EQ(packet, meant);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Profiles, SessionKeys, testing::ValuesIn(tests::secured_profiles()), tests::kNameOfProfile);

TEST(SessionKeysInTheClear, AreAlwaysTheSameAndNeverASecuredSides) {
  const auto cipher = std::move(Cipher::create()).value();
  const proto::TransformSpec clear{};
  Held held(SrtpProfile::kNone, clear, *cipher);
  const SameKeys same = same_keys(*cipher, held.side(), clear);
  EXPECT_TRUE(same.rtp && same.rtcp);
  for (const SrtpProfile profile : tests::secured_profiles()) {
    proto::TransformSpec secured{};
    secured.profile = profile;
    const SameKeys changed = same_keys(*cipher, held.side(), secured);
    EXPECT_FALSE(changed.rtp || changed.rtcp);
  }
}

}  // namespace
}  // namespace weir::dataplane
