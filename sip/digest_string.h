// What a signature of RFC 4474 is over: section 9 (digest-string).
#pragma once

#include <optional>
#include <string>

#include "sip/message.h"

namespace weir::sip {

/// "From's addr-spec|To's|Call-ID|CSeq|Date|Contact's addr-spec, or nothing|body", each byte as the request has it. Of
/// several Contacts the first. nullopt: From, To, Call-ID, CSeq or Date is missing or malformed.
std::optional<std::string> digest_string(const Message& request);

}  // namespace weir::sip
