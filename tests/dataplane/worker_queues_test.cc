// Several workers, and ports with as many queues, or fewer.
#include "dataplane/handoff.h"

#include <gtest/gtest.h>

#include <random>
#include <utility>
#include <vector>

#include "tests/support/accounting.h"
#include "tests/support/frames.h"
#include "tests/support/media_plane.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::EventKind;
using tests::expect_every_frame_accounted_for;
using tests::MediaPlane;
using tests::Packet;
using tests::rtp_packet;
using tests::udp_payload;

constexpr std::uint16_t kPort = 20000;
constexpr std::uint16_t kExit = 20002;

/// Workers that share a port: packets of every port end up with the worker that owns it.
class WorkerQueues : public testing::TestWithParam<std::pair<std::uint16_t, std::uint16_t>> {};

TEST_P(WorkerQueues, EveryPacketReachesItsOwnerWhereverItArrives) {
  const auto [receive_queues, transmit_queues] = GetParam();
  MediaPlane plane({.workers = 3, .receive_queues = receive_queues, .transmit_queues = transmit_queues});
  for (std::uint32_t i = 0; i < 6; ++i) {
    const auto port = static_cast<std::uint16_t>(kPort + 2 * i);
    ASSERT_EQ(plane.command(MediaPlane::install(i, 0, port, port)).kind, EventKind::kInstalled);
  }
  std::mt19937 random(1);
  std::uint64_t arrived = 0;
  std::vector<std::uint64_t> per_flow(6);
  for (std::uint16_t round = 0; round < 50; ++round) {
    for (std::uint32_t i = 0; i < 6; ++i, ++arrived) {
      plane.arrive(0, 4000, static_cast<std::uint16_t>(kPort + 2 * i), rtp_packet(round, i, 20 + i),
                   static_cast<unsigned>(random() % receive_queues));
    }
    plane.arrive(0, tests::arp_frame({}), static_cast<unsigned>(random() % receive_queues));
    ++arrived;
    plane.run(2);
  }
  plane.run(4);
  for (const Packet& frame : plane.departed(1)) {
    ++per_flow[proto::load_be32(udp_payload(frame).data() + 8)];
  }
  EXPECT_EQ(per_flow, std::vector<std::uint64_t>(6, 50));
  EXPECT_EQ(plane.departed(0).size(), 50u) << "ARP, answered by worker 0";
  EXPECT_GT(plane.totals().handed_over, 0u);
  for (std::uint32_t worker = 0; worker < 3; ++worker) {
    EXPECT_EQ(plane.control().worker_counters(worker).forwarded, 100u) << "each owns two of the six ports";
  }
  expect_every_frame_accounted_for(plane, arrived, 350);
}

INSTANTIATE_TEST_SUITE_P(Queues, WorkerQueues,
                         testing::Values(std::pair{1, 1}, std::pair{3, 3}, std::pair{3, 1}, std::pair{1, 3}));

TEST(WorkerHandoff, AHopThatAnotherWorkerMissesIsAskedForByWorker0) {
  MediaPlane plane({.workers = 2, .static_neighbours = false});
  ASSERT_EQ(plane.command(MediaPlane::install(1, 0, 20002, kExit)).kind, EventKind::kInstalled) << "worker 1";
  plane.run(2);
  EXPECT_EQ(plane.departed(1).size(), 1u);
  EXPECT_EQ(plane.control().worker_counters(0).originated, 2u) << "for the exit, and for the peer";
}

TEST(WorkerHandoff, AHandoffRingThatIsFullIsACountedDrop) {
  MediaPlane plane({.workers = 2});
  for (std::uint32_t i = 0; i < 600; ++i) plane.arrive(0, 4000, 20002, rtp_packet(1, 1, 20));
  for (int i = 0; i < 20; ++i) plane.engine().worker(0).run_once(plane.now_ns);  // worker 1 has stalled
  EXPECT_EQ(plane.dropped(DropReason::kHandoffFull), 600u - kHandoffSlots);
  plane.run(20);
  EXPECT_EQ(plane.dropped(DropReason::kPortClosed), kHandoffSlots);
  expect_every_frame_accounted_for(plane, 600, 0);
}

}  // namespace
}  // namespace weir::dataplane
