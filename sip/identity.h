// P-Asserted-Identity and P-Preferred-Identity: who a trusted network says the user is, and who the user asks it to
// say. RFC 3325 section 9; RFC 5876 sections 4.3 to 4.5.
#pragma once

#include <optional>
#include <string>

#include "sip/message.h"

namespace weir::sip {

/// At most one identity of either kind. A value type.
struct Identity {
  std::optional<NameAddr> sip;  ///< sip or sips
  std::optional<NameAddr> tel;

  [[nodiscard]] bool empty() const { return !sip && !tel; }
};

/// What the header (kPAssertedIdentity or kPPreferredIdentity) of a message says: the first value of either kind;
/// others are ignored, as RFC 5876 section 4.5 wants. Empty if there is none, or one that is malformed: half a header
/// is no assertion.
Identity identity_of(const Message& message, HeaderId header);

/// The header's value: "<sip:...>, <tel:...>"; empty if there is none.
std::string write(const Identity& identity);

}  // namespace weir::sip
