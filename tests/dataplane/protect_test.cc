// Sending: an index is used once, recorded before the packet leaves, and never past the key's lifetime.
#include "dataplane/protect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/support/media_flows.h"
#include "tests/support/random_media.h"
#include "tests/support/secured_profiles.h"
#include "tests/support/srtp_kdf.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::SrtpProfile;
using tests::below;
using tests::MediaFlows;
using tests::PacketBurst;
using tests::Random;
using Packet = std::vector<std::uint8_t>;

class Protect : public testing::TestWithParam<SrtpProfile> {
 protected:
  Protect() : flows_(1), transform_(random_transform()) { flows_.install(0, MediaFlows::spec(0, {}, transform_)); }

  proto::TransformSpec random_transform() {
    const proto::SrtpProfileInfo& info = proto::srtp_profile(GetParam());
    return tests::derive_transform(GetParam(), tests::random_bytes(random_, info.key_bytes),
                                   tests::random_bytes(random_, info.salt_bytes));
  }
  DropReason send(const Packet& packet) {
    burst_.clear();
    burst_.add(flows_, 0, packet);
    burst_.unprotect(flows_);
    burst_.protect(flows_);
    return burst_.verdict(0);
  }
  Packet rtp(std::uint32_t ssrc, std::uint16_t sequence) { return tests::random_rtp(random_, ssrc, sequence, 20); }
  Packet rtcp() { return tests::random_rtcp(random_, 7, 6); }
  SrtpWindow& window() { return flows_.flow(0).send_rtp[0].window; }

  Random random_{99};
  MediaFlows flows_;
  proto::TransformSpec transform_;
  PacketBurst burst_;
};

TEST_P(Protect, RefusesADuplicateAlsoWithinOneBurst) {
  const Packet packet = rtp(7, 1);
  burst_.add(flows_, 0, packet);
  burst_.add(flows_, 0, packet);
  burst_.unprotect(flows_);
  burst_.protect(flows_);
  EXPECT_EQ(burst_.verdict(0), DropReason::kNone);
  EXPECT_EQ(burst_.verdict(1), DropReason::kSendReplayed);
  EXPECT_EQ(burst_.burst().media.count, 1u);
  EXPECT_EQ(send(packet), DropReason::kSendReplayed);
}

TEST_P(Protect, SendsALatePacketOfTheWindowAndNoneBehindIt) {
  EXPECT_EQ(send(rtp(7, 1000)), DropReason::kNone);
  EXPECT_EQ(send(rtp(7, 873)), DropReason::kNone);
  EXPECT_EQ(send(rtp(7, 872)), DropReason::kSendReplayed);
  EXPECT_EQ(send(rtp(7, 1001)), DropReason::kNone);
  EXPECT_EQ(send(rtp(7, 873)), DropReason::kSendReplayed);
}

TEST_P(Protect, RecordsTheIndexBeforeThePacketLeaves) {
  EXPECT_EQ(send(rtp(7, 65535)), DropReason::kNone);
  EXPECT_EQ(window().highest, 65535u);
  EXPECT_EQ(send(rtp(7, 0)), DropReason::kNone);
  EXPECT_EQ(window().highest, 65536u);
  EXPECT_EQ(burst_.burst().index[0], 65536u);
  EXPECT_EQ(send(rtcp()), DropReason::kNone);
  EXPECT_EQ(flows_.flow(0).send_rtcp_next, 1u);
}

TEST_P(Protect, NeverRepeatsAnIndexWhateverTheSequenceNumbersDo) {
  std::set<std::pair<std::uint32_t, std::uint64_t>> used;
  std::uint32_t sent = 0;
  std::uint32_t refused = 0;
  std::uint16_t sequence = 65000;
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    const std::uint32_t step = below(random_, 100);
    if (step < 70) ++sequence;
    if (step >= 80 && step < 95) sequence = static_cast<std::uint16_t>(sequence - below(random_, 200));
    if (step >= 95) sequence = static_cast<std::uint16_t>(sequence + below(random_, 65536));
    const std::uint32_t ssrc = below(random_, 6);
    const DropReason verdict = send(rtp(ssrc, sequence));
    if (verdict == DropReason::kNone) {
      ++sent;
      ASSERT_TRUE(used.emplace(ssrc, burst_.burst().index[0]).second) << "ssrc " << ssrc << " sequence " << sequence;
    } else {
      ++refused;
      ASSERT_TRUE(verdict == DropReason::kSendReplayed || verdict == DropReason::kSsrcUnknown);
    }
  }
  EXPECT_GT(sent, 1000u);
  EXPECT_GT(refused, 1000u);
}

TEST_P(Protect, GoesOnWithItsIndexesAfterARestart) {
  EXPECT_EQ(send(rtp(7, 65530)), DropReason::kNone);
  EXPECT_EQ(send(rtp(7, 3)), DropReason::kNone);
  EXPECT_EQ(send(rtcp()), DropReason::kNone);
  FlowTable table = flows_.restarted();
  table.resume(flows_.cipher());
  EXPECT_EQ(send(rtp(7, 3)), DropReason::kSendReplayed);
  EXPECT_EQ(send(rtp(7, 4)), DropReason::kNone);
  EXPECT_EQ(burst_.burst().index[0], 65536u + 4);
  EXPECT_EQ(send(rtcp()), DropReason::kNone);
  EXPECT_EQ(burst_.burst().index[0], 1u);
}

TEST_P(Protect, KeepsItsIndexesWhenTheSameKeysComeAgain) {
  EXPECT_EQ(send(rtp(7, 10)), DropReason::kNone);
  EXPECT_EQ(send(rtcp()), DropReason::kNone);
  flows_.update_keys(0, {}, transform_);
  EXPECT_EQ(send(rtp(7, 10)), DropReason::kSendReplayed);
  EXPECT_EQ(send(rtcp()), DropReason::kNone);
  EXPECT_EQ(burst_.burst().index[0], 1u);
}

TEST_P(Protect, StartsAnewUnderNewKeys) {
  EXPECT_EQ(send(rtp(7, 10)), DropReason::kNone);
  EXPECT_EQ(send(rtcp()), DropReason::kNone);
  proto::TransformSpec fresh = random_transform();
  fresh.rtp_roc = 9;
  flows_.update_keys(0, {}, fresh);
  EXPECT_EQ(send(rtp(7, 10)), DropReason::kNone);
  EXPECT_EQ(burst_.burst().index[0], (std::uint64_t{9} << 16) + 10);
  EXPECT_EQ(send(rtcp()), DropReason::kNone);
  EXPECT_EQ(burst_.burst().index[0], 0u);
}

TEST_P(Protect, SendsNoRtpPastTheKeysLifetime) {
  EXPECT_EQ(send(rtp(7, 65534)), DropReason::kNone);
  window() = {.seen = 1, .highest = kRtpIndexMax - 1};
  EXPECT_EQ(send(rtp(7, 65535)), DropReason::kNone);
  EXPECT_EQ(burst_.burst().index[0], kRtpIndexMax);
  EXPECT_EQ(burst_.burst().notes[0], kNoteIndexNearLimit);
  EXPECT_EQ(send(rtp(7, 0)), DropReason::kKeyExhausted);
  EXPECT_EQ(send(rtp(7, 1)), DropReason::kKeyExhausted);
  EXPECT_EQ(window().highest, kRtpIndexMax);
}

TEST_P(Protect, SendsNoRtcpPastTheKeysLifetime) {
  flows_.flow(0).send_rtcp_next = static_cast<std::uint32_t>(kRtcpIndexMax);
  EXPECT_EQ(send(rtcp()), DropReason::kNone);
  EXPECT_EQ(burst_.burst().notes[0] & kNoteIndexNearLimit, kNoteIndexNearLimit);
  EXPECT_EQ(send(rtcp()), DropReason::kKeyExhausted);
  EXPECT_EQ(send(rtcp()), DropReason::kKeyExhausted);
}

TEST_P(Protect, SendsNoMoreThanTheLifetimeItsKeyWasGiven) {
  constexpr std::uint32_t kLifetime = 256;
  transform_.lifetime_log2 = 8;
  flows_.install(0, MediaFlows::spec(0, {}, transform_));
  std::uint32_t sent = 0;
  std::uint32_t noted_at = 0;
  for (std::uint32_t i = 0; i < 2 * kLifetime; ++i) {
    const Packet packet = rtp(i % 3, static_cast<std::uint16_t>(65'500 + i));  // three streams under one key
    const DropReason verdict = send(packet);
    ASSERT_EQ(verdict, i < kLifetime ? DropReason::kNone : DropReason::kKeyExhausted) << i;
    if (verdict != DropReason::kNone) continue;
    ++sent;
    if (burst_.burst().notes[0] == kNoteIndexNearLimit) noted_at = sent;
    if (i % 2 == 0) {
      ASSERT_EQ(send(packet), DropReason::kSendReplayed) << "uses nothing of it";
    }
  }
  EXPECT_EQ(sent, kLifetime);
  EXPECT_EQ(noted_at, kLifetime - kLifetime / 16) << "said once, and well before";
  for (std::uint32_t i = 0; i < 2 * kLifetime; ++i) {
    ASSERT_EQ(send(rtcp()), i < kLifetime ? DropReason::kNone : DropReason::kKeyExhausted) << i;
  }

  flows_.update_keys(0, {}, transform_);
  EXPECT_EQ(send(rtp(1, 9000)), DropReason::kKeyExhausted) << "the same key again gets no second life";
  proto::TransformSpec endless = transform_;
  endless.lifetime_log2 = 0;
  flows_.update_keys(0, {}, endless);
  EXPECT_EQ(send(rtp(1, 9000)), DropReason::kKeyExhausted) << "nor one without an end";
  EXPECT_EQ(send(rtcp()), DropReason::kKeyExhausted);
  proto::TransformSpec fresh = random_transform();
  fresh.lifetime_log2 = 8;
  flows_.update_keys(0, {}, fresh);
  EXPECT_EQ(send(rtp(1, 9000)), DropReason::kNone);
}

TEST_P(Protect, SaysThatTheKeysEndIsNearLongBefore) {
  EXPECT_EQ(send(rtp(7, 1)), DropReason::kNone);
  window() = {.seen = 1, .highest = kRtpIndexNearLimit - 2};
  const auto sequence = static_cast<std::uint16_t>(kRtpIndexNearLimit & 0xffff);
  EXPECT_EQ(send(rtp(7, static_cast<std::uint16_t>(sequence - 1))), DropReason::kNone);
  EXPECT_EQ(burst_.burst().notes[0], 0);
  EXPECT_EQ(send(rtp(7, sequence)), DropReason::kNone);
  EXPECT_EQ(burst_.burst().notes[0], kNoteIndexNearLimit);
  EXPECT_EQ(send(rtp(7, static_cast<std::uint16_t>(sequence + 1))), DropReason::kNone);
  EXPECT_EQ(burst_.burst().notes[0], 0) << "once";

  proto::TransformSpec fresh = random_transform();
  flows_.update_keys(0, {}, fresh);
  flows_.flow(0).send_rtcp_next = static_cast<std::uint32_t>(kRtcpIndexNearLimit - 1);
  EXPECT_EQ(send(rtcp()), DropReason::kNone);
  EXPECT_EQ(burst_.burst().notes[0], 0);
  EXPECT_EQ(send(rtcp()), DropReason::kNone);
  EXPECT_EQ(burst_.burst().notes[0], kNoteIndexNearLimit);
}
static_assert(kRtpIndexMax - kRtpIndexNearLimit >= 3600u * 10'000, "an hour at 10,000 packets a second");
static_assert(kRtcpIndexMax - kRtcpIndexNearLimit >= 3600u * 200, "an hour at 200");

TEST_P(Protect, UsesNoIndexForAPacketThatDoesNotFit) {
  burst_.add(flows_, 0, rtp(7, 5));
  burst_.add(flows_, 0, rtcp());
  for (const std::uint32_t packet : {0u, 1u}) burst_.burst().room[packet] = burst_.burst().bytes[packet] + 3;
  burst_.unprotect(flows_);
  burst_.protect(flows_);
  EXPECT_EQ(burst_.verdict(0), DropReason::kTooLong);
  EXPECT_EQ(burst_.verdict(1), DropReason::kTooLong);
  EXPECT_TRUE(window().empty());
  EXPECT_EQ(flows_.flow(0).send_rtcp_next, 0u);
}

TEST_P(Protect, SaysInSrtcpWhetherItIsEncrypted) {
  const Packet report = rtcp();
  ASSERT_EQ(send(report), DropReason::kNone);
  const proto::SrtpProfileInfo& info = proto::srtp_profile(GetParam());
  const Packet secured = burst_.packet(0);
  ASSERT_EQ(secured.size(), report.size() + 4 + info.srtcp_tag_bytes);
  const bool null_cipher = proto::is_null_cipher(GetParam());
  const std::size_t word_at = secured.size() - 4 - (info.aead ? 0 : info.srtcp_tag_bytes);
  EXPECT_EQ(proto::load_be32(secured.data() + word_at), null_cipher ? 0u : 0x80000000u);
  EXPECT_EQ(std::equal(report.begin(), report.end(), secured.begin()), null_cipher);
}

TEST_P(Protect, SendsForSoManySourcesAndAnyMoreAsTheLastOne) {
  constexpr std::uint32_t kLast = proto::kSsrcsPerFlowMax - 1;
  for (std::uint32_t ssrc = 0; ssrc <= kLast; ++ssrc) EXPECT_EQ(send(rtp(ssrc, 1)), DropReason::kNone);
  EXPECT_EQ(send(rtp(50, 700)), DropReason::kNone);
  EXPECT_EQ(burst_.burst().ssrc[0], kLast);
  EXPECT_EQ(burst_.burst().index[0], 2u);
  EXPECT_EQ(send(rtp(0, 2)), DropReason::kNone);
}

INSTANTIATE_TEST_SUITE_P(Profiles, Protect, testing::ValuesIn(tests::secured_profiles()), tests::kNameOfProfile);

TEST(ProtectPlain, LeavesPacketsAsTheyAre) {
  Random random{3};
  MediaFlows flows(1);
  flows.install(0, MediaFlows::spec(0, {}, {}));
  const Packet packet = tests::random_rtp(random, 7, 1, 160);
  PacketBurst burst;
  burst.add(flows, 0, packet);
  burst.add(flows, 0, packet);
  burst.unprotect(flows);
  burst.protect(flows);
  EXPECT_EQ(burst.packet(0), packet);
  EXPECT_EQ(burst.packet(1), packet);
  EXPECT_EQ(burst.burst().media.count, 2u);
}

}  // namespace
}  // namespace weir::dataplane
