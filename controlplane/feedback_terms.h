// What RTCP feedback was agreed on with a party: a=rtcp-fb as weir-media is told of it. RFC 4585 section 4.2, RFC 5104
// section 7, RFC 5506, RFC 8888.
#pragma once

#include <cstdint>

#include "sip/sdp.h"

namespace weir::controlplane {

/// proto::kFeedback*: the kinds that the party's description and ours both name, of whatever format, and whether
/// compounds may be of reduced size. None where either section's protocol has no feedback.
std::uint8_t understood_feedback(const sip::MediaSection& remote, const sip::MediaSection& local);

}  // namespace weir::controlplane
