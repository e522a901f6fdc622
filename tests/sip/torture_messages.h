// The messages of RFC 4475 that concern syntax, by the RFC's names.
#pragma once

#include <string>
#include <string_view>

namespace weir::sip {

/// The bytes of the message of that name; fails the test if there is none.
std::string torture(std::string_view name);

/// The session description most of them carry; ends in CRLF.
std::string torture_sdp(std::string_view address, std::string_view time = "0 0");

/// LF as CRLF: messages are written down as people read them.
std::string crlf(std::string_view text);

}  // namespace weir::sip
