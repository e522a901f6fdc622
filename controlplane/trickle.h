// Candidates that come after their description, by INFO. RFC 8840.
#pragma once

#include "sip/message.h"

namespace weir::controlplane {

/// Tells the peer that it may send candidates so: in what begins or renews a session on a leg that speaks ICE (`ice`;
/// else nothing is said). RFC 6086 section 4.2.1, RFC 8840 section 4.1.
void say_trickle(bool ice, sip::Message& message);

}  // namespace weir::controlplane
