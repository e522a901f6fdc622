#include "dataplane/srtp_index.h"

#include <gtest/gtest.h>

#include <set>

namespace weir::dataplane {
namespace {

/// What RFC 3711 section 3.3.1 asks for, said another way: of the indexes that end in `sequence`, the closest to
/// `highest`; nothing if the closest is negative.
template <typename Sequence>
std::optional<std::uint64_t> closest_index(std::int64_t highest, Sequence sequence) {
  constexpr std::int64_t kModulus = std::int64_t{1} << std::numeric_limits<Sequence>::digits;
  const std::int64_t rollover = highest / kModulus;
  std::int64_t best = 0;
  std::int64_t best_distance = -1;
  for (std::int64_t candidate_rollover = rollover - 1; candidate_rollover <= rollover + 1; ++candidate_rollover) {
    const std::int64_t candidate = candidate_rollover * kModulus + sequence;
    const std::int64_t distance = candidate > highest ? candidate - highest : highest - candidate;
    if (best_distance < 0 || distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  if (best < 0) return std::nullopt;
  return static_cast<std::uint64_t>(best);
}

TEST(EstimateIndex, IsTheClosestOneForEveryHighestAndSequenceOfEightBits) {
  for (std::int64_t highest = 0; highest < 5 * 256; ++highest) {
    for (unsigned sequence = 0; sequence < 256; ++sequence) {
      const auto narrow = static_cast<std::uint8_t>(sequence);
      const auto estimated = estimate_index<std::uint8_t>(static_cast<std::uint64_t>(highest), narrow);
      const auto expected = closest_index<std::uint8_t>(highest, narrow);
      // Exactly half a cycle away both neighbours are equally close; the RFC's pseudo code stays in the same cycle.
      const std::int64_t distance = std::int64_t{sequence} - highest % 256;
      if (distance == 128 || distance == -128) {
        EXPECT_EQ(estimated, std::optional(static_cast<std::uint64_t>(highest + distance)));
        continue;
      }
      ASSERT_EQ(estimated, expected) << "highest " << highest << " sequence " << sequence;
    }
  }
}

/// RFC 3711 appendix A, transcribed for 16 bits as an oracle: v by comparison with s_l.
std::optional<std::uint64_t> appendix_a(std::uint64_t roc, std::uint16_t s_l, std::uint16_t seq) {
  std::int64_t v = static_cast<std::int64_t>(roc);
  if (s_l < 32768) {
    if (std::int32_t{seq} - std::int32_t{s_l} > 32768) --v;
  } else if (std::int32_t{s_l} - 32768 > std::int32_t{seq}) {
    ++v;
  }
  if (v < 0) return std::nullopt;
  return static_cast<std::uint64_t>(v) << 16 | seq;
}

TEST(EstimateIndex, FollowsAppendixAAroundEveryEdgeOfSixteenBits) {
  const std::uint16_t edges[] = {0, 1, 2, 100, 32766, 32767, 32768, 32769, 32770, 65434, 65534, 65535};
  for (const std::uint64_t roc : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0xfffffffe}}) {
    for (const std::uint16_t last : edges) {
      for (unsigned sequence = 0; sequence < 65536; ++sequence) {
        const auto narrow = static_cast<std::uint16_t>(sequence);
        ASSERT_EQ(estimate_index<std::uint16_t>(roc << 16 | last, narrow), appendix_a(roc, last, narrow))
            << "roc " << roc << " s_l " << last << " seq " << sequence;
      }
    }
  }
}

TEST(EstimateIndex, PassesTheLastRolloverCounterSoThatTheCallerSeesTheKeyEnd) {
  const auto index = estimate_index<std::uint16_t>(kRtpIndexMax, 0);
  ASSERT_TRUE(index.has_value());
  EXPECT_EQ(*index, kRtpIndexMax + 1);
}

/// A window that remembers everything, as a model.
struct ModelWindow {
  std::set<std::uint64_t> seen;
  IndexVerdict check(std::uint64_t index, unsigned window) const {
    if (seen.empty()) return IndexVerdict::kFresh;
    const std::uint64_t highest = *seen.rbegin();
    if (index > highest) return IndexVerdict::kFresh;
    if (highest - index >= window) return IndexVerdict::kTooOld;
    return seen.contains(index) ? IndexVerdict::kReplayed : IndexVerdict::kFresh;
  }
};

/// Every sequence of `depth` indexes below `range`, against the model.
void try_every_order(const ReplayWindow<std::uint8_t>& window, const ModelWindow& model, unsigned depth,
                     std::uint64_t range, std::uint64_t& tried) {
  for (std::uint64_t index = 0; index < range; ++index) {
    const ReplayWindow<std::uint8_t> before = window;
    const IndexVerdict expected = model.check(index, 8);
    ASSERT_EQ(window.check(index), expected);
    ReplayWindow<std::uint8_t> after = window;
    ASSERT_EQ(after.commit(index), expected);
    if (expected != IndexVerdict::kFresh) {
      ASSERT_EQ(after.seen, before.seen);
      ASSERT_EQ(after.highest, before.highest);
    }
    ++tried;
    if (depth == 1) continue;
    ModelWindow next = model;
    if (expected == IndexVerdict::kFresh) next.seen.insert(index);
    ASSERT_NO_FATAL_FAILURE(try_every_order(after, next, depth - 1, range, tried));
  }
}

TEST(ReplayWindow, AgreesWithASetForEveryOrderOfFourIndexes) {
  std::uint64_t tried = 0;
  try_every_order({}, {}, 4, 20, tried);
  EXPECT_EQ(tried, 20u + 400u + 8000u + 160000u);
}

TEST(ReplayWindow, AgreesWithASetFromEveryStateOfAnEightPacketWindow) {
  for (unsigned seen = 1; seen < 256; seen += 2) {  // bit 0, the highest index, is always set
    constexpr std::uint64_t kHighest = 40;
    ModelWindow model;
    for (unsigned age = 0; age < 8; ++age) {
      if ((seen >> age & 1) != 0) model.seen.insert(kHighest - age);
    }
    for (std::uint64_t index = 0; index < 80; ++index) {
      ReplayWindow<std::uint8_t> window{.seen = static_cast<std::uint8_t>(seen), .highest = kHighest};
      ASSERT_EQ(window.check(index), model.check(index, 8)) << "seen " << seen << " index " << index;
      ModelWindow after = model;
      if (window.commit(index) == IndexVerdict::kFresh) after.seen.insert(index);
      for (std::uint64_t later = 0; later < 80; ++later) ASSERT_EQ(window.check(later), after.check(later, 8));
    }
  }
}

TEST(ReplayWindow, HoldsOneHundredAndTwentyEightPackets) {
  SrtpWindow window{};
  EXPECT_EQ(window.commit(1000), IndexVerdict::kFresh);
  EXPECT_EQ(window.commit(1127), IndexVerdict::kFresh);
  EXPECT_EQ(window.check(1000), IndexVerdict::kReplayed);
  EXPECT_EQ(window.check(999), IndexVerdict::kTooOld);
  EXPECT_EQ(window.commit(1128), IndexVerdict::kFresh);
  EXPECT_EQ(window.check(1000), IndexVerdict::kTooOld);
  EXPECT_EQ(window.check(1001), IndexVerdict::kFresh);
}

TEST(ReplayWindow, JumpsFurtherThanItsWidth) {
  SrtpWindow window{};
  window.commit(5);
  EXPECT_EQ(window.commit(std::uint64_t{5} + (1u << 20)), IndexVerdict::kFresh);
  EXPECT_EQ(window.check(5), IndexVerdict::kTooOld);
  EXPECT_EQ(window.check(std::uint64_t{4} + (1u << 20)), IndexVerdict::kFresh);
}

TEST(ReplayWindow, TakesEveryPacketOnceWhenTheyComeOutOfOrderAcrossWraps) {
  SrtpWindow window{};
  const std::uint64_t first = 65400;
  window.commit(first);
  unsigned accepted = 1;
  // Blocks of 100 packets, each block backwards: never more than 99 behind the highest, across three wraps.
  for (std::uint64_t block = first + 1; block < first + 1 + 200'000; block += 100) {
    for (std::uint64_t back = 100; back-- > 0;) {
      const std::uint64_t sent = block + back;
      const auto index = estimate_index(window.highest, static_cast<std::uint16_t>(sent));
      ASSERT_TRUE(index.has_value());
      ASSERT_EQ(*index, sent);
      ASSERT_EQ(window.commit(*index), IndexVerdict::kFresh);
      ASSERT_EQ(window.commit(*index), IndexVerdict::kReplayed);
      ++accepted;
    }
  }
  EXPECT_EQ(accepted, 200'001u);
}

}  // namespace
}  // namespace weir::dataplane
