// RTP timestamps of a stream whose codec changes on its way: 48,000 ticks a second become 8,000, or the other way
// round, without a leap where 32 bits wrap, or where the sender turns to a codec of another clock (RFC 7160).
#pragma once

#include <array>
#include <cstdint>

#include "proto/bytes.h"
#include "proto/transcode.h"

namespace weir::dataplane {

/// One SSRC's timestamps. Zeroed: none has come yet.
struct StreamClock {
  std::int64_t last;     ///< of the packet before, extended beyond 32 bits; it began as that of the first
  std::uint32_t ssrc;    ///< as it leaves
  std::uint32_t offset;  ///< added to what leaves
  std::uint32_t sent;    ///< the timestamp that left last
  proto::TimestampScale scale;
  std::uint8_t used;
  std::array<std::uint8_t, 10> reserved;
};
static_assert(sizeof(StreamClock) == 32);

/// A timestamp that does not go on from another: what leaves in its place before any wrap.
std::uint32_t scale_timestamp(std::uint32_t timestamp, proto::TimestampScale scale);

/// The timestamp of the next packet as it leaves. The first of a stream leaves scaled; after a change of scale it goes
/// on 20 ms behind the last one.
std::uint32_t advance_clock(StreamClock& clock, std::uint32_t timestamp, proto::TimestampScale scale);

/// What a timestamp of this stream that is told of elsewhere, as in a sender report, leaves as.
std::uint32_t read_clock(const StreamClock& clock, std::uint32_t timestamp);

/// A telephone-event's payload (RFC 4733 section 2.3.1): its duration is in the unit of the timestamps. Returns what
/// has to be added to the RTP timestamp: a duration that does not fit 16 bits any more begins a new segment of the
/// event (section 2.5.1.3). Nothing is written, and false, if the payload is too short.
bool scale_event(proto::MutableBytes payload, proto::TimestampScale scale, std::uint32_t& later);

}  // namespace weir::dataplane
