// A body that crosses the border as it is, with the headers that say what it is. RFC 3261 section 7.4.1.
#pragma once

#include "sip/message.h"

namespace weir::controlplane {

/// Gives `to` the body of `from`, its Content-Type and the other headers that describe it.
void pass_body(const sip::Message& from, sip::Message& to);

}  // namespace weir::controlplane
