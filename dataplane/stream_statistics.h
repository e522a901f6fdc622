// What a flow's RTP looks like as it arrives, by SSRC: loss, reordering, duplicates, jitter. RFC 3550 sections 6.4.1,
// A.1, A.3 and A.8. The common packet, the next of the current stream, touches only the cache line of FlowStatus that
// holds the flow's own counters; another SSRC's first exchanges what lies there with that SSRC's StreamStatus.
#pragma once

#include <cstdint>

#include "proto/flow.h"

namespace weir::dataplane {

/// Further ahead than this, or further behind, a sequence number begins a new run: the packets between are not lost, as
/// with a sender that started again (RFC 3550 A.1: MAX_DROPOUT, MAX_MISORDER). Behind as far as a secured flow's
/// window.
inline constexpr std::int64_t kDropoutMax = 3000;
inline constexpr std::int64_t kMisorderMax = proto::kReplayWindowPackets;

/// One accepted RTP packet.
struct RtpArrival {
  std::uint32_t ssrc;
  std::uint32_t timestamp;
  std::uint64_t index;   ///< secured flows: the SRTP index; plain ones: extend_sequence
  std::uint64_t now_ns;  ///< of its burst: that is as exact as jitter gets
};

/// Before the first packet of an installed flow. `ticks` as FlowStatus::rtp_ticks.
void start_streams(proto::FlowStatus& status, std::uint32_t ticks);
/// After a restart of weir-media: what it left half exchanged, if anything, begins anew.
void mend_streams(proto::FlowStatus& status);

/// The sequence number with the cycles that the stream has behind it (RFC 3550 A.1).
inline std::uint64_t extend_sequence(std::uint64_t highest, std::uint16_t sequence) {
  const auto ahead = static_cast<std::int16_t>(static_cast<std::uint16_t>(sequence - highest));
  return highest + static_cast<std::uint64_t>(std::int64_t{ahead});
}
/// The same for a plain flow's packet, whichever stream it belongs to.
[[gnu::cold]] std::uint64_t extend_resting_sequence(const proto::FlowStatus& status, std::uint32_t ssrc,
                                                    std::uint16_t sequence);
[[gnu::always_inline]] inline std::uint64_t extend_sequence(const proto::FlowStatus& status, std::uint32_t ssrc,
                                                            std::uint16_t sequence) {
  if (ssrc == status.ssrc_last && status.rtp_recent != 0) [[likely]]
    return extend_sequence(status.rtp_index_highest, sequence);
  return extend_resting_sequence(status, ssrc, sequence);
}

/// For count_rtp: a packet of another stream, or not the next one.
[[gnu::cold, gnu::noinline]] void count_irregular(proto::FlowStatus& status, std::uint32_t ssrc, std::uint64_t index,
                                                  std::uint32_t transit);

/// Counts a packet, before it is counted in the flow's packets and bytes.
[[gnu::always_inline]] inline void count_rtp(proto::FlowStatus& status, const RtpArrival& arrival) {
  const auto arrived =
      static_cast<std::uint32_t>(arrival.now_ns * status.rtp_ticks >> 32);  // modulo 2^32, as timestamps
  const std::uint32_t transit = arrived - arrival.timestamp;
  if (arrival.ssrc == status.ssrc_last && arrival.index == status.rtp_index_highest + 1) [[likely]] {
    status.rtp_index_highest = arrival.index;
    status.rtp_recent = status.rtp_recent << 1 | 1;
  } else {
    count_irregular(status, arrival.ssrc, arrival.index, transit);
  }
  if (status.rtp_ticks == 0) return;
  const std::uint32_t change = transit - status.rtp_transit;
  const std::uint32_t sign = 0u - (change >> 31);  // no branch: its sign is anybody's guess
  const std::uint32_t distance = (change ^ sign) - sign;
  status.rtp_transit = transit;
  status.rtp_jitter_16 += distance - ((status.rtp_jitter_16 + 8) >> 4);
}

/// A packet of this SSRC was dropped as replayed. Nobody has looked at its tag.
void count_duplicate(proto::FlowStatus& status, std::uint32_t ssrc);

}  // namespace weir::dataplane
