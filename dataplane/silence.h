// Flows that fell silent: found by looking at every flow once a second, a slice in each millisecond.
#pragma once

#include <cstdint>

#include "dataplane/events.h"
#include "dataplane/flow_table.h"

namespace weir::dataplane {

/// One worker's walk over the flow table. Only its own flows are looked into.
class SilenceWatch {
 public:
  SilenceWatch(FlowTable& table, EventSink& events, std::uint16_t worker)
      : table_(table), events_(events), worker_(worker) {}

  /// Looks at the next slice, if a millisecond has passed since the last. Notes when media was last heard, and says
  /// once that a flow has been silent for its media_timeout_ms; a flow that never heard any counts from its first
  /// look. The same of the checks of a nominated source, and ice_consent_ms.
  void run(std::uint64_t now_ns);

 private:
  void look_at(std::uint32_t index, std::uint64_t now_ns);
  void watch_consent(std::uint32_t index, std::uint64_t now_ns);

  FlowTable& table_;
  EventSink& events_;
  std::uint16_t worker_;
  std::uint32_t next_ = 0;
  std::uint64_t looked_ns_ = 0;
};

}  // namespace weir::dataplane
