// What a datagram on a media port is: RFC 7983 first-byte ranges, with RFC 5761's split of RTP and RTCP.
#pragma once

#include <cstdint>

#include "proto/bytes.h"

namespace weir::proto {

enum class PacketKind : std::uint8_t { kUnknown, kStun, kZrtp, kDtls, kTurnChannel, kRtp, kRtcp };

/// Classifies a UDP payload of any length; an empty one, or one of a range RFC 7983 section 7 leaves free, is
/// kUnknown. RTP and RTCP share the range 128..191; the second byte 192..223 is RTCP (RFC 5761 section 4). A payload of
/// one byte in that range is kUnknown: it cannot be either.
inline PacketKind classify(Bytes payload) {
  if (payload.empty()) return PacketKind::kUnknown;
  const std::uint8_t first = payload[0];
  if (first >> 6 == 2) {  // 128..191
    if (payload.size() < 2) return PacketKind::kUnknown;
    return payload[1] >> 5 == 6 ? PacketKind::kRtcp : PacketKind::kRtp;  // 192..223
  }
  if (first <= 3) return PacketKind::kStun;
  if (first >= 16 && first <= 19) return PacketKind::kZrtp;
  if (first >= 20 && first <= 63) return PacketKind::kDtls;
  if (first >= 64 && first <= 79) return PacketKind::kTurnChannel;
  return PacketKind::kUnknown;
}

}  // namespace weir::proto
