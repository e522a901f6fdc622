// What a worker tells weir-control. An event that finds the ring full is lost and counted: nothing here waits.
#pragma once

#include <cstdint>

#include "proto/control_protocol.h"
#include "proto/counters.h"
#include "proto/ring.h"

namespace weir::dataplane {

/// One worker's end of its Event ring.
class EventSink {
 public:
  /// `counters` is the worker's own and outlives the sink.
  EventSink(proto::RingProducer<proto::Event> ring, std::uint16_t worker, proto::WorkerCounters& counters)
      : ring_(ring), counters_(counters), worker_(worker) {}

  /// Room for one more? An answer must not be lost, so commands wait while there is none.
  [[nodiscard]] bool has_room() {
    proto::RingState state;
    return ring_.claim(state) != nullptr;
  }

  /// Stamps worker and time and pushes. False: lost.
  bool push(proto::Event event, std::uint64_t now_ns) {
    event.worker = worker_;
    event.now_ns = now_ns;
    const proto::RingState state = ring_.push(event);
    if (state == proto::RingState::kOk) return true;
    ++counters_.events_lost;
    if (state == proto::RingState::kCorrupt) ++counters_.ring_corrupt;
    return false;
  }

 private:
  proto::RingProducer<proto::Event> ring_;
  proto::WorkerCounters& counters_;
  std::uint16_t worker_;
};

}  // namespace weir::dataplane
