// A transcoder: one core that converts the audio of flows, off the cores that forward. It knows no flows and no keys: a
// payload comes through a ring, and goes back through another, in order.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/burst.h"
#include "dataplane/idle.h"
#include "dataplane/payload_codec.h"
#include "dataplane/transcode_ring.h"

namespace weir::dataplane {

/// Which transcoder has the codec of a place: always the same.
constexpr std::uint16_t transcoder_of(Place place, std::uint16_t transcoders) {
  return static_cast<std::uint16_t>((place - 1u) % transcoders);
}

/// Not thread-safe: one thread runs it. Allocates only when it is made.
class Transcoder {
 public:
  /// `index` of rings.transcoders(); `places` of all of them together. The rings outlive it.
  Transcoder(std::uint16_t index, const TranscodeRings& rings, std::uint32_t places, std::uint32_t idle_sleep_us_max);

  /// One pass over the rings of all workers. Returns the packets converted. What there is no room to give back waits.
  std::uint32_t run_once();

  /// run_once until `stop`, sleeping in between when idle if it may.
  void run(const std::atomic<bool>& stop);

 private:
  /// A codec, and the stream that it is of.
  struct Slot {
    PayloadCodec codec;
    proto::FlowId flow;
    std::uint32_t version;
    std::uint32_t ssrc;
  };

  std::uint32_t serve(rte_ring* from, rte_ring* back);
  void convert(TranscodeJob& job);
  Slot& slot_of(const TranscodeJob& job);

  std::uint16_t index_;
  const TranscodeRings& rings_;
  std::unique_ptr<std::uint8_t[], void (*)(void*)> memory_;
  std::vector<Slot> slots_;
  Repacketizer repacketizer_;
  IdlePacer pacer_;
  std::array<TranscodeJob, kBurstMax> jobs_;
};

}  // namespace weir::dataplane
