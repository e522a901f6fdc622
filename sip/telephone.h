// Telephone: the number that a tel URI, or a sip URI of a phone's user, means. RFC 3966 section 3; RFC 3261 section
// 19.1.6.
#pragma once

#include <optional>
#include <string>

#include "sip/uri.h"

namespace weir::sip {

/// A telephone-subscriber. A value type.
struct Telephone {
  /// Without visual separators; "+" first if it is global. Local ones may hold A to F (upper case), * and #.
  std::string number;
  std::string context;  ///< phone-context of a local number, as written: a domain or a global prefix; empty if not said
  Parameters parameters;  ///< the others: isub, ext, those of number portability (rn, npdi: RFC 4694), ...

  [[nodiscard]] bool global() const { return number.starts_with('+'); }
  bool operator==(const Telephone&) const = default;
};

/// Of a tel URI, or of a sip or sips URI with user=phone: its user part holds the same text. nullopt if it is another
/// URI, or malformed. A local number without phone-context, which section 5.1.5 forbids and dial plans live on, is
/// taken.
std::optional<Telephone> telephone_of(const Uri& uri);

/// As a tel URI.
Uri make_tel_uri(const Telephone& telephone);

}  // namespace weir::sip
