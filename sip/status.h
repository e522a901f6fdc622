// Reason phrases of SIP status codes. RFC 3261 section 21 and the IANA registry.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::sip {

/// "Ringing" for 180 and so on. An unknown code gets its class's x00 phrase (section 8.1.3.2), a code outside 100..699
/// an empty one.
std::string_view reason_phrase(std::uint16_t status);

}  // namespace weir::sip
