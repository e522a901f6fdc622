// Stage 4b, of the flows that are transcoded alone: after rewrite their RTP leaves the burst for a transcoder's ring,
// and comes back as a burst of its own, which goes on with protect. Timestamps change here; payloads do in the
// transcoder.
#pragma once

#include <rte_ring.h>

#include <cstdint>
#include <vector>

#include "dataplane/burst.h"
#include "dataplane/transcode_ring.h"
#include "proto/counters.h"
#include "proto/rtcp.h"

namespace weir::dataplane {

class FlowTable;

/// One worker's end of the rings.
class TranscodeGate {
 public:
  /// `to` and `back`: by transcoder, as many of one as of the other; none: no flow is transcoded.
  TranscodeGate(std::uint16_t worker, std::vector<rte_ring*> to, std::vector<rte_ring*> back,
                proto::WorkerCounters& counters);

  /// Takes burst.transcodes out of the burst. What cannot go to its transcoder is dropped.
  void hand_over(Burst& burst);

  [[nodiscard]] std::size_t transcoders() const { return back_.size(); }

  /// Fills the burst, which is empty, with what one transcoder has converted, as media that is to be protected. Packets
  /// of a flow that has ended since, or leads nowhere now, are dropped. Returns the packets taken.
  std::uint32_t take_back(std::size_t transcoder, Burst& burst, FlowTable& table);

 private:
  proto::DropReason hand_over_one(Burst& burst, std::uint32_t packet);
  void put_back(const TranscodeJob& job, Burst& burst, std::uint32_t packet, FlowTable& table) const;

  std::uint16_t worker_;
  std::vector<rte_ring*> to_;
  std::vector<rte_ring*> back_;
  proto::WorkerCounters& counters_;
};

/// Brings one RTCP packet of a flow whose RTP is transcoded to the clock of the side it leaves to: a sender report's
/// RTP timestamp, and the jitter of report blocks (RFC 3550 section 6.4.1). The packet's SSRCs are those that leave.
/// `body` is of the packet's length as rewrite has checked it.
void scale_rtcp(Burst& burst, std::uint32_t packet, const proto::RtcpView& view, proto::MutableBytes body);

}  // namespace weir::dataplane
