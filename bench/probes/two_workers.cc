// Two workers on two cores against one: each has as many flows and as many packets waiting in its queue as the one
// alone, so that what they share (memory, the region, the packet buffers) is all that can slow them down.
#include <rte_mbuf.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>

#include "bench/probes/probe.h"
#include "bench/support/plane.h"
#include "bench/support/stages.h"
#include "proto/assert.h"

namespace weir::bench {
namespace {

using proto::SrtpProfile;

constexpr std::uint32_t kFlowsEach = 1024;
constexpr std::uint32_t kPayloadBytes = 160;
/// Waiting at once: one of each stream, as many as a port has descriptors.
constexpr std::uint32_t kPacketsEach = kFlowsEach;
static_assert(kPacketsEach <= kPlaneQueueSlots && kPacketsEach % dataplane::kBurstMax == 0);

/// One worker's share of a chunk: the frames it will find, and how long each of its passes over a burst took.
struct Share {
  std::vector<tests::Packet> frames;
  std::vector<rte_mbuf*> mbufs;
  std::vector<double> passes_ns;
};

class Workers {
 public:
  /// A worker for each core.
  Workers(SrtpProfile profile, const std::vector<unsigned>& cores)
      : cores_(cores),
        workload_(profile, kFlowsEach * workers(), kPayloadBytes),
        stages_(workload_, dataplane::kBurstMax),
        plane_({.workers = workers()}, {profile, profile}, workload_,
               Workload(profile, kFlowsEach * workers(), kPayloadBytes + 1)) {}

  /// Nanoseconds a packet for each chunk of a pass, the workers' rates added up. A worker's rate is that of its median
  /// burst, so that an interruption by another process does not count; all work at the same time.
  std::vector<double> pass() {
    workload_.next_pass();
    stages_.protect(workload_.packets());
    const std::uint32_t chunk = kPacketsEach * workers();
    std::vector<double> times;
    for (std::size_t first = 0; first + chunk <= workload_.packets().size(); first += chunk) {
      times.push_back(run_chunk(first, chunk));
    }
    return times;
  }

 private:
  [[nodiscard]] std::uint16_t workers() const { return static_cast<std::uint16_t>(cores_.size()); }
  double run_chunk(std::size_t first, std::uint32_t count) {
    std::vector<Share> shares(workers());
    for (std::size_t i = first; i < first + count; ++i) {
      const Packet& packet = workload_.packets()[i];
      shares[plane_.worker_of(packet)].frames.push_back(plane_.frame(packet));
    }
    std::atomic<unsigned> waiting = workers();
    {
      std::vector<std::jthread> threads;
      for (std::uint16_t worker = 0; worker < workers(); ++worker) {
        threads.emplace_back([&, worker] { work(worker, shares[worker], waiting); });
      }
    }
    double packets_per_ns = 0;
    for (const Share& share : shares) packets_per_ns += dataplane::kBurstMax / median(share.passes_ns);
    return 1 / packets_per_ns;
  }

  /// In the worker's thread: its own core writes the frames, as a network card writes near the core that polls it.
  void work(std::uint16_t worker, Share& share, std::atomic<unsigned>& waiting) {
    run_on(cores_[worker]);
    const auto count = static_cast<std::uint32_t>(share.frames.size());
    WEIR_ASSERT(count == kPacketsEach);
    arrive(worker, share);
    waiting.fetch_sub(1);
    while (waiting.load() != 0) {
    }
    for (std::uint32_t taken = 0; taken < count;) {
      const auto start = std::chrono::steady_clock::now();
      taken += plane_.worker(worker).run_once(dataplane::monotonic_ns());
      share.passes_ns.push_back(static_cast<double>((std::chrono::steady_clock::now() - start).count()));
    }
    WEIR_ASSERT(rte_ring_sc_dequeue_bulk(plane_.out(worker), reinterpret_cast<void**>(share.mbufs.data()), count,
                                         nullptr) == count);
    rte_pktmbuf_free_bulk(share.mbufs.data(), count);
  }

  void arrive(std::uint16_t worker, Share& share) {
    share.mbufs.resize(share.frames.size());
    const auto count = static_cast<std::uint32_t>(share.frames.size());
    WEIR_ASSERT(rte_pktmbuf_alloc_bulk(plane_.frames(), share.mbufs.data(), count) == 0);
    for (std::uint32_t i = 0; i < count; ++i) {
      const tests::Packet& frame = share.frames[i];
      std::memcpy(rte_pktmbuf_append(share.mbufs[i], static_cast<std::uint16_t>(frame.size())), frame.data(),
                  frame.size());
    }
    WEIR_ASSERT(rte_ring_sp_enqueue_bulk(plane_.in(worker), reinterpret_cast<void**>(share.mbufs.data()), count,
                                         nullptr) == count);
  }

  std::vector<unsigned> cores_;
  Workload workload_;
  Stages stages_;
  Plane plane_;
};

/// One plane at a time: DPDK knows what belongs to weir-media by names.
void measure_one(std::vector<double>& times, SrtpProfile profile, const std::vector<unsigned>& cores) {
  constexpr unsigned kPasses = 20;
  Workers workers(profile, cores);
  workers.pass();  // warm: caches, branch predictors, frequency
  for (unsigned pass = 0; pass < kPasses; ++pass) {
    for (const double time : workers.pass()) times.push_back(time);
  }
}

std::vector<Row> measure(const std::string& row, SrtpProfile profile, const Setting& setting) {
  std::vector<double> of_one;
  std::vector<double> of_two;
  for (unsigned repetition = 0; repetition < setting.repetitions; ++repetition) {
    measure_one(of_one, profile, {setting.worker_core});
    measure_one(of_two, profile, {setting.worker_core, setting.other_core});
  }
  const double value = median(of_two);
  const double baseline = median(of_one);
  return {{.name = row,
           .value = value,
           .unit = "ns/packet",
           .baseline = "1worker",
           .baseline_value = baseline,
           .ratio = baseline / value}};
}

}  // namespace

std::vector<Probe> two_workers_probes() {
  std::vector<Probe> probes;
  for (const SrtpProfile profile : {SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAeadAes128Gcm}) {
    const std::string row =
        "pipeline/srtp_to_srtp/" + std::string(proto::srtp_profile(profile).name) + "/160B/1024flows/2workers/1worker";
    probes.push_back(
        {.rows = {row}, .measure = [=](const Setting& setting) { return measure(row, profile, setting); }});
  }
  return probes;
}

}  // namespace weir::bench
