// What a flow that is transcoded keeps beside its entry, in weir-media's private memory: a restart goes on with it. The
// codecs themselves are not kept: they belong to a transcoder, which begins them anew.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/stream_clock.h"
#include "proto/transcode.h"

namespace weir::dataplane {

/// SSRCs at a time: one that speaks, and those of before a change.
inline constexpr std::size_t kStreamClocksMax = 4;

/// Owned by the flow's worker.
struct alignas(64) TranscodeState {
  proto::TranscodeSpec spec;
  std::uint32_t version;     ///< of spec since the flow began: other codecs begin anew
  std::uint32_t next_clock;  ///< to be given to the next new SSRC
  std::array<StreamClock, kStreamClocksMax> clocks;
};
static_assert(sizeof(TranscodeState) == 192);

/// The pair of a payload type as it arrives, or nullptr.
inline const proto::TranscodePair* find_pair(const proto::TranscodeSpec& spec, std::uint8_t payload_type) {
  for (std::uint8_t i = 0; i < spec.pairs; ++i) {
    if (spec.pair[i].from_type == payload_type) return &spec.pair[i];
  }
  return nullptr;
}

/// The clock of an SSRC as it leaves, or nullptr.
inline StreamClock* find_clock(TranscodeState& state, std::uint32_t ssrc) {
  for (StreamClock& clock : state.clocks) {
    if (clock.used != 0 && clock.ssrc == ssrc) return &clock;
  }
  return nullptr;
}

/// As find_clock; a new SSRC takes the place of the one that came longest ago.
inline StreamClock& find_or_add_clock(TranscodeState& state, std::uint32_t ssrc) {
  if (StreamClock* clock = find_clock(state, ssrc); clock != nullptr) return *clock;
  StreamClock& clock = state.clocks[state.next_clock++ % kStreamClocksMax];
  clock = {};
  clock.ssrc = ssrc;
  return clock;
}

}  // namespace weir::dataplane
