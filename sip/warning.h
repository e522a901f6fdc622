// Warning: what went wrong, for people. RFC 3261 section 20.43.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::sip {

struct Warning {
  std::uint16_t code = 399;  ///< 100..999; 3xx are SIP's
  std::string agent;         ///< host with port, or a pseudonym
  std::string text;          ///< decoded

  bool operator==(const Warning&) const = default;
};

/// Parses one value (not a comma-separated list); nullopt if malformed.
std::optional<Warning> parse_warning(std::string_view text);

std::string write(const Warning& warning);

}  // namespace weir::sip
