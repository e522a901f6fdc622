#include "dataplane/rate_meter.h"

#include <gtest/gtest.h>

#include <random>

namespace weir::dataplane {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

/// Packets of so many bytes that pass when one comes every `gap_ns` during `seconds`.
std::uint64_t passed(RateMeter& meter, std::uint32_t bytes, std::uint64_t gap_ns, std::uint64_t seconds) {
  std::uint64_t count = 0;
  for (std::uint64_t now_ns = 5 * kSecond; now_ns < (5 + seconds) * kSecond; now_ns += gap_ns) {
    if (take_room(meter, bytes, now_ns)) ++count;
  }
  return count;
}

TEST(RateMeter, LetsItsRateThroughAndOneSecondsWorthAtOnce) {
  for (const std::uint32_t rate : {1u, 3u, 50u, 225u, 999u}) {
    RateMeter packets = make_rate_meter(rate, 0);
    const std::uint64_t count = passed(packets, 172, 100'003, 10);
    EXPECT_GE(count, rate * 11u - 1) << rate << ": a second's worth at once, then ten seconds'";
    EXPECT_LE(count, rate * 11u) << rate;
    RateMeter bytes = make_rate_meter(0, rate * 172);
    const std::uint64_t by_bytes = passed(bytes, 172, 100'003, 10);
    EXPECT_GE(by_bytes, rate * 11u - 1) << rate;
    EXPECT_LE(by_bytes, rate * 11u) << rate;
  }
}

TEST(RateMeter, AnInstantHoldsExactlyOneSecondsWorth) {
  for (const std::uint32_t rate : {1u, 3u, 7u, 50u, 225u, 1000u}) {
    RateMeter meter = make_rate_meter(rate, 0);
    std::uint64_t count = 0;
    for (std::uint32_t i = 0; i < 2 * rate; ++i) count += take_room(meter, 172, 5 * kSecond) ? 1 : 0;
    EXPECT_EQ(count, rate);
  }
}

TEST(RateMeter, TrafficBelowTheRateLosesNothingHoweverItJitters) {
  std::mt19937 random(1);
  RateMeter meter = make_rate_meter(100, 100 * 172);
  for (std::uint64_t packet = 0; packet < 100'000; ++packet) {
    const std::uint64_t sent_ns = 5 * kSecond + packet * 20'000'000;
    ASSERT_TRUE(take_room(meter, 172, sent_ns + random() % 15'000'000)) << packet;
  }
  // After a second in which the network held them up, fifty come at once.
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(take_room(meter, 172, 3000 * kSecond));
}

TEST(RateMeter, RateZeroIsNoLimit) {
  RateMeter meter = make_rate_meter(0, 0);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(take_room(meter, 1472, 1));
}

TEST(RateMeter, WhatFindsNoRoomTakesNone) {
  RateMeter meter = make_rate_meter(0, 1000);
  EXPECT_FALSE(take_room(meter, 1001, kSecond));
  EXPECT_TRUE(take_room(meter, 1000, kSecond));
  const RateMeter before = meter;
  EXPECT_FALSE(has_room(meter, 1, kSecond));
  EXPECT_FALSE(take_room(meter, 1, kSecond));
  EXPECT_EQ(meter.bytes_full_ns, before.bytes_full_ns);
  EXPECT_EQ(meter.packets_full_ns, before.packets_full_ns);
}

TEST(RateMeter, TheHighestAndTheLowestRatesDoNotOverflow) {
  RateMeter highest = make_rate_meter(0xffffffff, 0xffffffff);
  EXPECT_TRUE(take_room(highest, 0xffff, kSecond));
  RateMeter lowest = make_rate_meter(1, 1);
  EXPECT_TRUE(has_room(lowest, 1, 0));
  EXPECT_FALSE(take_room(lowest, 0xffff, 0));
}

}  // namespace
}  // namespace weir::dataplane
