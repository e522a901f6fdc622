// Refer-To: whom a REFER asks to call, and how. RFC 3515 section 2.1; Replaces in it RFC 3891 section 3.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sip/name_addr.h"
#include "sip/replaces.h"
#include "sip/uri_headers.h"

namespace weir::sip {

struct ReferTo {
  /// Whom: what is left of the URI once method and headers are taken out, fit for a start line; display name and header
  /// parameters as they came.
  NameAddr target;
  std::string method = "INVITE";     ///< the URI's method parameter
  std::optional<Replaces> replaces;  ///< attended transfer: the dialog that the new one replaces
  std::vector<UriHeader> headers;    ///< the URI's other headers, decoded
};

/// nullopt if the URI, its method, its headers or its Replaces is malformed, or there are two Replaces.
std::optional<ReferTo> parse_refer_to(std::string_view text);

std::string write(const ReferTo& refer_to);

}  // namespace weir::sip
