// What a datagram on a media port is, by the letter of RFC 7983 section 7 and RFC 5761 section 4: the tables that
// Weir's own classification is held against.
#pragma once

#include "proto/bytes.h"
#include "proto/demux.h"

namespace weir::tests {

inline proto::PacketKind rfc7983_kind(proto::Bytes payload) {
  using proto::PacketKind;
  if (payload.empty()) return PacketKind::kUnknown;
  const unsigned first = payload[0];
  if (first <= 3) return PacketKind::kStun;
  if (first >= 16 && first <= 19) return PacketKind::kZrtp;
  if (first >= 20 && first <= 63) return PacketKind::kDtls;
  if (first >= 64 && first <= 79) return PacketKind::kTurnChannel;
  if (first < 128 || first > 191) return PacketKind::kUnknown;
  // One byte of their range can be neither of the two.
  if (payload.size() < 2) return PacketKind::kUnknown;
  // RFC 5761 section 4: RTCP packet types 192..223, the payload type field with the marker bit.
  return payload[1] >= 192 && payload[1] <= 223 ? PacketKind::kRtcp : PacketKind::kRtp;
}

}  // namespace weir::tests
