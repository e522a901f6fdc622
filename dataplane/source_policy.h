// Whose packets a flow takes: what proto::SourcePolicy, the latch's window and its mask mean. Only checks; what was
// learned is recorded by lookup's commit_admission, once the packet has authenticated.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dataplane/flow_table.h"

namespace weir::dataplane {

/// FlowEntry::latch_until_ms: whether kLatch takes a source while nothing was latched. Any other value: until then.
inline constexpr std::uint32_t kLatchClosed = 0;  ///< only FlowEntry::peer
inline constexpr std::uint32_t kLatchOpen = 1;

/// CLOCK_MONOTONIC as FlowEntry::latch_until_ms counts it.
constexpr std::uint32_t latch_ms(std::uint64_t now_ns) {
  return static_cast<std::uint32_t>(now_ns / 1'000'000);
}

/// Opens a flow's latch for so long. 0: for as long as it takes on a secured leg, where only an authenticated packet
/// closes it; not at all on a plain one, where anyone's first packet would own the stream (RTP bleed).
inline void open_latch(FlowEntry& flow, std::uint32_t window_ms, std::uint64_t now_ns) {
  const bool secured = flow.receive_profile != proto::SrtpProfile::kNone;
  flow.latch_until_ms =
      window_ms == 0 ? (secured ? kLatchOpen : kLatchClosed) : std::max(latch_ms(now_ns) + window_ms, kLatchOpen + 1);
}

inline bool latch_is_over(const FlowEntry& flow, std::uint64_t now_ns) {
  return flow.latch_until_ms > kLatchOpen &&
         static_cast<std::int32_t>(latch_ms(now_ns) - flow.latch_until_ms) >= 0;  // RFC 1982: the clock wraps
}

/// For a flow that has new keys: where nobody authenticates any more, a latch without an end would be anyone's.
inline void close_latch_of_plain(FlowEntry& flow) {
  const bool plain = flow.receive_profile == proto::SrtpProfile::kNone;
  if (plain && flow.latch_until_ms == kLatchOpen) flow.latch_until_ms = kLatchClosed;
}

/// For housekeeping, often enough that a clock that has wrapped opens nothing again.
inline void close_latch_in_time(FlowEntry& flow, std::uint64_t now_ns) {
  if (latch_is_over(flow, now_ns)) flow.latch_until_ms = kLatchClosed;
}

/// The mask of a restricted latch: as many leading bits as the flow asks for are the peer's.
inline bool is_within_mask(const FlowEntry& flow, const proto::Endpoint& source) {
  return flow.latch_prefix_bits == 0 ||
         (flow.peer.port != 0 && proto::share_prefix(source.address, flow.peer.address, flow.latch_prefix_bits));
}

/// Any source may show itself here: authentication, or the first valid packet, decides.
[[gnu::always_inline]] inline bool takes_any_source(const FlowEntry& flow) {
  return flow.source_policy == proto::SourcePolicy::kRelatch ||
         (flow.source_policy == proto::SourcePolicy::kLatch && (flow.marks & kMarkLatched) == 0);
}

/// May media come from here? For a flow that takes_any_source: may this source be learned?
inline bool allows_media(const FlowEntry& flow, const proto::Endpoint& source, std::uint64_t now_ns) {
  if (source == flow.peer) return true;
  if (!takes_any_source(flow)) return false;
  if (flow.source_policy == proto::SourcePolicy::kLatch &&
      (flow.latch_until_ms == kLatchClosed || latch_is_over(flow, now_ns))) {
    return false;
  }
  return is_within_mask(flow, source);
}

/// May what is punted, DTLS or STUN, come from here? A peer that moves, or whose address is not known yet, shows itself
/// by these first, so that a latch that has closed does not keep them out: its mask does. Not asked under kIce.
inline bool allows_punt(const FlowEntry& flow, const proto::Endpoint& source) {
  if (source == flow.peer) return true;
  if (flow.source_policy == proto::SourcePolicy::kSignalled) return false;
  return flow.peer.port == 0 || is_within_mask(flow, source);
}

}  // namespace weir::dataplane
