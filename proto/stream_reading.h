// How the statistics of a flow's streams are read while weir-media writes them. RFC 3550 sections 6.4.1 and A.3.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "proto/flow.h"

namespace weir::proto {

/// One stream at one moment.
struct StreamReading {
  std::uint32_t ssrc;
  bool current;              ///< the flow's last RTP packet was its
  std::uint64_t packets;     ///< accepted; late ones and, on a plain flow, duplicates included
  std::uint64_t bytes;       ///< UDP payload
  std::uint64_t expected;    ///< from the first sequence number to the highest
  std::uint64_t lost;        ///< expected minus received (RFC 3550 A.3); a duplicate makes up for no lost packet
  std::uint32_t reordered;   ///< came after a packet with a higher sequence number
  std::uint32_t duplicates;  ///< had come before
  std::uint32_t clock_hz;    ///< of its timestamps; 0: not known
  double jitter_ms;          ///< interarrival jitter; 0 without a clock

  friend bool operator==(const StreamReading&, const StreamReading&) = default;
};

/// The stream in a slot < kStreamsShownMax of a status that lies in the region (not of a copy), or nullopt if there is
/// none, or if weir-media was never seen between two changes.
inline std::optional<StreamReading> read_stream(const FlowStatus& status, std::size_t slot) {
  constexpr int kTries = 100;
  const StreamStatus& shared = status.streams[slot];
  auto& version_at = const_cast<std::uint32_t&>(shared.version);  // atomic_ref of C++20 takes no const; only loads
  for (int i = 0; i < kTries; ++i) {
    const std::atomic_ref<std::uint32_t> version(version_at);
    const std::uint32_t before = version.load(std::memory_order_acquire);
    if ((before & kStreamChanging) != 0) continue;
    const StreamStatus stream = shared;
    const bool current = (before & kStreamCurrent) != 0;
    const std::uint64_t packets = stream.packets + (current ? status.rtp_packets_in : 0);
    const std::uint64_t bytes = stream.bytes + (current ? status.rtp_bytes_in : 0);
    const std::uint64_t highest = current ? status.rtp_index_highest : stream.index_highest;
    const std::uint32_t jitter_16 = current ? status.rtp_jitter_16 : stream.jitter_16;
    const std::uint32_t clock_hz = rtp_clock_hz_of(status.rtp_ticks);
    const bool plain = !is_srtp(status.receive_profile);
    std::atomic_thread_fence(std::memory_order_acquire);  // pairs with begin_change in dataplane/stream_statistics.cc
    if (version.load(std::memory_order_relaxed) != before) continue;
    if (stream.recent == 0) return std::nullopt;
    const std::uint64_t expected = highest - stream.origin;
    const std::uint64_t received = packets - (plain ? stream.duplicates : 0);
    return StreamReading{.ssrc = stream.ssrc,
                         .current = current,
                         .packets = packets,
                         .bytes = bytes,
                         .expected = expected,
                         .lost = expected > received ? expected - received : 0,
                         .reordered = stream.reordered,
                         .duplicates = stream.duplicates,
                         .clock_hz = clock_hz,
                         .jitter_ms = clock_hz == 0 ? 0 : jitter_16 * 1000.0 / 16 / clock_hz};
  }
  return std::nullopt;
}

/// All streams of a flow.
inline std::vector<StreamReading> read_streams(const FlowStatus& status) {
  std::vector<StreamReading> readings;
  for (std::size_t slot = 0; slot < kStreamsShownMax; ++slot) {
    if (const std::optional<StreamReading> reading = read_stream(status, slot)) readings.push_back(*reading);
  }
  return readings;
}

}  // namespace weir::proto
