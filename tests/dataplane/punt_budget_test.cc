#include "dataplane/punt_budget.h"

#include <gtest/gtest.h>

#include <memory>

namespace weir::dataplane {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

proto::IpAddress address(std::uint32_t number) {
  return proto::IpAddress::from_ipv4(0xc6120000 + number);
}

struct Asked {
  std::uint32_t source;
  bool expected;
};

std::uint32_t passed(PuntBudget& budget, std::uint32_t packets, Asked asked, std::uint64_t now_ns) {
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < packets; ++i) {
    const proto::IpAddress source = address(asked.source);
    if (!budget.allows(&source, asked.expected, now_ns)) continue;
    budget.take();
    ++count;
  }
  return count;
}

TEST(PuntBudget, OneSourceGetsHalfOfItsRateAndTheWholeOfItWhereItIsExpected) {
  const auto budget = std::make_unique<PuntBudget>(PuntRates{.in_all = 1000, .per_source = 100}, 7);
  EXPECT_EQ(passed(*budget, 500, {1, false}, 5 * kSecond), 50u);
  EXPECT_EQ(passed(*budget, 500, {1, true}, 5 * kSecond), 50u);
  EXPECT_EQ(passed(*budget, 500, {2, true}, 5 * kSecond), 100u) << "another's is its own";
  EXPECT_EQ(passed(*budget, 500, {1, true}, 5 * kSecond + kSecond / 4), 25u);
}

TEST(PuntBudget, AllSourcesTogetherGetNoMoreThanTheWorkersRate) {
  const auto budget = std::make_unique<PuntBudget>(PuntRates{.in_all = 1000, .per_source = 100}, 7);
  std::uint32_t count = 0;
  for (std::uint32_t source = 0; source < 10'000; ++source) count += passed(*budget, 1, {source, false}, 5 * kSecond);
  EXPECT_EQ(count, 500u);
  EXPECT_EQ(passed(*budget, 80, {20'000, true}, 5 * kSecond), 80u);
}

TEST(PuntBudget, WhatIsOfNoSourceCostsNone) {
  const auto budget = std::make_unique<PuntBudget>(PuntRates{.in_all = 1000, .per_source = 100}, 7);
  std::uint32_t count = 0;
  for (; count < 1000 && budget->allows(nullptr, false, 5 * kSecond); ++count) budget->take();
  EXPECT_EQ(count, 500u) << "the half that is kept is for others";
  EXPECT_EQ(passed(*budget, 500, {1, true}, 5 * kSecond), 100u);
}

TEST(PuntBudget, ZeroIsNoLimit) {
  const auto budget = std::make_unique<PuntBudget>(PuntRates{}, 7);
  EXPECT_EQ(passed(*budget, 100'000, {1, false}, 5 * kSecond), 100'000u);
}

TEST(PuntBudget, ManySourcesAreToldApart) {
  const auto budget = std::make_unique<PuntBudget>(PuntRates{.in_all = 0, .per_source = 10}, 7);
  // As many as half the table: sets overflow seldom.
  for (std::uint32_t round = 0; round < 10; ++round) {
    for (std::uint32_t source = 0; source < 512; ++source) {
      ASSERT_EQ(passed(*budget, 1, {source, true}, 5 * kSecond), 1u);
    }
  }
  std::uint32_t over = 0;
  for (std::uint32_t source = 0; source < 512; ++source) over += passed(*budget, 1, {source, true}, 5 * kSecond);
  EXPECT_LT(over, 100u);
}

}  // namespace
}  // namespace weir::dataplane
