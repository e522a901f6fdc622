#include "dataplane/stream_statistics.h"

#include <atomic>

namespace weir::dataplane {
namespace {

using proto::FlowStatus;
using proto::StreamStatus;

/// No packet's index comes next after this one.
constexpr std::uint64_t kNoIndex = ~std::uint64_t{1};
constexpr std::int64_t kRecentPackets = 64;

StreamStatus* find_current(FlowStatus& status) {
  for (StreamStatus& stream : status.streams) {
    if ((stream.version & proto::kStreamCurrent) != 0) return &stream;
  }
  return nullptr;
}

StreamStatus* find_stream(FlowStatus& status, std::uint32_t ssrc) {
  for (StreamStatus& stream : status.streams) {
    if (stream.recent != 0 && stream.ssrc == ssrc) return &stream;
  }
  return nullptr;
}

/// Pairs with read_stream: a reader that saw anything of what follows sees the odd version too, or a later one.
void begin_change(StreamStatus& stream) {
  const std::atomic_ref<std::uint32_t> version(stream.version);
  version.store(stream.version | proto::kStreamChanging, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
}

/// From resting to current or back: bit 1 changes with every other step.
void end_change(StreamStatus& stream) {
  const std::atomic_ref<std::uint32_t> version(stream.version);
  version.store(stream.version + 1, std::memory_order_release);
}

void lay_down(FlowStatus& status, StreamStatus& stream) {
  begin_change(stream);
  stream.packets += status.rtp_packets_in;
  stream.bytes += status.rtp_bytes_in;
  stream.index_highest = status.rtp_index_highest;
  stream.recent = status.rtp_recent;
  stream.transit = status.rtp_transit;
  stream.jitter_16 = status.rtp_jitter_16;
  end_change(stream);
}

void take_up(FlowStatus& status, StreamStatus& stream) {
  stream.packets -= status.rtp_packets_in;
  stream.bytes -= status.rtp_bytes_in;
  status.ssrc_last = stream.ssrc;
  status.rtp_index_highest = stream.index_highest;
  status.rtp_recent = stream.recent;
  status.rtp_transit = stream.transit;
  status.rtp_jitter_16 = stream.jitter_16;
}

/// A free slot, or that of the stream with the fewest packets: a stray packet's gives way first.
StreamStatus& slot_for_new(FlowStatus& status) {
  StreamStatus* fewest = &status.streams.front();
  for (StreamStatus& stream : status.streams) {
    if (stream.recent == 0) return stream;
    if (stream.packets < fewest->packets) fewest = &stream;
  }
  return *fewest;
}

/// Begins a stream in a slot, with its first packet.
void begin_stream(StreamStatus& stream, std::uint32_t ssrc, std::uint64_t index, std::uint32_t transit) {
  stream.packets = 0;
  stream.bytes = 0;
  stream.origin = index - 1;
  stream.index_highest = index;
  stream.recent = 1;
  stream.ssrc = ssrc;
  stream.transit = transit;
  stream.jitter_16 = 0;
  stream.reordered = 0;
  stream.duplicates = 0;
}

/// Makes the packet's stream the current one. True: the packet is its first, and counted.
bool change_stream(FlowStatus& status, std::uint32_t ssrc, std::uint64_t index, std::uint32_t transit) {
  if (StreamStatus* before = find_current(status); before != nullptr) lay_down(status, *before);
  StreamStatus* known = find_stream(status, ssrc);
  StreamStatus& stream = known != nullptr ? *known : slot_for_new(status);
  begin_change(stream);
  if (known == nullptr) begin_stream(stream, ssrc, index, transit);
  take_up(status, stream);
  end_change(stream);
  return known == nullptr;
}

}  // namespace

void start_streams(FlowStatus& status, std::uint32_t ticks) {
  status.streams = {};
  status.rtp_index_highest = kNoIndex;
  status.rtp_recent = 0;
  status.ssrc_last = 0;
  status.rtp_transit = 0;
  status.rtp_jitter_16 = 0;
  status.rtp_ticks = ticks;
}

void mend_streams(FlowStatus& status) {
  bool whole = status.rtp_recent == 0 || find_current(status) != nullptr;
  for (const StreamStatus& stream : status.streams) whole = whole && (stream.version & proto::kStreamChanging) == 0;
  if (!whole) start_streams(status, status.rtp_ticks);
}

std::uint64_t extend_resting_sequence(const FlowStatus& status, std::uint32_t ssrc, std::uint16_t sequence) {
  for (const StreamStatus& stream : status.streams) {
    if (stream.recent != 0 && stream.ssrc == ssrc) return extend_sequence(stream.index_highest, sequence);
  }
  return sequence;
}

void count_irregular(FlowStatus& status, std::uint32_t ssrc, std::uint64_t index, std::uint32_t transit) {
  const bool other = status.rtp_recent == 0 || ssrc != status.ssrc_last;
  if (other && change_stream(status, ssrc, index, transit)) return;
  StreamStatus* stream = find_current(status);
  if (stream == nullptr) return;
  const auto ahead = static_cast<std::int64_t>(index - status.rtp_index_highest);
  if (ahead > 0 && ahead < kDropoutMax) {
    status.rtp_recent = ahead < kRecentPackets ? status.rtp_recent << ahead | 1 : 1;
    status.rtp_index_highest = index;
  } else if (ahead <= 0 && -ahead < kMisorderMax) {
    const std::uint64_t bit = -ahead < kRecentPackets ? std::uint64_t{1} << -ahead : 0;
    ++((status.rtp_recent & bit) != 0 ? stream->duplicates : stream->reordered);
    status.rtp_recent |= bit;
  } else {
    stream->origin = index - 1 - (status.rtp_index_highest - stream->origin);
    status.rtp_index_highest = index;
    status.rtp_recent = 1;
    status.rtp_transit = transit;
  }
}

void count_duplicate(FlowStatus& status, std::uint32_t ssrc) {
  if (StreamStatus* stream = find_stream(status, ssrc); stream != nullptr) ++stream->duplicates;
}

}  // namespace weir::dataplane
