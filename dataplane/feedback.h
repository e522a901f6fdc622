// RTCP feedback that the far side does not understand, taken out or made into what it does: RewriteSpec::absorbs.
// RFC 4585 section 6, RFC 5104 section 4.3.1 (FIR), RFC 5506 (reduced size), RFC 3550 section 6.1 (compounds).
#pragma once

#include <cstdint>

#include "proto/counters.h"

namespace weir::dataplane {

struct Burst;

/// Works on one RTCP packet of the burst, a compound in the clear; its flow absorbs something. What is left of it is a
/// valid compound for who does not know RFC 5506. kFeedbackAbsorbed: nothing is. kRtcpMalformed: its lengths do not
/// fit.
///
/// A request for a picture goes on as the other kind where the far side knows only that. A FIR asks kFirEntriesMax
/// senders at most, so that what is made of it is no longer than it was. A FIR that is made of a PLI bears the time as
/// its sequence number: within about a second all are one request said again (RFC 5104 section 4.3.1.1), so that
/// nobody can ask for a picture with each packet.
proto::DropReason absorb_feedback(Burst& burst, std::uint32_t packet);

inline constexpr std::uint32_t kFirEntriesMax = 3;

}  // namespace weir::dataplane
