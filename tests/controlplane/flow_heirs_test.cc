// Who took whose place, and who is forgotten: FlowHeirs and LeftFlows.
#include "controlplane/flow_heirs.h"

#include <gtest/gtest.h>

#include "controlplane/left_flows.h"

namespace weir::controlplane {
namespace {

sip::Hop connection(std::uint64_t handle) {
  return {handle, {}, sip::Reliability::kReliable};
}

std::uint64_t heir_of(const FlowHeirs& heirs, std::uint64_t gone) {
  const auto found = heirs.find(gone);
  return found ? found->handle : 0;
}

TEST(FlowHeirs, EverybodyWhoWasSomewhereIsAtTheLastPlace) {
  FlowHeirs heirs;
  heirs.add(1, connection(2));
  heirs.add(2, connection(3));
  heirs.add(7, connection(8));
  EXPECT_EQ(heir_of(heirs, 1), 3u);
  EXPECT_EQ(heir_of(heirs, 2), 3u);
  EXPECT_EQ(heir_of(heirs, 3), 0u);
  EXPECT_EQ(heir_of(heirs, 7), 8u);
}

TEST(FlowHeirs, GoingBackAndForthMakesNoCircle) {
  FlowHeirs heirs;
  for (int i = 0; i < 5; ++i) {
    heirs.add(1, connection(2));
    EXPECT_EQ(heir_of(heirs, 1), 2u);
    EXPECT_EQ(heir_of(heirs, 2), 0u);
    heirs.add(2, connection(1));
    EXPECT_EQ(heir_of(heirs, 2), 1u);
    EXPECT_EQ(heir_of(heirs, 1), 0u);
  }
  heirs.add(1, connection(1));
  EXPECT_EQ(heirs.size(), 1u);
}

TEST(FlowHeirs, OneThatComesBackForeverIsBounded) {
  FlowHeirs heirs;
  for (std::uint64_t i = 1; i < 1000; ++i) heirs.add(i, connection(i + 1));
  EXPECT_EQ(heirs.size(), FlowHeirs::kForbearsMax);
  EXPECT_EQ(heir_of(heirs, 999), 1000u);
  EXPECT_EQ(heir_of(heirs, 1000 - FlowHeirs::kForbearsMax), 1000u);
  EXPECT_EQ(heir_of(heirs, 1), 0u);
}

TEST(FlowHeirs, AllOfThemAreBounded) {
  FlowHeirs heirs;
  const std::uint64_t last = 2 * FlowHeirs::kHeirsMax + 10;
  for (std::uint64_t i = 1; i < last; i += 2) heirs.add(i, connection(i + 1));
  EXPECT_EQ(heirs.size(), FlowHeirs::kHeirsMax);
  EXPECT_EQ(heir_of(heirs, 1), 0u) << "the oldest";
  EXPECT_EQ(heir_of(heirs, last - 1), last);
}

TEST(LeftFlows, AreKnownOnceAndUntilTheyExpire) {
  LeftFlows left;
  const FlowName alice{"r", "alice", "<urn:uuid:1>", 1};
  const FlowName second{"r", "alice", "<urn:uuid:1>", 2};
  left.add(alice, connection(1), 10);
  left.add(alice, connection(2), 20);
  left.add(second, connection(3), 30);
  EXPECT_EQ(left.size(), 2u);
  left.expire(19);
  EXPECT_EQ(left.take(alice)->handle, 2u);
  EXPECT_FALSE(left.take(alice));
  left.expire(30);
  EXPECT_FALSE(left.take(second));
  EXPECT_EQ(left.size(), 0u);
}

TEST(LeftFlows, AreBounded) {
  LeftFlows left;
  for (std::uint32_t i = 0; i <= LeftFlows::kFlowsMax; ++i) left.add({"r", "alice", "x", i}, connection(i), 1000 + i);
  EXPECT_EQ(left.size(), LeftFlows::kFlowsMax);
  EXPECT_FALSE(left.take({"r", "alice", "x", 0})) << "who would be forgotten first";
  EXPECT_TRUE(left.take({"r", "alice", "x", 1}));
}

}  // namespace
}  // namespace weir::controlplane
