#include "dataplane/numa.h"

#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include <filesystem>

#include "dataplane/handoff.h"
#include "dataplane/port.h"
#include "tests/support/eal.h"
#include "tests/support/temporary_directory.h"

namespace weir::dataplane {
namespace {

TEST(Numa, ACoresNodeIsWhatTheHostSays) {
  const tests::TemporaryDirectory cpus;
  for (const char* entry : {"cpu0/node0", "cpu0/topology", "cpu5/node1", "cpu6/topology"}) {
    std::filesystem::create_directories(cpus.path() + "/" + entry);
  }
  EXPECT_EQ(node_of_core(0, cpus.path()), 0);
  EXPECT_EQ(node_of_core(5, cpus.path()), 1);
  EXPECT_EQ(node_of_core(6, cpus.path()), 0) << "it does not say";
  EXPECT_EQ(node_of_core(7, cpus.path()), 0) << "no such core";
}

TEST(Numa, WorkersOnAnotherNodeThanThePortAreFar) {
  EXPECT_EQ(workers_far_from(1, {0, 1, 0}), (std::vector<unsigned>{0, 2}));
  EXPECT_TRUE(workers_far_from(0, {0, 0}).empty());
  EXPECT_TRUE(workers_far_from(-1, {0, 1}).empty()) << "a virtual device is nowhere";
}

TEST(Numa, EveryNodeIsNamedOnce) {
  EXPECT_EQ(distinct_nodes({1, 0, 1, 1, 0}), (std::vector<int>{1, 0}));
}

TEST(Numa, WorkersOfOneNodeShareAPoolAndThoseOfTwoHaveTwo) {
  tests::need_eal();
  auto together = PacketPools::create(4096, {0, 0, 0});
  ASSERT_TRUE(together.ok()) << together.error();
  EXPECT_TRUE(together->single());
  EXPECT_EQ(together->of_worker(0), together->of_worker(2));
  *together = PacketPools();  // pools have names: one set at a time
  auto apart = PacketPools::create(4096, {0, 1, 0});
  ASSERT_TRUE(apart.ok()) << apart.error();
  EXPECT_FALSE(apart->single());
  EXPECT_EQ(apart->of_worker(0), apart->of_worker(2));
  EXPECT_NE(apart->of_worker(0), apart->of_worker(1));
}

}  // namespace
}  // namespace weir::dataplane
