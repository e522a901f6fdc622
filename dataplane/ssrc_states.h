// States of the SSRCs for which a flow's entry has no room (proto::kSsrcsNearMax): in a pool, taken with the first of
// them that authenticates, or that is sent. Given back only with the flow: RFC 3711 section 3.3.2 needs a window for as
// long as its key lives.
#pragma once

#include <cstdint>

namespace weir::dataplane {

struct Burst;
struct SrtcpState;
struct SsrcState;

enum class SsrcKind : std::uint8_t { kReceiveRtp, kSendRtp };

/// The state of a packet's SSRC (burst.ssrc) beyond the entry's own, or nullptr.
[[gnu::cold]] SsrcState* find_more_ssrc(Burst& burst, std::uint32_t packet, SsrcKind kind);

/// The same, or a free one; nullptr if the flow has as many as it may, or the pool is empty. For packets that have
/// authenticated, and for those we send.
[[gnu::cold]] SsrcState* find_or_add_more_ssrc(Burst& burst, std::uint32_t packet, SsrcKind kind);

/// The same of SRTCP that arrives, those in the entry included.
SrtcpState* find_srtcp_ssrc(Burst& burst, std::uint32_t packet);
SrtcpState* find_or_add_srtcp_ssrc(Burst& burst, std::uint32_t packet);

}  // namespace weir::dataplane
