// STUN header view. RFC 8489 section 5. Attributes are the business of controlplane/ice.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "proto/bytes.h"

namespace weir::proto {

inline constexpr std::size_t kStunHeaderBytes = 20;
inline constexpr std::uint32_t kStunMagicCookie = 0x2112a442;
inline constexpr std::uint16_t kStunBindingRequest = 0x0001;

struct StunView {
  std::uint16_t type;  ///< method and class, 14 bits
  std::array<std::uint8_t, 12> transaction_id;
  Bytes attributes;
};

/// Header with magic cookie, and a length that is a multiple of four and ends exactly at the datagram's end.
std::optional<StunView> parse_stun(Bytes datagram);

}  // namespace weir::proto
