// The order of a trunk's members: priorities strictly, weights by chance.
#include "controlplane/trunk_order.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace weir::controlplane {
namespace {

using Order = std::vector<std::size_t>;

Chance always_lowest() {
  return [](std::uint32_t) { return 0u; };
}
Chance always_highest() {
  return [](std::uint32_t max) { return max; };
}

TEST(TrunkOrder, TheLowestPriorityComesFirstWhateverTheWeights) {
  const std::vector<Ranked> members = {{3, 100}, {1, 1}, {2, 65'535}};
  EXPECT_EQ(draw_order(members, always_lowest()), (Order{1, 2, 0}));
  EXPECT_EQ(draw_order(members, always_highest()), (Order{1, 2, 0}));
}

TEST(TrunkOrder, EachMemberIsThereOnce) {
  EXPECT_EQ(draw_order({}, always_lowest()), Order{});
  EXPECT_EQ(draw_order({{1, 0}, {1, 0}, {1, 0}}, always_highest()), (Order{0, 1, 2}));
  EXPECT_EQ(draw_order({{1, 5}, {1, 5}, {1, 5}}, always_highest()), (Order{2, 1, 0}));
}

TEST(TrunkOrder, AWeightIsAShareOfTheCalls) {
  std::minstd_rand random(1);
  const Chance chance = [&random](std::uint32_t max) {
    return std::uniform_int_distribution<std::uint32_t>(0, max)(random);
  };
  constexpr int kDraws = 100'000;
  std::array<int, 3> first{};
  std::array<int, 3> second{};
  for (int i = 0; i < kDraws; ++i) {
    const Order order = draw_order({{1, 600}, {1, 300}, {1, 100}}, chance);
    ++first.at(order[0]);
    ++second.at(order[1]);
  }
  EXPECT_NEAR(first[0], 0.6 * kDraws, 0.01 * kDraws);
  EXPECT_NEAR(first[1], 0.3 * kDraws, 0.01 * kDraws);
  EXPECT_NEAR(first[2], 0.1 * kDraws, 0.01 * kDraws);
  // Second place: P(b first) * a's share of what is left, and so on.
  EXPECT_NEAR(second[0], (0.3 * 600 / 700 + 0.1 * 600 / 900) * kDraws, 0.01 * kDraws);
}

TEST(TrunkOrder, AWeightOfZeroIsDrawnSeldomButIs) {
  const std::vector<Ranked> members = {{1, 10}, {1, 0}};
  EXPECT_EQ(draw_order(members, always_lowest()), (Order{1, 0}));
  EXPECT_EQ(draw_order(members, [](std::uint32_t) { return 1u; }), (Order{0, 1}));
}

}  // namespace
}  // namespace weir::controlplane
