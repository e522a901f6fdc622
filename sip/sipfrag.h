// message/sipfrag: a piece of a SIP message as a body, such as the status line with which a NOTIFY tells how far a
// transfer has come. RFC 3420; RFC 3515 section 2.4.5.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sip/message.h"
#include "sip/status_line.h"

namespace weir::sip {

/// For Content-Type (RFC 3420 section 7).
inline constexpr std::string_view kSipfragType = "message/sipfrag;version=2.0";

/// A fragment of one status line, with its line end. An empty `reason` becomes reason_phrase(status); CR and LF in it
/// become spaces.
std::string write_sipfrag(std::uint16_t status, std::string_view reason = {});

/// The status line a fragment begins with, headers after it ignored; nullopt if it begins with none. The line end may
/// be missing. The view points into `body`.
std::optional<StatusLine> parse_sipfrag(std::string_view body);

/// The same for a message's body, if that is a fragment.
std::optional<StatusLine> sipfrag_status(const Message& message);

}  // namespace weir::sip
