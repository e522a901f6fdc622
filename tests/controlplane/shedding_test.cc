#include "controlplane/shedding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

namespace weir::controlplane {
namespace {

constexpr std::uint64_t kMsNs = 1'000'000;

/// A loop that carries so many calls a second: datagrams wait until it has time for them, a call that is let in takes a
/// 4,000th of a second, one that is refused a hundred-thousandth.
class Flood {
 public:
  struct Seen {
    double read = 0;
    double let_in = 0;
  };

  Seen pass(double offered_per_s, std::uint64_t milliseconds) {
    Seen seen;
    for (std::uint64_t i = 0; i < milliseconds; ++i) {
      for (due_ += offered_per_s * shedding_.share() / 1000; due_ >= 1; due_ -= 1) arrived_ns_.push_back(now_ns_);
      now_ns_ += kMsNs;
      for (left_ns_ += kMsNs; left_ns_ > 0 && !arrived_ns_.empty(); arrived_ns_.pop_front(), ++seen.read) {
        overload_.observe(now_ns_, now_ns_ - arrived_ns_.front());
        const bool in = overload_.admit(now_ns_);
        seen.let_in += in ? 1 : 0;
        left_ns_ -= in ? kCallNs : kRefusalNs;
      }
      left_ns_ = std::min<std::int64_t>(left_ns_, 0);
      (void)shedding_.follow(now_ns_, overload_, overload_.counters().offered);
    }
    return seen;
  }
  [[nodiscard]] const Shedding& shedding() const { return shedding_; }

  static constexpr double kCarriedPerS = 4000;

 private:
  static constexpr std::int64_t kCallNs = 250'000;
  static constexpr std::int64_t kRefusalNs = 10'000;

  Overload overload_;
  Shedding shedding_;
  std::deque<std::uint64_t> arrived_ns_;
  std::uint64_t now_ns_ = 1'000'000 * kMsNs;
  std::int64_t left_ns_ = 0;
  double due_ = 0;
};

TEST(Shedding, LetsEverythingInWhereThereIsRoom) {
  Flood flood;
  flood.pass(0.8 * Flood::kCarriedPerS, 3000);
  EXPECT_EQ(flood.shedding().share(), 1);
}

TEST(Shedding, LeavesTenTimesTheCapacityUnreadAndTheCapacityInUse) {
  Flood flood;
  flood.pass(10 * Flood::kCarriedPerS, 2000);
  const Flood::Seen seen = flood.pass(10 * Flood::kCarriedPerS, 10'000);
  EXPECT_LT(seen.read, 2 * 10 * Flood::kCarriedPerS);
  EXPECT_GT(seen.let_in, 0.9 * 10 * Flood::kCarriedPerS);
}

TEST(Shedding, HalfAsMuchAgainAsIsCarriedLeavesTheCapacityInUse) {
  Flood flood;
  flood.pass(1.5 * Flood::kCarriedPerS, 2000);
  EXPECT_GT(flood.pass(1.5 * Flood::kCarriedPerS, 10'000).let_in, 0.9 * 10 * Flood::kCarriedPerS);
}

TEST(Shedding, OpensAgainAfterTheFlood) {
  Flood flood;
  flood.pass(10 * Flood::kCarriedPerS, 5000);
  EXPECT_LT(flood.shedding().share(), 1);
  flood.pass(0.5 * Flood::kCarriedPerS, 10'000);
  EXPECT_EQ(flood.shedding().share(), 1);
}

}  // namespace
}  // namespace weir::controlplane
