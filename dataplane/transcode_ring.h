// What workers and transcoders hand to each other: one packet, and what is to become of its payload. Two rings for each
// worker and transcoder, one each way, of one producer and one consumer.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/handoff.h"
#include "dataplane/side_pool.h"
#include "proto/counters.h"
#include "proto/flow.h"

namespace weir::dataplane {

/// By value through a ring. The transcoder writes bytes and reason; the rest comes back as it went.
struct TranscodeJob {
  rte_mbuf* mbuf;
  std::uint8_t* data;  ///< the RTP packet in it
  proto::FlowId flow;
  std::uint32_t ssrc;     ///< as it leaves
  std::uint32_t version;  ///< of the flow's conversion, see TranscodeState
  std::uint32_t bytes;    ///< of the RTP packet
  std::uint32_t room;     ///< bytes that may be written from data on
  std::uint16_t header_bytes;
  Place place;             ///< of the flow's codec, from 1
  proto::AudioCodec from;  ///< equal to `to`: the payload passes
  proto::AudioCodec to;
  proto::DropReason reason;
  std::uint8_t reserved;
};
static_assert(sizeof(TranscodeJob) == 48 && sizeof(TranscodeJob) % 4 == 0);

/// Slots of a ring: 20 ms of what a core converts, so that a burst of all calls at once loses nothing.
inline constexpr unsigned kTranscodeSlots = 1024;

/// All rings between workers and transcoders. Made at start, never changed.
class TranscodeRings {
 public:
  static proto::Result<std::unique_ptr<TranscodeRings>> create(std::uint16_t workers, std::uint16_t transcoders);

  [[nodiscard]] std::uint16_t transcoders() const { return transcoders_; }
  [[nodiscard]] std::uint16_t workers() const { return workers_; }
  [[nodiscard]] rte_ring* to(std::uint16_t worker, std::uint16_t transcoder) const {
    return to_[worker * transcoders_ + transcoder].get();
  }
  [[nodiscard]] rte_ring* back(std::uint16_t worker, std::uint16_t transcoder) const {
    return back_[worker * transcoders_ + transcoder].get();
  }

 private:
  TranscodeRings(std::uint16_t workers, std::uint16_t transcoders) : workers_(workers), transcoders_(transcoders) {}

  std::uint16_t workers_;
  std::uint16_t transcoders_;
  std::vector<RingPointer> to_;
  std::vector<RingPointer> back_;
};

}  // namespace weir::dataplane
