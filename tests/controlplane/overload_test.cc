// Overload in virtual time: one server that works through a queue, as the event loop does.
#include "controlplane/overload.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <random>
#include <vector>

namespace weir::controlplane {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kSecond = 1000 * kMs;

/// What a server does with its time. Costs in ns.
struct Load {
  double calls_per_s = 0;           ///< offered
  std::uint64_t call_ns = 333'333;  ///< all of a call's messages: 3,000 a second
  std::uint64_t refusal_ns = 0;
  double requests_per_s = 0;  ///< of calls in progress
  std::uint64_t request_ns = 30'000;
};

struct Outcome {
  double goodput_per_s = 0;
  std::uint64_t request_lag_ns_max = 0;  ///< of requests of calls in progress, once the controller has settled
};

/// Poisson arrivals in one queue; every one is handled in its turn.
class Server {
 public:
  explicit Server(const OverloadOptions& options = {}) : overload(options) {}

  Outcome run(const Load& load, double seconds, double settle_seconds) {
    Outcome outcome;
    const std::uint64_t end_ns = now_ns_ + to_ns(seconds);
    const std::uint64_t settled_ns = now_ns_ + to_ns(settle_seconds);
    std::uint64_t served = 0;
    std::uint64_t call_at_ns = std::max(now_ns_, next(now_ns_, load.calls_per_s));
    std::uint64_t request_at_ns = next(now_ns_, load.requests_per_s);
    std::uint64_t free_ns = std::max(now_ns_, free_ns_);
    while (std::min(call_at_ns, request_at_ns) < end_ns) {
      const bool is_call = call_at_ns <= request_at_ns;
      std::uint64_t& arrival_ns = is_call ? call_at_ns : request_at_ns;
      const std::uint64_t start_ns = std::max(free_ns, arrival_ns);
      const std::uint64_t lag_ns = start_ns - arrival_ns;
      overload.observe(start_ns, lag_ns);
      const bool settled = arrival_ns >= settled_ns;
      if (!is_call) {
        free_ns = start_ns + load.request_ns;
        if (settled) outcome.request_lag_ns_max = std::max(outcome.request_lag_ns_max, lag_ns);
      } else if (overload.admit(start_ns)) {
        free_ns = start_ns + load.call_ns;
        served += settled ? 1 : 0;
      } else {
        free_ns = start_ns + load.refusal_ns;
      }
      arrival_ns = next(arrival_ns, is_call ? load.calls_per_s : load.requests_per_s);
    }
    now_ns_ = end_ns;
    free_ns_ = free_ns;
    outcome.goodput_per_s = static_cast<double>(served) / (seconds - settle_seconds);
    return outcome;
  }

  Overload overload;

 private:
  static std::uint64_t to_ns(double seconds) { return static_cast<std::uint64_t>(seconds * 1e9); }
  std::uint64_t next(std::uint64_t from_ns, double per_s) {
    if (per_s == 0) return UINT64_MAX;
    return from_ns + to_ns(std::exponential_distribution<double>(per_s)(random_));
  }

  std::mt19937 random_{7};
  std::uint64_t now_ns_ = kSecond;
  std::uint64_t free_ns_ = 0;
};

TEST(Overload, BelowCapacityNobodyIsRefused) {
  Server server;
  const Outcome outcome = server.run({.calls_per_s = 2700, .refusal_ns = 3000}, 60, 1);
  EXPECT_EQ(server.overload.counters().refused, 0u);
  EXPECT_NEAR(outcome.goodput_per_s, 2700, 30);
}

/// Offered `times` the capacity, each refusal costing so much: the share of what is left of it for calls.
double goodput_share(double times, std::uint64_t refusal_ns) {
  Server server;
  const Load load{.calls_per_s = 3000 * times, .refusal_ns = refusal_ns};
  const double goodput = server.run(load, 60, 10).goodput_per_s;
  // x calls and offered - x refusals fill the second.
  const double call_s = static_cast<double>(load.call_ns) / 1e9;
  const double refusal_s = static_cast<double>(refusal_ns) / 1e9;
  const double possible = (1 - load.calls_per_s * refusal_s) / (call_s - refusal_s);
  return goodput / std::min(possible, load.calls_per_s);
}

TEST(Overload, GoodputStaysWithinAFewPerCentOfWhatIsPossible) {
  for (const double times : {1.1, 1.5, 3.0, 10.0, 20.0}) {
    EXPECT_GE(goodput_share(times, 3'000), 0.95) << times << " times the capacity";
  }
  EXPECT_GE(goodput_share(10, 15'000), 0.9) << "refusals that cost half of all time";
}

TEST(Overload, TenTimesTheCapacityLeavesNineTenthsOfItIfRefusalsAreCheap) {
  Server server;
  const Outcome outcome = server.run({.calls_per_s = 30'000, .refusal_ns = 1500}, 60, 10);
  EXPECT_GE(outcome.goodput_per_s, 0.9 * 3000);
}

TEST(Overload, CallsInProgressWaitLittleMoreThanTheTarget) {
  Server server;
  const Outcome outcome = server.run({.calls_per_s = 30'000, .refusal_ns = 3000, .requests_per_s = 5000}, 60, 10);
  EXPECT_LE(outcome.request_lag_ns_max, 100 * kMs);
}

TEST(Overload, WhenTheFloodIsOverAllAreLetInAgain) {
  Server server;
  (void)server.run({.calls_per_s = 30'000, .refusal_ns = 3000}, 20, 0);
  EXPECT_TRUE(server.overload.rate_per_s());
  (void)server.run({.calls_per_s = 1000, .refusal_ns = 3000}, 10, 0);
  EXPECT_FALSE(server.overload.rate_per_s());
  const std::uint64_t refused = server.overload.counters().refused;
  (void)server.run({.calls_per_s = 2500, .refusal_ns = 3000}, 20, 0);
  EXPECT_EQ(server.overload.counters().refused, refused);
  EXPECT_EQ(server.overload.counters().episodes, 1u);
}

TEST(Overload, AFasterServerIsFoundAgain) {
  Server server;
  (void)server.run({.calls_per_s = 10'000, .call_ns = 1'000'000, .refusal_ns = 3000}, 20, 0);
  const Outcome outcome = server.run({.calls_per_s = 10'000, .call_ns = 333'333, .refusal_ns = 3000}, 40, 20);
  EXPECT_GE(outcome.goodput_per_s, 0.9 * 3000 * (1 - 10'000 * 3e-6));
}

TEST(Overload, OneLongStallIsNoOverload) {
  Overload overload;
  std::uint64_t now_ns = kSecond;
  for (int i = 0; i < 500; ++i, now_ns += kMs) {
    overload.observe(now_ns, i == 250 ? 90 * kMs : 0);
    ASSERT_TRUE(overload.admit(now_ns)) << i;
  }
}

TEST(Overload, WorkThatHasWaitedTooLongStopsNewCallsAtOnceUntilTheLoopHasCaughtUp) {
  Overload overload;
  overload.observe(kSecond, 0);
  EXPECT_TRUE(overload.admit(kSecond));
  overload.observe(kSecond + kMs, 250 * kMs);
  EXPECT_FALSE(overload.admit(kSecond + kMs));
  overload.observe(kSecond + 2 * kMs, 100 * kMs);
  EXPECT_FALSE(overload.admit(kSecond + 2 * kMs));
  overload.observe(kSecond + 3 * kMs, 5 * kMs);
  EXPECT_TRUE(overload.admit(kSecond + 3 * kMs));
}

/// New calls that wait in a queue of their own: whether each of `calls` is let in, one a millisecond.
std::vector<bool> let_in(Overload& overload, std::uint64_t& now_ns, std::uint64_t lag_ns, int calls) {
  std::vector<bool> answers;
  for (int i = 0; i < calls; ++i, now_ns += kMs) {
    overload.observe(now_ns, 0);
    overload.observe_newcomer(now_ns, lag_ns);
    answers.push_back(overload.admit(now_ns));
  }
  return answers;
}

TEST(Overload, OfNewCallsThatOverflowTheirOwnQueueOneOfTwentyIsRefused) {
  Overload overload;
  std::uint64_t now_ns = kSecond;
  const std::vector<bool> before = let_in(overload, now_ns, 0, 300);
  EXPECT_EQ(std::ranges::count(before, true), 300);
  (void)let_in(overload, now_ns, 300 * kMs, 200);  // it is noticed
  EXPECT_TRUE(overload.overflows());
  EXPECT_FALSE(overload.rate_per_s()) << "nobody else waits";
  const std::vector<bool> during = let_in(overload, now_ns, 300 * kMs, 600);
  EXPECT_EQ(std::ranges::count(during, false), 30);
  EXPECT_EQ(overload.counters().episodes, 1u);
  (void)let_in(overload, now_ns, 0, 200);
  const std::vector<bool> after = let_in(overload, now_ns, 0, 300);
  EXPECT_EQ(std::ranges::count(after, true), 300);
  EXPECT_FALSE(overload.refuses());
}

TEST(Overload, AQueueOfNewCallsThatIsEmptyNowAndThenDoesNotOverflow) {
  Overload overload;
  std::uint64_t now_ns = kSecond;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(std::ranges::count(let_in(overload, now_ns, 100 * kMs, 49), false), 0);
    (void)let_in(overload, now_ns, kMs, 1);
  }
}

TEST(Overload, WithoutATargetNobodyIsRefused) {
  Server server({.target_ns = 0});
  (void)server.run({.calls_per_s = 30'000}, 5, 0);
  EXPECT_EQ(server.overload.counters().refused, 0u);
  std::uint64_t now_ns = kSecond;
  EXPECT_EQ(std::ranges::count(let_in(server.overload, now_ns, 300 * kMs, 300), false), 0);
}

}  // namespace
}  // namespace weir::controlplane
