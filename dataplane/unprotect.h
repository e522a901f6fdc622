// Stage 3: SRTP and SRTCP in, RTP and RTCP out. RFC 3711 sections 3.3 and 3.4, RFC 7714 sections 8 and 9.
// check -> verify (in batches by suite) -> commit -> decrypt: nothing of an unauthenticated packet changes any state.
#pragma once

#include <cstdint>

namespace weir::dataplane {

struct Burst;
class Cipher;

/// Works on burst.media in order. Reads data, bytes, kind, flow, status; writes header_bytes, ssrc, index, notes,
/// noted, and bytes without tag and SRTCP index. What fails leaves burst.media with a verdict. Packets of plain flows
/// have their headers validated and are accepted. Counts accepted packets and bytes in status.
void unprotect(Burst& burst, Cipher& cipher);

/// The same of one packet that somebody else has authenticated and decrypted (InjectKind::kReceived): what is left to
/// do is what a plain flow's packets go through. It is not in burst.media: a bad one has its verdict.
void take_returned(Burst& burst, std::uint32_t packet);

}  // namespace weir::dataplane
