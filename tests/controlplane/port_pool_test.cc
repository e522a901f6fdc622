#include "controlplane/port_pool.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>

namespace weir::controlplane {
namespace {

constexpr std::uint64_t kNow = 1'000'000'000'000;

std::vector<proto::settings::NetworkSettings> networks(std::uint16_t first, std::uint16_t last) {
  proto::settings::NetworkSettings network;
  network.port_first = first;
  network.port_last = last;
  return {network, network};
}

TEST(PortPool, GivesEvenPortsOfTheWorkerAskedForAndEachOnce) {
  PortPool pool(networks(20000, 20039), 4, 1);
  EXPECT_EQ(pool.pairs(0), 20u);
  std::set<std::uint16_t> seen;
  for (std::uint32_t worker = 0; worker < 4; ++worker) {
    for (int i = 0; i < 5; ++i) {
      const auto port = pool.take(0, worker, kNow);
      ASSERT_TRUE(port.ok());
      EXPECT_EQ(*port % 2, 0);
      EXPECT_EQ(proto::worker_of_port(*port, 4), worker);
      EXPECT_TRUE(seen.insert(*port).second);
    }
  }
  EXPECT_EQ(pool.in_use(0), 20u);
  EXPECT_EQ(pool.in_use(1), 0u);
}

TEST(PortPool, AnOddFirstOrEvenLastPortIsNoPair) {
  PortPool pool(networks(20001, 20004), 1, 1);
  EXPECT_EQ(pool.pairs(0), 1u);
  EXPECT_EQ(*pool.take(0, 0, kNow), 20002);
}

TEST(PortPool, TheLastPortsOfAllAreReached) {
  PortPool pool(networks(65532, 65535), 1, 1);
  EXPECT_EQ(pool.pairs(0), 2u);
}

TEST(PortPool, ExhaustionIsAnErrorAndAnotherWorkerHelpsOut) {
  PortPool pool(networks(20000, 20007), 2, 1);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(pool.take(0, 0, kNow).ok());
  const auto none = pool.take(0, 0, kNow);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error(), "no media port is free: 4 of 4 pairs are in use, 0 rest after a call");
}

TEST(PortPool, APairThatIsFreeOnBothNetworksIsTakenOnBoth) {
  PortPool pool(networks(20000, 20015), 4, 1);
  const std::uint16_t on_one = *pool.take(1, 0, kNow);
  const std::optional<std::uint16_t> on_both = pool.take_on_both(0, 1, 0, kNow);
  ASSERT_TRUE(on_both);
  EXPECT_NE(*on_both, on_one) << "worker 0 has two pairs, of which one is free on both";
  EXPECT_EQ(proto::worker_of_port(*on_both, 4), 0u);
  EXPECT_EQ(pool.in_use(0), 1u);
  EXPECT_EQ(pool.in_use(1), 2u);
  EXPECT_FALSE(pool.take_on_both(0, 1, 0, kNow));
  EXPECT_EQ(pool.in_use(0), 1u) << "nothing was taken";
  EXPECT_EQ(*pool.take(0, 0, kNow), on_one) << "which is free there";
  pool.give_back(0, *on_both, kNow);
  pool.give_back(1, *on_both, kNow);
  EXPECT_EQ(pool.take_on_both(0, 1, 0, kNow + PortPool::kQuarantineNs), on_both);
}

TEST(PortPool, AQuarterOfAnotherNetworksPairsIsForWhoCanUseNoOther) {
  PortPool pool(networks(20000, 20015), 1, 1);
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(pool.take_on_both(0, 1, 0, kNow));
  EXPECT_FALSE(pool.take_on_both(0, 1, 0, kNow));
  EXPECT_TRUE(pool.take(0, 0, kNow).ok());
  pool.give_back(1, *pool.take(1, 0, kNow), kNow);
  EXPECT_FALSE(pool.take_on_both(0, 1, 0, kNow)) << "one that rests is not free";
  pool.occupy(1, {20000, 20002, 20004, 20006, 20008, 20010, 20012, 20014});
  EXPECT_FALSE(pool.take_on_both(0, 1, 0, kNow));
}

TEST(PortPool, AFreedPairRestsBeforeItIsUsedAgain) {
  PortPool pool(networks(20000, 20001), 1, 1);
  const std::uint16_t port = *pool.take(0, 0, kNow);
  pool.give_back(0, static_cast<std::uint16_t>(port + 1), kNow);
  EXPECT_EQ(pool.in_use(0), 0u);
  EXPECT_FALSE(pool.take(0, 0, kNow + PortPool::kQuarantineMinNs - 1).ok());
  EXPECT_EQ(*pool.take(0, 0, kNow + PortPool::kQuarantineMinNs), port);
}

TEST(PortPool, APairRestsItsTimeAsLongAsOthersAreFree) {
  PortPool pool(networks(20000, 20005), 1, 1);
  const std::uint16_t first = *pool.take(0, 0, kNow);
  pool.give_back(0, first, kNow);
  const std::uint64_t later = kNow + PortPool::kQuarantineNs - 1;
  for (int i = 0; i < 2; ++i) EXPECT_NE(*pool.take(0, 0, later), first);
  EXPECT_EQ(*pool.take(0, 0, later), first) << "rather than refuse a call";
  EXPECT_FALSE(pool.take(0, 0, later).ok());
}

TEST(PortPool, PortsOfAnEarlierProcessRestToo) {
  PortPool pool(networks(20000, 20001), 1, 1);
  pool.occupy(0, {20000, 40000});
  EXPECT_FALSE(pool.take(0, 0, kNow).ok());
  EXPECT_TRUE(pool.has(0, 20000));
  EXPECT_FALSE(pool.has(0, 20001));
  EXPECT_FALSE(pool.has(0, 40000));
  pool.give_back(0, 20000, kNow);
  EXPECT_FALSE(pool.take(0, 0, kNow).ok());
  EXPECT_TRUE(pool.take(0, 0, kNow + PortPool::kQuarantineNs).ok());
  EXPECT_FALSE(pool.take(0, 0, kNow + PortPool::kQuarantineNs).ok());
}

TEST(PortPool, TheOrderFollowsFromTheSeedAlone) {
  const auto order = [](std::uint64_t seed) {
    PortPool pool(networks(20000, 20999), 1, seed);
    std::vector<std::uint16_t> ports;
    for (int i = 0; i < 500; ++i) ports.push_back(*pool.take(0, 0, kNow));
    return ports;
  };
  EXPECT_EQ(order(1), order(1));
  EXPECT_NE(order(1), order(2));
}

TEST(PortPool, TheEmptiestWorkerIsTheOneWithMostPairs) {
  PortPool pool(networks(20000, 20007), 2, 1);
  EXPECT_TRUE(pool.take(0, 0, kNow).ok());
  EXPECT_EQ(pool.emptiest_worker(0), 1u);
  EXPECT_TRUE(pool.take(0, 1, kNow).ok());
  EXPECT_TRUE(pool.take(0, 1, kNow).ok());
  EXPECT_EQ(pool.emptiest_worker(0), 0u);
}

}  // namespace
}  // namespace weir::controlplane
