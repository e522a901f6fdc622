#include "proto/demux.h"

namespace weir::proto {

PacketKind classify(Bytes payload) {
  if (payload.empty()) return PacketKind::kUnknown;
  const std::uint8_t first = payload[0];
  if (first >= 128 && first <= 191) {
    if (payload.size() < 2) return PacketKind::kUnknown;
    return payload[1] >= 192 && payload[1] <= 223 ? PacketKind::kRtcp : PacketKind::kRtp;
  }
  if (first <= 3) return PacketKind::kStun;
  if (first >= 16 && first <= 19) return PacketKind::kZrtp;
  if (first >= 20 && first <= 63) return PacketKind::kDtls;
  if (first >= 64 && first <= 79) return PacketKind::kTurnChannel;
  return PacketKind::kUnknown;
}

}  // namespace weir::proto
