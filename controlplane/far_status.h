// What one party is told of the other one's refusal.
#pragma once

#include <cstdint>

namespace weir::controlplane {

/// The status for the party that asked. Challenges, redirections and session intervals are between us and the party
/// that answered: neither its realm's credentials, nor its addresses, nor its timers concern anybody else.
constexpr std::uint16_t status_for_far_party(std::uint16_t status) {
  if (status == 401 || status == 407) return 403;
  return status < 400 || status == 422 ? 480 : status;
}

}  // namespace weir::controlplane
