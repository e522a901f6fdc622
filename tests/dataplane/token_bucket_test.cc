#include "dataplane/token_bucket.h"

#include <gtest/gtest.h>

namespace weir::dataplane {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

/// Packets that pass when one comes every `gap_ns` during `seconds`.
std::uint64_t passed(TokenBucket& bucket, std::uint64_t gap_ns, std::uint64_t seconds) {
  std::uint64_t count = 0;
  for (std::uint64_t now_ns = 5 * kSecond; now_ns < (5 + seconds) * kSecond; now_ns += gap_ns) {
    refill(bucket, now_ns);
    if (!has_tokens(bucket, 1)) continue;
    take_tokens(bucket, 1);
    ++count;
  }
  return count;
}

TEST(TokenBucket, LetsItsRateThroughAndOneSecondsWorthAtOnce) {
  for (const std::uint32_t rate : {1u, 3u, 50u, 999u}) {
    TokenBucket bucket{.updated_ns = 0, .rate_per_s = rate, .tokens = 0};
    const std::uint64_t count = passed(bucket, 100'003, 10);
    EXPECT_GE(count, rate * 10u) << rate;
    EXPECT_LE(count, rate * 11u) << rate;
  }
}

TEST(TokenBucket, ATrafficBelowTheRateLosesNothing) {
  TokenBucket bucket{.updated_ns = 0, .rate_per_s = 51, .tokens = 0};
  EXPECT_EQ(passed(bucket, 20'000'000, 60), 3000u);
}

TEST(TokenBucket, RateZeroIsNoLimit) {
  TokenBucket bucket{};
  refill(bucket, 1);
  EXPECT_TRUE(has_tokens(bucket, 4'000'000'000u));
  take_tokens(bucket, 4'000'000'000u);
  EXPECT_TRUE(has_tokens(bucket, 1));
}

TEST(TokenBucket, AReserveIsLeftForOthers) {
  TokenBucket bucket{.updated_ns = 0, .rate_per_s = 10, .tokens = 0};
  refill(bucket, 5 * kSecond);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(has_tokens(bucket, 1, 5));
    take_tokens(bucket, 1);
  }
  EXPECT_FALSE(has_tokens(bucket, 1, 5));
  EXPECT_TRUE(has_tokens(bucket, 1));
}

TEST(TokenBucket, TheHighestRateDoesNotOverflow) {
  TokenBucket bucket{.updated_ns = 5 * kSecond, .rate_per_s = 0xffffffff, .tokens = 0};
  refill(bucket, 6 * kSecond - 1);
  EXPECT_GT(bucket.tokens, 0xfffffff0u);
  refill(bucket, 6 * kSecond - 1);
  EXPECT_LE(bucket.updated_ns, 6 * kSecond - 1);
}

}  // namespace
}  // namespace weir::dataplane
