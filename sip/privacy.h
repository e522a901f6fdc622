// Privacy: what a user wants kept from the other side. RFC 3323 section 4.2; "id" RFC 3325 section 9.3, "history" RFC
// 7044 section 10.1.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sip/message.h"

namespace weir::sip {

/// Nobody's domain: of callers that are not shown (RFC 3323 section 4.1.1.3).
inline constexpr std::string_view kAnonymousHost = "anonymous.invalid";

/// The wishes, as written.
struct Privacy {
  std::vector<std::string> values;  ///< "id", "header", "session", "user", "history", "critical", "none", ...

  /// Whether it holds that wish; compares without case.
  [[nodiscard]] bool wants(std::string_view value) const;
  bool operator==(const Privacy&) const = default;
};

/// Those of every Privacy line of the message, whether semicolons or commas part them. Something that is no token
/// counts as `id`: who asked for privacy in a way we cannot read shall not be shown.
Privacy privacy_of(const Message& message);

/// The header's value, "id;critical"; empty if there is none.
std::string write(const Privacy& privacy);

/// What of a message's sender nobody is to see who is not trusted.
struct HiddenParts {
  bool name = false;   ///< who it is: wishes of RFC 3323 and RFC 3325, or a From that names nobody
  bool media = false;  ///< that its media are those of another call: the same, or `session`

  bool operator==(const HiddenParts&) const = default;
};

/// From is read of requests alone: a response has its request's.
HiddenParts hidden_parts(const Message& message);

}  // namespace weir::sip
