// A whole worker over an in-memory DPDK port, as weir-media runs it: region, rings, flow table and all six stages. Only
// the wire is missing: frames come from a ring and go back to it.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/support/workload.h"
#include "dataplane/eal.h"
#include "dataplane/engine.h"
#include "proto/region.h"

namespace weir::bench {

/// What each flow does with its packets.
struct PipelineCase {
  bool receive_srtp;
  bool send_srtp;
};

class MemoryWorker {
 public:
  /// One flow per stream of the workload, installed over the Command ring.
  MemoryWorker(const Workload& workload, const PipelineCase& pipeline);
  MemoryWorker(const MemoryWorker&) = delete;
  MemoryWorker& operator=(const MemoryWorker&) = delete;
  ~MemoryWorker();

  /// Sends the workload's packets through the worker in bursts of kBurstMax, each behind Ethernet, IPv4 and UDP
  /// headers. Returns the time spent in Worker::run_once. Aborts unless every packet comes out.
  std::chrono::nanoseconds pass(const std::vector<Packet>& packets);

 private:
  void install_flows(const Workload& workload, const PipelineCase& pipeline);
  rte_mbuf* make_frame(const Packet& packet);

  std::string directory_;
  std::unique_ptr<proto::Region> media_region_;
  std::unique_ptr<proto::Region> control_region_;
  std::unique_ptr<dataplane::Engine> engine_;
  dataplane::PoolPointer pool_;
  rte_ring* wire_ = nullptr;
};

}  // namespace weir::bench
