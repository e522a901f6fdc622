#include "controlplane/replay_cache.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace weir::controlplane {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;

std::array<std::uint8_t, 64> signature(std::uint8_t r, std::uint8_t s = 0) {
  std::array<std::uint8_t, 64> bytes{};
  bytes[0] = r;
  bytes[32] = s;
  return bytes;
}

TEST(ReplayCache, ATokenIsItsFirstCalls) {
  ReplayCache cache(10);
  EXPECT_FALSE(cache.is_replay(signature(1), "a@h", "t", kNow));
  cache.commit(signature(1), "a@h", "t", kNow + 60, kNow);
  EXPECT_FALSE(cache.is_replay(signature(1), "a@h", "t", kNow)) << "a retransmission, or a fork";
  EXPECT_TRUE(cache.is_replay(signature(1), "b@h", "t", kNow));
  EXPECT_TRUE(cache.is_replay(signature(1), "a@h", "u", kNow));
  EXPECT_TRUE(cache.is_replay(signature(1), "a@h\nt", "", kNow));
  EXPECT_FALSE(cache.is_replay(signature(2), "b@h", "t", kNow));
  cache.commit(signature(1), "b@h", "t", kNow + 60, kNow);
  EXPECT_TRUE(cache.is_replay(signature(1), "b@h", "t", kNow)) << "the first stays";
}

TEST(ReplayCache, TheOtherHalfOfASignatureDoesNotMatter) {
  ReplayCache cache(10);
  cache.commit(signature(1, 5), "a@h", "t", kNow + 60, kNow);
  EXPECT_TRUE(cache.is_replay(signature(1, 6), "b@h", "t", kNow));
  std::vector<std::uint8_t> longer(128, 7);
  cache.commit(longer, "a@h", "t", kNow + 60, kNow);
  longer.back() = 8;
  EXPECT_FALSE(cache.is_replay(longer, "b@h", "t", kNow)) << "of RSA every byte does";
}

TEST(ReplayCache, WhatIsStaleIsForgotten) {
  ReplayCache cache(10);
  cache.commit(signature(1), "a@h", "t", kNow + 60, kNow);
  EXPECT_TRUE(cache.is_replay(signature(1), "b@h", "t", kNow + 60));
  EXPECT_FALSE(cache.is_replay(signature(1), "b@h", "t", kNow + 61));
  cache.commit(signature(2), "a@h", "t", kNow + 121, kNow + 61);
  EXPECT_EQ(cache.size(), 1u);
  cache.commit(signature(3), "a@h", "t", kNow, kNow + 61);
  EXPECT_EQ(cache.size(), 1u) << "what is stale already is not remembered";
}

TEST(ReplayCache, AFullOneForgetsWhatExpiresFirst) {
  ReplayCache cache(3);
  for (std::uint8_t i = 0; i < 100; ++i) {
    cache.commit(signature(i), "a@h", "t", kNow + 60 + i, kNow);
    EXPECT_LE(cache.size(), 3u);
  }
  EXPECT_FALSE(cache.is_replay(signature(96), "b@h", "t", kNow));
  EXPECT_TRUE(cache.is_replay(signature(97), "b@h", "t", kNow));
  EXPECT_TRUE(cache.is_replay(signature(99), "b@h", "t", kNow));
}

}  // namespace
}  // namespace weir::controlplane
