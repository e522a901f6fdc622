// Reason: why a request was sent or a call ended. RFC 3326 section 2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sip/message.h"

namespace weir::sip {

struct Reason {
  std::string protocol;                ///< "SIP", "Q.850", "Preemption", ...; compares without case
  std::optional<std::uint32_t> cause;  ///< a status code, a Q.850 cause, ...
  std::string text;                    ///< decoded; empty if there is none
  Parameters parameters;               ///< the others

  bool operator==(const Reason&) const = default;
};

/// Parses one value (not a comma-separated list). nullopt if malformed, or cause or text is there twice.
std::optional<Reason> parse_reason(std::string_view text);

/// Every well-formed Reason of the message, in order.
std::vector<Reason> reasons(const Message& message);

std::string write(const Reason& reason);

/// The value that says a SIP status.
std::string reason_header(std::uint16_t status, std::string_view text);

}  // namespace weir::sip
