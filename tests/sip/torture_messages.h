// The messages of RFC 4475 and RFC 5118, by the RFCs' names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::sip {

/// The bytes of the message of that name; fails the test if there is none.
std::string torture(std::string_view name);

/// All names, in order.
std::vector<std::string> torture_names();

/// The session description most of them carry; ends in CRLF.
std::string torture_sdp(std::string_view address, std::string_view time = "0 0");

/// LF as CRLF: messages are written down as people read them.
std::string crlf(std::string_view text);

}  // namespace weir::sip
