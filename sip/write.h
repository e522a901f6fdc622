// Message to bytes. RFC 3261 sections 7 and 25.
#pragma once

#include <string>

#include "sip/message.h"

namespace weir::sip {

/// The message as it goes on the wire, headers in order and as they were written. Content-Length is the body's true
/// length, in its place, or added as the last header if there was none.
std::string write(const Message& message);
void append(std::string& out, const Message& message);

}  // namespace weir::sip
