// Worker-to-worker rings, for ports that do not deliver each packet to the worker that owns it, and for ports with
// fewer transmit queues than there are workers. Every ring has one producer and one consumer.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "proto/result.h"

namespace weir::dataplane {

/// Slots of one ring: several bursts, so that a worker that is a little late loses nothing.
inline constexpr unsigned kHandoffSlots = 512;

struct RingDeleter {
  void operator()(rte_ring* ring) const { rte_ring_free(ring); }
};
using RingPointer = std::unique_ptr<rte_ring, RingDeleter>;

/// A single-producer, single-consumer ring in the DPDK heap, of elements of so many bytes, on a NUMA node or, if it has
/// no room, elsewhere.
proto::Result<RingPointer> make_spsc_ring(const char* purpose, unsigned from, unsigned to, unsigned slots, int node,
                                          unsigned element_bytes = sizeof(void*));

/// All rings between the workers. Made at start, never changed.
class Handoff {
 public:
  /// `nodes` by worker: a ring lies on the node of the worker that reads it.
  static proto::Result<std::unique_ptr<Handoff>> create(const std::vector<int>& nodes, std::uint16_t ports);

  /// Received frames for another worker: mbufs. `from` != `to`.
  rte_ring* received(std::uint16_t from, std::uint16_t to) { return received_[from * workers_ + to].get(); }

  /// Finished frames of a port without a queue for this worker; worker 0 sends them. `from` != 0.
  rte_ring* finished(std::uint16_t port, std::uint16_t from) { return finished_[port * workers_ + from].get(); }

  /// Next hops that worker `from` misses: WantedHop. Worker 0 asks. `from` != 0.
  rte_ring* wanted(std::uint16_t from) { return wanted_[from].get(); }

 private:
  explicit Handoff(std::uint16_t workers) : workers_(workers) {}

  std::uint16_t workers_;
  std::vector<RingPointer> received_;
  std::vector<RingPointer> finished_;
  std::vector<RingPointer> wanted_;
};

}  // namespace weir::dataplane
