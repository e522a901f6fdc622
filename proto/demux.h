// What a datagram on a media port is: RFC 7983 first-byte ranges, with RFC 5761's split of RTP and RTCP.
#pragma once

#include <cstdint>

#include "proto/bytes.h"

namespace weir::proto {

enum class PacketKind : std::uint8_t { kUnknown, kStun, kZrtp, kDtls, kTurnChannel, kRtp, kRtcp };

/// Classifies a UDP payload of any length; an empty one, or one of a range RFC 7983 section 7 leaves free, is
/// kUnknown. RTP and RTCP share the range 128..191; the second byte 192..223 is RTCP (RFC 5761 section 4). A payload of
/// one byte in that range is kUnknown: it cannot be either.
PacketKind classify(Bytes payload);

}  // namespace weir::proto
