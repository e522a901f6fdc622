// What leaves protected and cannot go on as it came: a sender that starts its sequence numbers anew under one SSRC, as
// a PBX does after hold, or one that changes its SSRC more often than a flow keeps states. Its packets leave as the
// continuation of the stream before them, so that no index repeats (RFC 3711 section 9.1) and the call is not silent
// until the numbers have come round. From then on rewrite sees the flow's packets; the others' way is as it was.
#pragma once

#include <cstdint>

namespace weir::dataplane {

struct Burst;

/// Packets in a row that lie behind the window before they are a new start: RFC 3550 appendix A.1 takes two.
inline constexpr std::uint8_t kRestartPackets = 3;

/// For an RTP packet of which protect could take no index, because its SSRC has no state and no place for one, or its
/// sequence number was refused. True: SSRC and sequence number were changed in place, and it may be tried again.
[[gnu::cold]] bool continue_stream(Burst& burst, std::uint32_t packet);

}  // namespace weir::dataplane
