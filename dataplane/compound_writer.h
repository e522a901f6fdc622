// An RTCP compound that takes another's place: written beside it, for what is made may be longer than what was.
// RFC 3550 section 6.1.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "dataplane/burst.h"
#include "proto/bytes.h"
#include "proto/counters.h"
#include "proto/limits.h"
#include "proto/rtcp.h"

namespace weir::dataplane {

class CompoundWriter {
 public:
  /// A whole packet, or a part of one. False: it does not fit.
  bool add(proto::Bytes packet) {
    if (packet.size() > bytes_.size() - used_) return false;
    std::memcpy(bytes_.data() + used_, packet.data(), packet.size());
    used_ += packet.size();
    return true;
  }
  [[nodiscard]] proto::Bytes bytes() const { return {bytes_.data(), used_}; }

 private:
  std::array<std::uint8_t, proto::kDatagramBytesMax> bytes_;
  std::size_t used_ = 0;
};

/// Puts it in the packet's place.
inline proto::DropReason replace_compound(Burst& burst, std::uint32_t packet, proto::Bytes compound) {
  // A BYE of nobody alone: SRTCP needs an SSRC (RFC 3711 section 3.4).
  if (compound.size() < proto::kRtcpHeaderBytes) return proto::DropReason::kRtcpMalformed;
  if (compound.size() > burst.room[packet]) return proto::DropReason::kTooLong;
  std::memcpy(burst.data[packet], compound.data(), compound.size());
  burst.bytes[packet] = static_cast<std::uint32_t>(compound.size());
  burst.ssrc[packet] = proto::load_be32(compound.data() + 4);
  return proto::DropReason::kNone;
}

}  // namespace weir::dataplane
