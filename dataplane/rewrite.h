// Stage 4: the fields of RTP and RTCP as the far side shall see them, by the flow's RewriteSpec.
// RFC 3550 sections 5.1 and 6, RFC 4585 section 6.1 (feedback), RFC 8285 (header extensions).
#pragma once

namespace weir::dataplane {

struct Burst;

/// Works on burst.media, whose packets are in the clear. Reads data, bytes, kind, flow, header_bytes; changes the
/// packets in place, ssrc, and where a header extension is taken out data, bytes, room and header_bytes. Flows that ask
/// for nothing are passed over. RTCP whose lengths do not fit leaves as rtcp_malformed, for half of its SSRCs would be
/// the wrong side's. Feedback first passes absorb_feedback.
void rewrite(Burst& burst);

}  // namespace weir::dataplane
