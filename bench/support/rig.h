// A whole worker between in-memory DPDK ports: frames go into the near networks' receive rings and come out of the far
// one's transmit ring. Everything is as weir-media has it, but for the network card.
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
#include "dataplane/neighbours.h"
#include "dataplane/network.h"
#include "dataplane/port.h"
#include "dataplane/worker.h"
#include "proto/region.h"
#include "tests/support/temporary_directory.h"

namespace weir::bench {

/// DPDK for the whole program, on hugepages where some are free.
void start_dpdk();

/// Where a region goes: on the hugetlbfs that bench/run mounted, as weir-media's would be, else on tmpfs.
std::string region_parent();

/// What arrives, or what leaves: an SRTP profile, or kNone for plain RTP.
struct Legs {
  proto::SrtpProfile receive;
  proto::SrtpProfile send;
  std::uint8_t strips_extensions = 0;  ///< see proto::RewriteSpec
};

class Rig {
 public:
  /// A flow for each stream. `received` has the keys of what arrives, `sent` those of what leaves.
  Rig(Legs legs, const Workload& received, const Workload& sent);
  ~Rig();

  /// Every flow takes the spec's ICE credentials and answers checks: they come back to where they are fed in.
  void speak_ice(const proto::FlowSpec& spec);

  /// Lets every packet through the worker, in bursts of 64, and gives the time that the worker took: the median burst's
  /// times the number of bursts, so that an interruption by another process does not count. Aborts if a packet is lost.
  std::chrono::nanoseconds pass(const std::vector<Packet>& packets);

 private:
  void make_networks();
  void make_worker();
  void install(Legs legs, const Workload& received, const Workload& sent);
  [[nodiscard]] std::uint32_t port_step() const;
  [[nodiscard]] std::uint8_t network_of(std::uint32_t stream) const;
  [[nodiscard]] std::uint16_t port_of(std::uint32_t stream) const;
  void burst(std::uint32_t network, const std::vector<const Packet*>& packets);
  void feed(std::uint32_t network, const Packet* const* packets, std::uint32_t count);
  void collect(std::uint32_t count);
  void report_stages() const;

  std::uint32_t streams_;
  std::uint32_t near_networks_;  ///< as many as there are ports needed; the far one comes behind them
  tests::TemporaryDirectory directory_;
  proto::Region region_;
  dataplane::PoolPointer pool_;
  std::vector<rte_ring*> receive_rings_;  ///< by near network
  rte_ring* transmit_ring_ = nullptr;
  std::vector<std::uint16_t> port_ids_;
  std::vector<dataplane::Network> networks_;
  std::vector<proto::Family> families_;
  std::vector<dataplane::Neighbours> neighbours_;
  std::unique_ptr<dataplane::FlowTable> table_;
  std::unique_ptr<dataplane::Worker> worker_;
  std::vector<std::chrono::nanoseconds> bursts_;
  std::uint64_t packets_ = 0;
};

}  // namespace weir::bench
