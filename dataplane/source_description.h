// What RTCP says of who sends, beside the SSRCs: taken out towards a party that is not to know. RFC 3550 section 6,
// RFC 3611, RFC 3323 section 4.3.
#pragma once

#include <array>
#include <cstdint>

#include "proto/counters.h"
#include "proto/source_disguise.h"

namespace weir::dataplane {

struct Burst;

/// Leaves of a compound what is known to name nobody but by SSRC: reports without what profiles put behind them, of
/// source descriptions `cname` alone for each source, of a BYE no reason, feedback of RFC 4585, 5104 and 8888,
/// transport-wide and REMB, of extended reports the blocks of RFC 3611. What applications define (APP, PSFB AFB), all
/// other types, and padding go. The SSRCs are as they were. Changes data, bytes. kRtcpMalformed where lengths do not
/// fit, kTooLong where there is no room, kFeedbackAbsorbed where nothing is left.
[[nodiscard]] proto::DropReason hide_description(Burst& burst, std::uint32_t packet,
                                                 const std::array<std::uint8_t, proto::kHiddenCnameBytes>& cname);

}  // namespace weir::dataplane
