#include "dataplane/lookup.h"

#include "dataplane/flow_table.h"
#include "dataplane/source_policy.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::FlowState;
using proto::PacketKind;

/// What an open or installed flow does with a packet.
enum class Lane : std::uint8_t { kMedia, kPunt, kCheck, kRefused };

Lane lane_of(PacketKind kind, const FlowEntry& flow) {
  switch (kind) {
    case PacketKind::kRtp:
      return (flow.accepts & proto::kAcceptRtp) != 0 ? Lane::kMedia : Lane::kRefused;
    case PacketKind::kRtcp:
      return (flow.accepts & proto::kAcceptRtcp) != 0 ? Lane::kMedia : Lane::kRefused;
    case PacketKind::kDtls:
      return (flow.punts & proto::kPuntDtls) != 0 ? Lane::kPunt : Lane::kRefused;
    case PacketKind::kStun:
      if ((flow.accepts & kAnswersChecks) != 0) return Lane::kCheck;
      return (flow.punts & proto::kPuntStun) != 0 ? Lane::kPunt : Lane::kRefused;
    case PacketKind::kUnknown:
    case PacketKind::kZrtp:
    case PacketKind::kTurnChannel:
      break;
  }
  return Lane::kRefused;
}

/// May media come from there? A peer that speaks ICE sends as soon as a check of its was answered, and nominates when
/// it likes (RFC 8445 section 12.2): until it has, whoever holds the password is heard.
bool may_send_media(const Burst& burst, std::uint32_t packet) {
  const FlowEntry& flow = *burst.flow[packet];
  if (allows_media(flow, burst.source[packet], burst.now_ns)) return true;
  if (flow.source_policy != proto::SourcePolicy::kIce) return false;
  const IceState* state = burst.table->ice_of(burst.flow_index[packet]);
  // A full agent takes it as long as the session goes on: which pair is selected, weir-control says.
  return state != nullptr && (state->selected == 0 || state->is_full()) && is_checked(*state, burst.source[packet]);
}

DropReason check_media(const Burst& burst, std::uint32_t packet) {
  const FlowEntry& flow = *burst.flow[packet];
  if (flow.state != FlowState::kInstalled) return DropReason::kFlowNotReady;
  const bool leaves =
      burst.kind[packet] == PacketKind::kRtcp ? flow.rtcp_exit.peer.port != 0 : (flow.marks & kMarkRtpLeaves) != 0;
  if (!leaves) return DropReason::kKindNotAccepted;
  if (!may_send_media(burst, packet)) return DropReason::kSourceNotAllowed;
  return has_room(flow.rate, burst.bytes[packet], burst.now_ns) ? DropReason::kNone : DropReason::kPoliced;
}

/// What nearly every packet is: RTP of an installed flow, from where it is expected, within its rate. True: admit would
/// take it as media and list it nowhere else.
[[gnu::always_inline]] inline bool is_plain_media(const Burst& burst, std::uint32_t packet) {
  const FlowEntry& flow = *burst.flow[packet];
  return burst.kind[packet] == PacketKind::kRtp && flow.state == FlowState::kInstalled &&
         (flow.accepts & proto::kAcceptRtp) != 0 && (flow.marks & (kMarkRtpLeaves | kMarkRewrites)) == kMarkRtpLeaves &&
         !takes_any_source(flow) && burst.source[packet] == flow.peer &&
         has_room(flow.rate, burst.bytes[packet], burst.now_ns);
}

/// May what is punted come from there? Of a kIce flow only from where the password's holder has shown itself: by a
/// check, or to a full agent by a response to one.
bool may_punt(const Burst& burst, std::uint32_t packet) {
  const FlowEntry& flow = *burst.flow[packet];
  if (flow.source_policy != proto::SourcePolicy::kIce) return allows_punt(flow, burst.source[packet]);
  const IceState* state = burst.table->ice_of(burst.flow_index[packet]);
  if (state == nullptr) return false;
  return is_checked(*state, burst.source[packet]) || (state->is_full() && burst.source[packet] == flow.peer);
}

/// A response to a check of ours goes to weir-control, which knows by whom it has to be signed.
bool is_our_response(const Burst& burst, std::uint32_t packet) {
  const IceState* state = burst.table->ice_of(burst.flow_index[packet]);
  return state != nullptr && is_response_to_us(*state, {burst.data[packet], burst.bytes[packet]});
}

/// One packet whose flow is known. The lists take it, or it is dropped.
void admit(Burst& burst, std::uint32_t packet, bool ahead) {
  FlowEntry& flow = *burst.flow[packet];
  const PacketKind kind = burst.kind[packet];
  if (flow.state == FlowState::kDraining) return burst.drop(packet, DropReason::kDraining);
  switch (lane_of(kind, flow)) {
    case Lane::kPunt:
      if (!may_punt(burst, packet)) return burst.drop(packet, DropReason::kSourceNotAllowed);
      return burst.punts.push(packet);
    case Lane::kCheck:
      if (is_our_response(burst, packet)) return burst.punts.push(packet);
      return burst.checks.push(packet);
    case Lane::kMedia: {
      const DropReason reason = check_media(burst, packet);
      if (reason != DropReason::kNone) return burst.drop(packet, reason);
      if (ahead) prefetch_media(flow, *burst.status[packet]);
      if (takes_any_source(flow)) burst.unsettled.push(packet);
      if (rewrites(flow, kind == PacketKind::kRtcp)) burst.rewrites.push(packet);
      return burst.push_media(packet, flow.transforms);
    }
    case Lane::kRefused:
      break;
  }
  burst.drop(packet, kind == PacketKind::kUnknown ? DropReason::kKindUnknown : DropReason::kKindNotAccepted);
}

/// Did this authentic packet come from somewhere new, and does the flow follow?
bool learns(const FlowEntry& flow, const proto::Endpoint& source) {
  return takes_any_source(flow) && ((flow.marks & kMarkLatched) == 0 || source != flow.peer);
}

void learn_source(Burst& burst, std::uint32_t packet, EventSink& events) {
  FlowEntry& flow = *burst.flow[packet];
  if (!learns(flow, burst.source[packet])) return;
  flow.peer = burst.source[packet];
  flow.marks |= kMarkLatched;
  burst.status[packet]->source = flow.peer;
  proto::Event event{};
  event.kind = proto::EventKind::kSourceLearned;
  event.flow = {burst.flow_index[packet], flow.generation};
  event.cookie = flow.cookie;
  event.source = flow.peer;
  event.ssrc = burst.ssrc[packet];
  events.push(event, burst.now_ns);
}

}  // namespace

void lookup(Burst& burst, FlowTable& table, std::uint32_t worker) {
  const bool ahead = table.flows_of(worker) > kFlowsNear;
  burst.table = &table;
  burst.clear_media();
  burst.unsettled.clear();
  burst.rewrites.clear();
  burst.punts.clear();
  burst.checks.clear();
  burst.noted.clear();
  // receive has asked for the ports; here the entries are asked for, and one pass later they are there.
  for (std::uint32_t packet = 0; packet < burst.count; ++packet) {
    burst.notes[packet] = 0;
    burst.kind[packet] = proto::classify({burst.data[packet], burst.bytes[packet]});
    const std::uint32_t index = table.flow_at(burst.network[packet], burst.local_port[packet]);
    burst.flow_index[packet] = index;
    burst.flow[packet] = index == kNoFlow ? nullptr : &table.entry(index);
    burst.status[packet] = index == kNoFlow ? nullptr : &table.status(index);
    if (index != kNoFlow) prefetch_flow(burst.flow[packet]);
  }
  for (std::uint32_t packet = 0; packet < burst.count; ++packet) {
    const FlowEntry* flow = burst.flow[packet];
    if (flow == nullptr) [[unlikely]] {
      burst.drop(packet, DropReason::kPortClosed);
    } else if (is_plain_media(burst, packet)) [[likely]] {
      if (ahead) prefetch_media(*flow, *burst.status[packet]);
      burst.push_media(packet, flow->transforms);
    } else {
      admit(burst, packet, ahead);
    }
  }
}

void commit_admission(Burst& burst, EventSink& events) {
  for (std::uint32_t i = 0; i < burst.unsettled.count; ++i) {
    const std::uint32_t packet = burst.unsettled.at[i];
    if (burst.verdict[packet] != DropReason::kNone) continue;
    const FlowEntry& flow = *burst.flow[packet];
    // Checked again: an earlier packet of this burst may have settled whose flow it is.
    if (!takes_any_source(flow) && burst.source[packet] != flow.peer) {
      burst.drop(packet, DropReason::kSourceNotAllowed);
      continue;
    }
    // Whoever has the keys of before only may be a party whose place another has taken: it is heard for the grace, but
    // the flow is not its any more.
    if ((burst.notes[packet] & kNoteOlderKeys) == 0) learn_source(burst, packet, events);
  }
  burst.keep_undropped_media();
}

}  // namespace weir::dataplane
