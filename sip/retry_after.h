// Retry-After: when a peer may be asked again. RFC 3261 section 20.33. (Expires and Min-Expires are one number:
// Message::number.)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sip/parameters.h"

namespace weir::sip {

struct RetryAfter {
  std::uint32_t seconds = 0;
  std::optional<std::uint32_t> duration_s;  ///< how long the peer will be there from then on
  Parameters parameters;                    ///< the others

  bool operator==(const RetryAfter&) const = default;
};

/// The comment, if there is one, is forgotten. nullopt if malformed.
std::optional<RetryAfter> parse_retry_after(std::string_view text);

std::string write(const RetryAfter& retry_after);

}  // namespace weir::sip
