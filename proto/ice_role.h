// Which of two ICE agents chooses the pair. RFC 8445 section 6.1.1.
#pragma once

#include <cstdint>

namespace weir::proto {

/// kNone: of a message that does not say, and of an agent that makes no checks (ICE-lite).
enum class IceRole : std::uint8_t { kNone, kControlling, kControlled };

constexpr IceRole opposite(IceRole role) {
  return role == IceRole::kControlling ? IceRole::kControlled : IceRole::kControlling;
}

/// Both agents say that they have the role `ours`: do we keep it? The greater tie-breaker controls; of equal ones who
/// was asked (RFC 8445 section 7.3.1.1).
constexpr bool keeps_role(IceRole ours, std::uint64_t our_tie_breaker, std::uint64_t their_tie_breaker) {
  return (our_tie_breaker >= their_tie_breaker) == (ours == IceRole::kControlling);
}

}  // namespace weir::proto
