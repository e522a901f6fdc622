#include "bench/support/generator.h"

#include <rte_cycles.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>
#include <thread>

#include "bench/probes/probe.h"
#include "proto/assert.h"
#include "proto/bytes.h"

namespace weir::bench {
namespace {

// In a frame without a VLAN tag.
constexpr std::size_t kUdpChecksumAt = 14 + 20 + 6;
constexpr std::size_t kSequenceAt = 14 + 20 + 8 + 2;

}  // namespace

Generator::Generator(Plane& plane, Workload& workload, std::uint32_t buffers) : plane_(plane), free_(buffers) {
  WEIR_ASSERT(rte_pktmbuf_alloc_bulk(plane.frames(), free_.data(), buffers) == 0);
  workload.next_pass();
  for (std::size_t i = 0; i < workload.streams().size(); ++i) {  // the first round: each stream once, in random order
    const Packet& packet = workload.packets()[i];
    tests::Packet frame = plane.frame(packet);
    proto::store_be16(frame.data() + kUdpChecksumAt, 0);  // none (RFC 768): the sequence number will change
    streams_.push_back({.frame = std::move(frame), .sequence = proto::load_be16(packet.data + 2)});
  }
}

Generator::~Generator() {
  rte_pktmbuf_free_bulk(free_.data(), static_cast<unsigned>(free_.size()));
}

void Generator::write(rte_mbuf* mbuf) {
  Template& stream = streams_[next_];
  next_ = next_ + 1 == streams_.size() ? 0 : next_ + 1;
  rte_pktmbuf_reset(mbuf);
  const auto bytes = static_cast<std::uint16_t>(stream.frame.size());
  auto* frame = reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(mbuf, bytes));
  std::memcpy(frame, stream.frame.data(), bytes);
  proto::store_be16(frame + kSequenceAt, stream.sequence++);
}

std::uint32_t Generator::send(std::uint32_t count) {
  count = std::min({count, static_cast<std::uint32_t>(free_.size()), static_cast<std::uint32_t>(dataplane::kBurstMax)});
  if (count == 0) return 0;
  rte_mbuf** mbufs = free_.data() + free_.size() - count;
  for (std::uint32_t i = 0; i < count; ++i) write(mbufs[i]);
  const std::uint64_t now = ticks();
  for (std::uint32_t i = 0; i < count; ++i) std::memcpy(stamp(mbufs[i]), &now, sizeof now);
  WEIR_ASSERT(rte_ring_sp_enqueue_bulk(plane_.in(0), reinterpret_cast<void**>(mbufs), count, nullptr) == count);
  free_.resize(free_.size() - count);
  sent_ += count;
  return count;
}

std::uint32_t Generator::take(rte_mbuf** mbufs) {
  return rte_ring_sc_dequeue_burst(plane_.out(0), reinterpret_cast<void**>(mbufs), dataplane::kBurstMax, nullptr);
}

std::uint64_t Generator::ticks() {
  return rte_rdtsc();
}

double capacity_per_s(Plane& plane, Generator& generator, unsigned worker_core) {
  constexpr unsigned kTimes = 15;
  std::vector<double> rates;
  for (unsigned time = 0; time < kTimes; ++time) {
    const std::uint64_t before = generator.sent();
    while (generator.send(dataplane::kBurstMax) != 0) {
    }
    const std::uint64_t waiting = generator.sent() - before;
    std::chrono::nanoseconds spent{};
    std::jthread([&] {
      run_on(worker_core);
      const auto start = std::chrono::steady_clock::now();
      for (std::uint64_t taken = 0; taken < waiting;) taken += plane.worker(0).run_once(dataplane::monotonic_ns());
      spent = std::chrono::steady_clock::now() - start;
    }).join();
    while (generator.receive([](std::uint64_t) {}) != 0) {
    }
    WEIR_ASSERT(generator.received() == generator.sent());
    rates.push_back(static_cast<double>(waiting) * 1e9 / static_cast<double>(spent.count()));
  }
  return median(rates);
}

}  // namespace weir::bench
