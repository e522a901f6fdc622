// Session-Expires: how long a session lives without a refresh, and who refreshes it. RFC 4028 section 4. (Min-SE,
// section 5, is one number: Message::number.)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sip/parameters.h"

namespace weir::sip {

/// Who sends the refreshes, named by the roles of the request that agrees on them.
enum class Refresher : std::uint8_t { kUac, kUas };

struct SessionExpires {
  std::uint32_t seconds = 0;
  std::optional<Refresher> refresher;  ///< nullopt: not said
  Parameters parameters;               ///< the others

  bool operator==(const SessionExpires&) const = default;
};

/// nullopt if malformed; a refresher that is neither uac nor uas is malformed. Bounds (section 5: at least 90 s) are
/// the caller's to judge.
std::optional<SessionExpires> parse_session_expires(std::string_view text);

std::string write(const SessionExpires& session_expires);

}  // namespace weir::sip
