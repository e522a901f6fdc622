// quoted-string: text between quotes with its quoted-pairs. RFC 3261 section 25.1.
#pragma once

#include <string>
#include <string_view>

namespace weir::sip {

/// What a quoted-string says: without its quotes and backslashes. Text that does not begin with a quote stays as it is.
std::string unquote(std::string_view text);

/// Appends `text` as a quoted-string: quotes, backslashes and control characters as quoted-pairs. CR and LF have none
/// and become spaces.
void append_quoted(std::string& out, std::string_view text);

}  // namespace weir::sip
