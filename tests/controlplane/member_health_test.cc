// A trunk member's health, in virtual time.
#include "controlplane/member_health.h"

#include <gtest/gtest.h>

namespace weir::controlplane {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kStart = 100 * kSecond;

proto::settings::TrunkCheck three_failures(std::uint32_t interval_s = 30) {
  return {.interval_s = interval_s, .timeout_s = 4, .failures_max = 3, .retry_s = 60};
}

TEST(MemberHealth, ANewMemberIsTried) {
  const MemberHealth health(three_failures());
  EXPECT_EQ(health.state(kStart), MemberState::kNew);
  EXPECT_TRUE(health.usable(kStart));
  EXPECT_TRUE(health.may_be_asked(kStart));
}

TEST(MemberHealth, FailuresInARowTakeItDownAndOneAnswerBringsItBack) {
  MemberHealth health(three_failures());
  health.failed(kStart);
  health.failed(kStart);
  EXPECT_TRUE(health.usable(kStart));
  health.succeeded(kStart);
  health.failed(kStart);
  health.failed(kStart);
  EXPECT_TRUE(health.usable(kStart)) << "not in a row";
  health.failed(kStart + kSecond);
  EXPECT_FALSE(health.usable(kStart + kSecond));
  EXPECT_EQ(health.state(kStart + kSecond), MemberState::kDown);
  EXPECT_EQ(health.since_ns(), kStart + kSecond);
  EXPECT_FALSE(health.usable(kStart + 1000 * kSecond)) << "only an answer brings back who is checked";
  EXPECT_TRUE(health.may_be_asked(kStart + kSecond));
  health.succeeded(kStart + 1000 * kSecond);
  EXPECT_EQ(health.state(kStart + 1000 * kSecond), MemberState::kUp);
  EXPECT_TRUE(health.usable(kStart + 1000 * kSecond));
}

TEST(MemberHealth, WhomNobodyChecksIsTriedAgainAfterAWhileAndOneFailureIsEnoughThen) {
  MemberHealth health(three_failures(0));
  for (int i = 0; i < 3; ++i) health.failed(kStart);
  EXPECT_FALSE(health.usable(kStart + 59 * kSecond));
  EXPECT_TRUE(health.usable(kStart + 60 * kSecond));
  health.failed(kStart + 60 * kSecond);
  EXPECT_FALSE(health.usable(kStart + 61 * kSecond));
  EXPECT_TRUE(health.usable(kStart + 120 * kSecond));
}

TEST(MemberHealth, APauseIsKeptByCallsAndChecksAlike) {
  MemberHealth health(three_failures());
  health.succeeded(kStart);
  health.asked_for_pause(kStart, 20);
  EXPECT_EQ(health.state(kStart + 19 * kSecond), MemberState::kHeld);
  EXPECT_FALSE(health.usable(kStart + 19 * kSecond));
  EXPECT_FALSE(health.may_be_asked(kStart + 19 * kSecond));
  health.succeeded(kStart + 10 * kSecond);
  EXPECT_FALSE(health.usable(kStart + 19 * kSecond)) << "an answer to something older";
  EXPECT_TRUE(health.usable(kStart + 20 * kSecond));
  EXPECT_EQ(health.state(kStart + 20 * kSecond), MemberState::kUp) << "one failure of three";
}

TEST(MemberHealth, NobodyTakesHimselfOutForGood) {
  MemberHealth health(three_failures());
  health.asked_for_pause(kStart, 4'000'000'000u);
  EXPECT_FALSE(health.usable(kStart + 3599 * kSecond));
  EXPECT_TRUE(health.usable(kStart + 3600 * kSecond));
}

TEST(MemberHealth, AShorterPauseDoesNotCutALongerOne) {
  MemberHealth health(three_failures());
  health.asked_for_pause(kStart, 100);
  health.asked_for_pause(kStart, 1);
  EXPECT_FALSE(health.usable(kStart + 99 * kSecond));
}

}  // namespace
}  // namespace weir::controlplane
