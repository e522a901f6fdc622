// Status-Line: the first line of a response. RFC 3261 section 7.2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::sip {

struct StatusLine {
  std::uint16_t status = 0;  ///< 100..699
  std::string_view reason;   ///< as written; may be empty
};

/// SIP-Version SP Status-Code SP Reason-Phrase, without its line end; the last space may be missing where the phrase
/// is. nullopt if malformed or of another version. The view points into `line`.
std::optional<StatusLine> parse_status_line(std::string_view line);

/// Appends "SIP/2.0 180 Ringing" without a line end.
void append(std::string& out, const StatusLine& line);

}  // namespace weir::sip
