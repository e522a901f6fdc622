// Stage 5: RTP and RTCP in, SRTP and SRTCP out. RFC 3711 sections 3.3 and 3.4, RFC 7714 sections 8 and 9.
#pragma once

namespace weir::dataplane {

struct Burst;
class Cipher;

/// Works on burst.media in order. Reads data, bytes, room, kind, flow, header_bytes, ssrc; writes index, notes, noted,
/// and bytes with tag and SRTCP index. The send index is recorded in the flow's entry before the packet can leave, and
/// a (key, SSRC, index) never comes twice: what would repeat one leaves burst.media as send_replayed, what would pass
/// the key's lifetime as key_exhausted, an SSRC too many as ssrc_unknown, what has no room for the tag as too_long.
void protect(Burst& burst, Cipher& cipher);

}  // namespace weir::dataplane
