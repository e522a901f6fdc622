#include "dataplane/continuation.h"

#include <optional>

#include "dataplane/burst.h"
#include "dataplane/flow_table.h"
#include "dataplane/ssrc_states.h"
#include "proto/bytes.h"

namespace weir::dataplane {
namespace {

constexpr unsigned kRestartNextMask = 63;  ///< of FlowEntry::restart_next

std::uint16_t sequence_of(const Burst& burst, std::uint32_t packet) {
  return proto::load_be16(burst.data[packet] + 2);
}

/// The stream that began last.
SsrcState& last_stream(Burst& burst, FlowEntry& flow) {
  SsrcState* last = &flow.send_rtp[0];
  for (SsrcState& state : flow.send_rtp) last = state.is_used() ? &state : last;
  if (flow.more_ssrcs == 0) return *last;
  for (SsrcState& state : burst.table->more_ssrcs().at(flow.more_ssrcs).send_rtp) {
    last = state.is_used() ? &state : last;
  }
  return *last;
}

/// From now on rewrite adds the offset to what `ssrc` sends, and lets it leave as `as`.
void rewrite_from_now_on(FlowEntry& flow, std::uint32_t ssrc, std::uint32_t as, std::uint16_t offset) {
  flow.rewrite.ssrc_to = as;
  flow.rewrite_ssrc = ssrc;
  flow.rewrite_ssrc_before = ssrc;
  flow.rewrite_returns = 0;
  flow.rewrite_sequence_offset = offset;
  flow.marks |= kMarkRewriting | kMarkRewrites;
}

void leave_as(Burst& burst, std::uint32_t packet, std::uint32_t ssrc, std::uint16_t sequence) {
  std::uint8_t* data = burst.data[packet];
  proto::store_be16(data + 2, sequence);
  proto::store_be32(data + 8, ssrc);
  burst.ssrc[packet] = ssrc;
}

/// More SSRCs than places: this one takes the last one's.
bool join(Burst& burst, std::uint32_t packet) {
  FlowEntry& flow = *burst.flow[packet];
  const std::uint32_t ssrc = burst.ssrc[packet];
  const std::uint16_t sequence = sequence_of(burst, packet);
  const SsrcState& last = last_stream(burst, flow);
  const bool joined = (flow.marks & kMarkRewriting) != 0 && flow.rewrite_ssrc == ssrc;
  if (!joined) {  // else a packet of the burst in which it did, too late for rewrite
    const auto next = static_cast<std::uint16_t>(last.window.highest + 1);
    rewrite_from_now_on(flow, ssrc, last.ssrc, static_cast<std::uint16_t>(next - sequence));
  }
  const auto leaving = static_cast<std::uint16_t>(sequence + flow.rewrite_sequence_offset);
  flow.rewrite_sequence_last = leaving;
  leave_as(burst, packet, flow.rewrite.ssrc_to, leaving);
  return true;
}

/// Whether enough packets in a row lay behind the window.
bool is_restart(FlowEntry& flow, std::uint16_t sequence) {
  const bool in_a_row = flow.restart_packets != 0 && flow.restart_next == (sequence & kRestartNextMask);
  const auto packets = static_cast<std::uint8_t>(in_a_row ? flow.restart_packets + 1 : 1);
  flow.restart_next = (sequence + 1) & kRestartNextMask;
  flow.restart_packets = packets == kRestartPackets ? 0 : packets & 3;
  return packets == kRestartPackets;
}

bool follow_restart(Burst& burst, std::uint32_t packet, const SsrcState& state) {
  FlowEntry& flow = *burst.flow[packet];
  const std::uint16_t sequence = sequence_of(burst, packet);
  const std::optional<std::uint64_t> index = estimate_index(state.window.highest, sequence);
  if (index && state.window.check(*index) != IndexVerdict::kTooOld) return false;  // a duplicate
  const auto next = static_cast<std::uint16_t>(state.window.highest + 1);
  auto leaving = static_cast<std::uint16_t>(sequence + burst.continued_by);
  if (burst.continued != &flow || static_cast<std::uint16_t>(leaving - next) >= kBurstMax) {
    if (!is_restart(flow, sequence)) return false;
    leaving = next;
    burst.continued = &flow;
    burst.continued_by = static_cast<std::uint16_t>(next - sequence);
    const bool rewritten = (flow.marks & kMarkRewriting) != 0 && flow.rewrite.ssrc_to == state.ssrc;
    const unsigned offset = rewritten ? flow.rewrite_sequence_offset : 0;
    rewrite_from_now_on(flow, rewritten ? flow.rewrite_ssrc : state.ssrc, state.ssrc,
                        static_cast<std::uint16_t>(offset + burst.continued_by));
  }
  flow.rewrite_sequence_last = leaving;
  leave_as(burst, packet, state.ssrc, leaving);
  return true;
}

}  // namespace

bool continue_stream(Burst& burst, std::uint32_t packet) {
  const SsrcState* state = find_ssrc(burst.flow[packet]->send_rtp, burst.ssrc[packet]);
  if (state == nullptr) state = find_more_ssrc(burst, packet, SsrcKind::kSendRtp);
  return state == nullptr ? join(burst, packet) : follow_restart(burst, packet, *state);
}

}  // namespace weir::dataplane
