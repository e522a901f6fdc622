// Who sends and who receives, in one thread beside a worker: plain RTP of every stream in turn into the worker's queue,
// and what comes out of it. Buffers go round, so that a packet costs the generator less than the worker.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "bench/support/plane.h"

namespace weir::bench {

/// Of one thread.
class Generator {
 public:
  /// For worker 0 of a plane of one worker whose flows receive plain RTP. `buffers` packets are under way at most.
  Generator(Plane& plane, Workload& workload, std::uint32_t buffers);
  ~Generator();

  /// Sends up to `count` packets, as many as there are buffers for; returns how many.
  std::uint32_t send(std::uint32_t count);

  /// Takes up to a burst of what came out, and tells how long each packet was under way: tells(ticks of the TSC).
  template <typename Tell>
  std::uint32_t receive(Tell tell);

  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  [[nodiscard]] std::uint64_t received() const { return received_; }

 private:
  struct Template {
    tests::Packet frame;
    std::uint16_t sequence;
  };
  /// When it was sent, in a part of the buffer's own description that nobody else uses.
  static std::uint8_t* stamp(rte_mbuf* mbuf) { return reinterpret_cast<std::uint8_t*>(mbuf->dynfield1); }
  void write(rte_mbuf* mbuf);
  std::uint32_t take(rte_mbuf** mbufs);
  static std::uint64_t ticks();

  Plane& plane_;
  std::vector<Template> streams_;
  std::size_t next_ = 0;
  std::vector<rte_mbuf*> free_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

template <typename Tell>
std::uint32_t Generator::receive(Tell tell) {
  rte_mbuf* mbufs[dataplane::kBurstMax];
  const std::uint32_t count = take(mbufs);
  const std::uint64_t now = ticks();
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint64_t sent = 0;
    std::memcpy(&sent, stamp(mbufs[i]), sizeof sent);
    tell(now - sent);
    free_.push_back(mbufs[i]);
  }
  received_ += count;
  return count;
}

/// What one worker carries at most, in packets per second: the time it takes for a full queue, filled by another core.
/// It runs on `worker_core` meanwhile.
double capacity_per_s(Plane& plane, Generator& generator, unsigned worker_core);

}  // namespace weir::bench
