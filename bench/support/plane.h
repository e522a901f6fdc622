// weir-media's engine in memory: as many workers as asked for, one network in and one out, whose ports are rings with a
// queue for each worker. Flows are installed as weir-control does it, through the region's command rings.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "bench/support/rig.h"
#include "bench/support/workload.h"
#include "dataplane/engine.h"
#include "proto/region.h"
#include "proto/settings/settings.h"
#include "tests/support/frames.h"
#include "tests/support/temporary_directory.h"

namespace weir::bench {

/// Frames that a port's queue holds at most.
inline constexpr std::uint32_t kPlaneQueueSlots = 16384;

class Plane {
 public:
  struct Shape {
    std::uint16_t workers = 1;
    std::uint32_t flows_spare = 0;  ///< entries beyond a flow for each stream
  };

  /// A flow for each stream. `received` has the keys of what arrives, `sent` those of what leaves.
  Plane(const Shape& shape, Legs legs, const Workload& received, const Workload& sent);
  Plane(const Plane&) = delete;
  Plane& operator=(const Plane&) = delete;
  ~Plane();

  [[nodiscard]] std::uint16_t workers() const { return engine_->workers(); }
  dataplane::Worker& worker(std::uint16_t index) { return engine_->worker(index); }
  /// Whose packets these are.
  [[nodiscard]] std::uint16_t worker_of(const Packet& packet) const;

  /// Buffers for what arrives: at least twice a queue's slots.
  rte_mempool* frames() { return frames_.get(); }
  /// What the stream's peer sends for this packet.
  [[nodiscard]] tests::Packet frame(const Packet& packet) const;
  /// Where frames arrive for a worker, and where they come out.
  rte_ring* in(std::uint16_t worker) { return in_[worker]; }
  rte_ring* out(std::uint16_t worker) { return out_[worker]; }

  /// An install with fresh indexes for an entry and a port; whose keys it carries the streams say.
  [[nodiscard]] proto::Command install(proto::FlowId flow, const Stream& received, const Stream& sent) const;
  [[nodiscard]] std::uint16_t port_of(std::uint32_t flow) const;
  proto::RingProducer<proto::Command>& commands(std::uint16_t worker) { return commands_[worker]; }
  proto::RingConsumer<proto::Event>& events(std::uint16_t worker) { return events_[worker]; }
  [[nodiscard]] const proto::WorkerCounters& counters(std::uint16_t worker) const;

 private:
  void make_ports();
  void start();
  void install_all(const Workload& received, const Workload& sent);

  Shape shape_;
  Legs legs_;
  tests::TemporaryDirectory directory_;
  proto::settings::Settings settings_;
  dataplane::PoolPointer frames_;
  std::vector<rte_ring*> in_;  ///< by worker
  std::vector<rte_ring*> out_;
  std::vector<rte_ring*>
      silent_;  ///< the ends that nothing comes from or goes to: the near one's out, the far one's in
  std::optional<proto::Region> region_;
  std::unique_ptr<dataplane::Engine> engine_;
  std::optional<proto::Region> control_;  ///< weir-control's view
  std::vector<proto::RingProducer<proto::Command>> commands_;
  std::vector<proto::RingConsumer<proto::Event>> events_;
};

/// The calling thread runs on `core` from here on, before all others where the host allows it.
void run_on(unsigned core);

}  // namespace weir::bench
