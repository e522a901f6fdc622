#include "dataplane/steering.h"

#include <gtest/gtest.h>
#include <rte_thash.h>

#include <random>

#include "dataplane/port.h"
#include "proto/flow.h"
#include "tests/support/eal.h"

namespace weir::dataplane {
namespace {

using proto::Family;
using Counts = std::vector<std::uint16_t>;

/// Any packet's hash as a network card computes it: rte_thash is DPDK's own, and takes words in host order.
std::uint32_t hash_of(const std::vector<std::uint8_t>& key, Family family, std::uint16_t port, std::mt19937& random) {
  const std::size_t words = family == Family::kIpv4 ? 2 : 8;
  std::vector<std::uint32_t> input;
  for (std::size_t i = 0; i < words; ++i) input.push_back(static_cast<std::uint32_t>(random()));
  input.push_back(static_cast<std::uint32_t>(random() % 65536) << 16 | port);
  return rte_softrss(input.data(), static_cast<std::uint32_t>(input.size()), key.data());
}

TEST(Steering, TheHashOfAnyPacketLeadsToTheWorkerOfItsDestinationPort) {
  std::mt19937 random(1);
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    for (const std::uint32_t entries : {64u, 128u, 512u, 2048u, 32768u}) {
      const std::vector<std::uint8_t> key = steering_key(40, entries, family);
      ASSERT_EQ(key.size(), 40u);
      for (const std::uint16_t workers : Counts{2, 4, 8, 64}) {
        const std::vector<std::uint16_t> table = steering_table(entries, workers);
        for (std::uint32_t port = 0; port < 65536; port += 7) {
          const auto local_port = static_cast<std::uint16_t>(port);
          const std::uint32_t hash = hash_of(key, family, local_port, random);
          ASSERT_EQ(table[hash % entries], proto::worker_of_port(local_port, workers))
              << "port " << port << ", " << workers << " workers, " << entries << " entries";
        }
      }
    }
  }
}

TEST(Steering, ARuleTakesThePortsOfItsWorkerAndNoOther) {
  for (const std::uint16_t workers : Counts{2, 4, 16, 64}) {
    for (std::uint32_t port = 0; port < 65536; ++port) {
      for (std::uint16_t worker = 0; worker < workers; ++worker) {
        const bool taken = (port & steering_mask(workers)) == steering_value(worker);
        ASSERT_EQ(taken, proto::worker_of_port(static_cast<std::uint16_t>(port), workers) == worker);
      }
    }
  }
}

TEST(Steering, OnlyAPowerOfTwoWorkersCanBeToldByBitsOfThePort) {
  for (const std::uint16_t workers : Counts{2, 4, 8, 64}) EXPECT_TRUE(is_steerable(workers));
  for (const std::uint16_t workers : Counts{1, 3, 6, 63}) EXPECT_FALSE(is_steerable(workers));
}

TEST(Steering, AKeyThatIsTooShortIsNone) {
  EXPECT_TRUE(steering_key(0, 128, Family::kIpv4).empty());
  EXPECT_EQ(steering_key(40, 64, Family::kIpv6).size(), 40u);
  EXPECT_TRUE(steering_key(36, 64, Family::kIpv6).empty());
}

/// What a device tells of itself.
rte_eth_dev_info device(std::uint64_t hashes, std::uint16_t entries, std::uint8_t key_bytes) {
  rte_eth_dev_info info = {};
  info.flow_type_rss_offloads = hashes;
  info.reta_size = entries;
  info.hash_key_size = key_bytes;
  return info;
}

TEST(Steering, APortIsAskedForAsMuchAsItHas) {
  struct Row {
    const char* what;
    rte_eth_dev_info info;
    std::uint16_t workers;
    std::uint16_t queues;
    bool hashes;
    bool own_key;
  };
  const std::uint64_t udp = RTE_ETH_RSS_NONFRAG_IPV4_UDP;
  const Row rows[] = {
      {"all it takes", device(udp, 128, 40), 2, 2, true, true},
      {"one worker", device(udp, 128, 40), 1, 1, false, false},
      {"too few queues", device(udp, 128, 40), 4, 1, false, false},
      {"no hash of UDP", device(RTE_ETH_RSS_NONFRAG_IPV4_TCP, 128, 40), 2, 2, false, false},
      {"no table", device(udp, 0, 40), 2, 2, true, false},
      {"a table shorter than the workers are many", device(udp, 4, 40), 8, 8, true, false},
      {"a key of unknown length", device(udp, 128, 0), 2, 2, true, true},
      {"a key that is too short", device(udp, 128, 12), 2, 2, true, false},
      {"three workers", device(udp, 128, 40), 3, 3, true, false},
  };
  for (const Row& row : rows) {
    Steerer steerer(row.info, {.workers = row.workers, .family = Family::kIpv4, .tagged = false}, row.queues);
    rte_eth_conf wanted = {};
    steerer.configure(wanted);
    EXPECT_EQ(wanted.rxmode.mq_mode == RTE_ETH_MQ_RX_RSS, row.hashes) << row.what;
    EXPECT_EQ(wanted.rx_adv_conf.rss_conf.rss_key != nullptr, row.own_key) << row.what;
  }
}

/// net_null: a device without a wire that has hash, key and table.
class SteeredPort : public testing::Test {
 protected:
  void SetUp() override { tests::need_eal(); }
  std::unique_ptr<Port> open(const std::string& device, std::uint16_t workers) {
    auto pools = PacketPools::create(4096, std::vector<int>(workers));
    EXPECT_TRUE(pools.ok());
    pools_ = std::move(*pools);
    auto port = Port::open(device, {.workers = workers, .family = Family::kIpv4, .tagged = false}, pools_);
    EXPECT_TRUE(port.ok()) << (port.ok() ? "" : port.error());
    return port.ok() ? std::move(*port) : nullptr;
  }

  PacketPools pools_;
};

TEST_F(SteeredPort, HasTheKeyAndTheTableThatLeadToTheOwner) {
  const auto port = open("net_null0,no-rx=1", 2);
  ASSERT_NE(port, nullptr);
  ASSERT_EQ(port->steering(), Steering::kHash);
  rte_eth_dev_info info;
  ASSERT_EQ(rte_eth_dev_info_get(port->id(), &info), 0);
  std::vector<std::uint8_t> key(40);
  rte_eth_rss_conf hash = {.rss_key = key.data(), .rss_key_len = 40, .rss_hf = 0};
  ASSERT_EQ(rte_eth_dev_rss_hash_conf_get(port->id(), &hash), 0);
  std::vector<rte_eth_rss_reta_entry64> table(info.reta_size / RTE_ETH_RETA_GROUP_SIZE);
  for (auto& group : table) group.mask = ~std::uint64_t{0};
  ASSERT_EQ(rte_eth_dev_rss_reta_query(port->id(), table.data(), info.reta_size), 0);
  std::mt19937 random(2);
  for (std::uint16_t local_port = 20000; local_port < 20400; ++local_port) {
    const std::uint32_t at = hash_of(key, Family::kIpv4, local_port, random) % info.reta_size;
    EXPECT_EQ(table[at / RTE_ETH_RETA_GROUP_SIZE].reta[at % RTE_ETH_RETA_GROUP_SIZE],
              proto::worker_of_port(local_port, 2));
  }
}

TEST_F(SteeredPort, WithThreeWorkersSpreadsItsPackets) {
  const auto port = open("net_null1,no-rx=1", 3);
  ASSERT_NE(port, nullptr);
  EXPECT_TRUE(port->receive_per_worker());
  EXPECT_EQ(port->steering(), Steering::kSpread);
}

TEST_F(SteeredPort, HasOneQueueForOneWorker) {
  const auto port = open("net_null2,no-rx=1", 1);
  ASSERT_NE(port, nullptr);
  EXPECT_EQ(port->steering(), Steering::kOneQueue);
}

}  // namespace
}  // namespace weir::dataplane
