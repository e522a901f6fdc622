// What RTCP says of who sends, beside the SSRCs: taken out towards a party that is not to know. RFC 3550 sections 6.5
// and 6.6, RFC 3323 section 4.3.
#pragma once

#include <array>
#include <cstdint>

#include "proto/counters.h"
#include "proto/source_disguise.h"

namespace weir::dataplane {

struct Burst;

/// Of every source description in a compound there stays, for each source, `cname` alone; of a BYE no reason; of what
/// applications define (APP) nothing. The SSRCs are as they were. Changes data, bytes. kRtcpMalformed where lengths do
/// not fit, kTooLong where there is no room, kFeedbackAbsorbed where nothing is left.
[[nodiscard]] proto::DropReason hide_description(Burst& burst, std::uint32_t packet,
                                                 const std::array<std::uint8_t, proto::kHiddenCnameBytes>& cname);

}  // namespace weir::dataplane
