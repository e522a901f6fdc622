#include "dataplane/stream_clock.h"

namespace weir::dataplane {
namespace {

using proto::TimestampScale;

constexpr std::int64_t kRatio = 6;
constexpr std::uint32_t kPacketTicks8k = 160;  // 20 ms, as most packets are (RFC 3551 section 4.2)

std::int64_t scaled(std::int64_t timestamp, TimestampScale scale) {
  switch (scale) {
    case TimestampScale::kSame:
      return timestamp;
    case TimestampScale::kTimes6:
      return timestamp * kRatio;
    case TimestampScale::kBy6:
      return timestamp >= 0 ? timestamp / kRatio : -((-timestamp + kRatio - 1) / kRatio);
  }
  return timestamp;
}

/// The extended timestamp closest to the last one.
std::int64_t extended(std::int64_t last, std::uint32_t timestamp) {
  return last + static_cast<std::int32_t>(timestamp - static_cast<std::uint32_t>(last));
}

std::uint32_t packet_ticks(TimestampScale scale) {
  return scale == TimestampScale::kTimes6 ? kPacketTicks8k * 6 : kPacketTicks8k;
}

constexpr std::size_t kEventBytes = 4;
constexpr std::uint32_t kSegmentTicks = 0xffff;

}  // namespace

std::uint32_t scale_timestamp(std::uint32_t timestamp, TimestampScale scale) {
  return static_cast<std::uint32_t>(scaled(timestamp, scale));
}

std::uint32_t advance_clock(StreamClock& clock, std::uint32_t timestamp, TimestampScale scale) {
  if (clock.used == 0) {
    clock.last = timestamp;
    clock.offset = 0;
  } else if (clock.scale != scale) {
    clock.last = timestamp;
    clock.offset = clock.sent + packet_ticks(scale) - scale_timestamp(timestamp, scale);
  } else {
    clock.last = extended(clock.last, timestamp);
  }
  clock.used = 1;
  clock.scale = scale;
  clock.sent = static_cast<std::uint32_t>(scaled(clock.last, scale)) + clock.offset;
  return clock.sent;
}

std::uint32_t read_clock(const StreamClock& clock, std::uint32_t timestamp) {
  return static_cast<std::uint32_t>(scaled(extended(clock.last, timestamp), clock.scale)) + clock.offset;
}

bool scale_event(proto::MutableBytes payload, TimestampScale scale, std::uint32_t& later) {
  later = 0;
  if (payload.size() < kEventBytes) return false;
  const std::uint32_t duration = proto::load_be16(payload.data() + 2);
  auto ticks = static_cast<std::uint32_t>(scaled(duration, scale));
  if (ticks > kSegmentTicks) {
    later = (ticks - 1) / kSegmentTicks * kSegmentTicks;
    ticks -= later;
  }
  proto::store_be16(payload.data() + 2, static_cast<std::uint16_t>(ticks));
  return true;
}

}  // namespace weir::dataplane
