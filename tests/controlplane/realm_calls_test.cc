// Limits of a realm's calls, in virtual time.
#include "controlplane/realm_calls.h"

#include <gtest/gtest.h>

#include <vector>

namespace weir::controlplane {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

proto::settings::Settings two_realms() {
  proto::settings::Settings settings;
  settings.realms.resize(2);
  settings.realms[0].name = "a";
  settings.realms[1].name = "b";
  settings.realms[0].policy.in = {.calls_max = 2, .calls_per_s_max = 0};
  settings.realms[0].policy.out = {.calls_max = 0, .calls_per_s_max = 3};
  return settings;
}

TEST(RealmCalls, CallsAtOnceAreLimitedUntilOneEnds) {
  const proto::settings::Settings settings = two_realms();
  RealmCalls calls(settings);
  std::vector<CallSlot> slots;
  for (int i = 0; i < 2; ++i) slots.push_back(std::get<CallSlot>(calls.begin(kSecond, 0, CallDirection::kIn)));
  EXPECT_EQ(std::get<Refusal>(calls.begin(kSecond, 0, CallDirection::kIn)).status, 503);
  EXPECT_TRUE(std::holds_alternative<CallSlot>(calls.begin(kSecond, 1, CallDirection::kIn))) << "another realm";
  EXPECT_TRUE(std::holds_alternative<CallSlot>(calls.begin(kSecond, 0, CallDirection::kOut))) << "another direction";
  slots.pop_back();
  EXPECT_TRUE(std::holds_alternative<CallSlot>(calls.begin(kSecond, 0, CallDirection::kIn)));
}

TEST(RealmCalls, NewCallsASecondAreLimited) {
  const proto::settings::Settings settings = two_realms();
  RealmCalls calls(settings);
  int admitted = 0;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t now_ns = kSecond + static_cast<std::uint64_t>(i) * kSecond / 10;
    admitted += std::holds_alternative<CallSlot>(calls.begin(now_ns, 0, CallDirection::kOut)) ? 1 : 0;
  }
  EXPECT_NEAR(admitted, 3 * 10 + 3, 1) << "a second's worth, and ten seconds";
}

TEST(RealmCalls, SlotsThatMoveAreCountedOnceAndOutliveTheLimits) {
  const proto::settings::Settings settings = two_realms();
  auto calls = std::make_unique<RealmCalls>(settings);
  CallSlot first = std::get<CallSlot>(calls->begin(kSecond, 0, CallDirection::kIn));
  CallSlot second = std::move(first);
  first = std::move(second);
  EXPECT_EQ(calls->view().at(0).at("calls_in_now"), 1);
  first = CallSlot();
  second = CallSlot();
  EXPECT_EQ(calls->view().at(0).at("calls_in_now"), 0);
  CallSlot last = std::get<CallSlot>(calls->begin(kSecond, 0, CallDirection::kIn));
  calls.reset();
}

TEST(RealmCalls, LimitsThatChangeHoldFromThenOnAndRefusalsAreCounted) {
  proto::settings::Settings settings = two_realms();
  RealmCalls calls(settings);
  std::vector<CallSlot> slots;
  for (int i = 0; i < 2; ++i) slots.push_back(std::get<CallSlot>(calls.begin(kSecond, 0, CallDirection::kIn)));
  settings.realms[0].policy.in.calls_max = 1;
  slots.pop_back();
  EXPECT_TRUE(std::holds_alternative<Refusal>(calls.begin(kSecond, 0, CallDirection::kIn)));
  EXPECT_EQ(calls.view().at(0).at("calls_in_refused"), 1);
  EXPECT_EQ(calls.view().at(0).at("calls_in"), 2);
  EXPECT_EQ(calls.view().at(1).at("realm").as_string(), "b");
}

}  // namespace
}  // namespace weir::controlplane
