#include "dataplane/commands.h"

#include <algorithm>
#include <atomic>

#include "proto/bytes.h"
#include "proto/source_disguise.h"

namespace weir::dataplane {
namespace {

using proto::Command;
using proto::CommandKind;
using proto::FlowState;
using proto::Refusal;

constexpr std::uint8_t kAcceptsAll = proto::kAcceptRtp | proto::kAcceptRtcp;
constexpr std::uint8_t kPuntsAll = proto::kPuntDtls | proto::kPuntStun;
constexpr std::uint8_t kDscpMax = 63;
constexpr std::uint8_t kPayloadTypeMax = 127;
constexpr std::uint8_t kLifetimeLog2Max = 48;  ///< RFC 3711 section 9.2

/// The enum's value as it lies in memory: what another process wrote may be none of its enumerators.
template <typename Enum>
std::uint8_t raw(Enum value) {
  return static_cast<std::uint8_t>(value);
}

/// Not yet known (port 0), or of the family that the network speaks.
bool endpoint_fits(const proto::Endpoint& endpoint, proto::Family family) {
  return endpoint.port == 0 || endpoint.address.family == family;
}

/// Of one of the families of a flow that arrives on one network, or (`also` - 1) on two.
bool peer_fits(const proto::Endpoint& peer, std::uint8_t network, std::uint8_t also, const CommandScope& scope) {
  if (endpoint_fits(peer, scope.families[network])) return true;
  return also != 0 && endpoint_fits(peer, scope.families[also - 1u]);
}

Refusal validate_exit(const proto::Exit& exit, const CommandScope& scope) {
  if (exit.peer.port == 0) return Refusal::kNone;  // leads nowhere: nothing else of it is used
  if (exit.network >= scope.families.size()) return Refusal::kNetworkUnknown;
  if (exit.dscp > kDscpMax || exit.local_port == 0) return Refusal::kEnumOutOfRange;
  return endpoint_fits(exit.peer, scope.families[exit.network]) ? Refusal::kNone : Refusal::kAddressFamily;
}

Refusal validate_exits(const proto::FlowSpec& spec, const CommandScope& scope) {
  const Refusal rtp = validate_exit(spec.rtp, scope);
  return rtp != Refusal::kNone ? rtp : validate_exit(spec.rtcp, scope);
}

bool transform_valid(const proto::TransformSpec& transform) {
  return proto::is_srtp_profile(raw(transform.profile)) && transform.mki_bytes <= proto::kMkiBytesMax &&
         transform.lifetime_log2 <= kLifetimeLog2Max && transform.keeps_indexes <= 1;
}

Refusal validate_transforms(const proto::FlowSpec& spec, KeyRoom room) {
  if (!transform_valid(spec.receive) || !transform_valid(spec.send)) return Refusal::kEnumOutOfRange;
  const bool fit = has_room_for(room, spec.receive.profile) && has_room_for(room, spec.send.profile);
  return fit ? Refusal::kNone : Refusal::kAeadNotAllowed;
}

/// Only an authenticated packet may move a source again and again.
bool policy_fits(proto::SourcePolicy policy, proto::SrtpProfile receive) {
  return policy != proto::SourcePolicy::kRelatch || receive != proto::SrtpProfile::kNone;
}

Refusal validate_new_keys(const proto::FlowSpec& spec, const FlowEntry& flow, KeyRoom room) {
  if (spec.key_grace_ms > proto::kKeyGraceMsMax) return Refusal::kEnumOutOfRange;
  const Refusal refusal = validate_transforms(spec, room);
  if (refusal != Refusal::kNone) return refusal;
  return policy_fits(flow.source_policy, spec.receive.profile) ? Refusal::kNone : Refusal::kEnumOutOfRange;
}

/// What of it kSetPeer changes too.
bool filters_valid(const proto::RewriteSpec& rewrite) {
  return rewrite.absorbs <= proto::kFeedbackAll && rewrite.strips_extensions <= proto::kRewriteFlagsAll &&
         raw(rewrite.rtcp_timestamps) <= proto::kTimestampScaleMax;
}

bool rewrite_valid(const proto::RewriteSpec& rewrite) {
  if (rewrite.payload_types > proto::kPayloadTypeMapMax || !filters_valid(rewrite)) return false;
  for (std::uint8_t i = 0; i < rewrite.payload_types; ++i) {
    const proto::PayloadTypePair& pair = rewrite.payload_type_map[i];
    if (pair.from > kPayloadTypeMax || pair.to > kPayloadTypeMax) return false;
  }
  return true;
}

bool pair_valid(const proto::TranscodePair& pair) {
  return pair.from_type <= kPayloadTypeMax && pair.to_type <= kPayloadTypeMax &&
         raw(pair.from) <= proto::kAudioCodecMax && raw(pair.to) <= proto::kAudioCodecMax &&
         proto::can_convert(pair.from, pair.to);
}

/// What kInstall and kSetPeer say of audio that is converted.
Refusal validate_transcode(const proto::FlowSpec& spec, const FlowTable& table) {
  const proto::TranscodeSpec& transcode = spec.transcode;
  if (transcode.pairs == 0) return Refusal::kNone;
  const bool valid = transcode.pairs <= proto::kTranscodePairsMax && (spec.accepts & proto::kAcceptRtp) != 0 &&
                     std::all_of(transcode.pair.begin(), transcode.pair.begin() + transcode.pairs, pair_valid);
  if (!valid) return Refusal::kEnumOutOfRange;
  return table.transcodes_max() != 0 ? Refusal::kNone : Refusal::kNoTranscoders;
}

/// RFC 8839 section 5.4.
bool is_ice_char(std::uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

template <std::size_t N>
bool ice_text_valid(const std::array<std::uint8_t, N>& text, std::uint8_t bytes, std::size_t bytes_min) {
  return bytes >= bytes_min && bytes <= N && std::all_of(text.begin(), text.begin() + bytes, is_ice_char);
}

bool credentials_valid(const proto::IceCredentialsSpec& credentials) {
  if (credentials.ufrag_bytes == 0) return credentials.password_bytes == 0;
  return ice_text_valid(credentials.ufrag, credentials.ufrag_bytes, proto::kIceUfragBytesMin) &&
         ice_text_valid(credentials.password, credentials.password_bytes, proto::kIcePasswordBytesMin);
}

bool is_ice_role(proto::IceRole role) {
  return raw(role) <= raw(proto::IceRole::kControlled);
}

bool ice_valid(const proto::FlowSpec& spec) {
  const auto& [now, next] = spec.ice;
  if (!credentials_valid(now) || !credentials_valid(next) || !is_ice_role(spec.ice_role)) return false;
  if (now.ufrag_bytes == 0 && spec.ice_role != proto::IceRole::kNone) return false;
  if (next.ufrag_bytes == 0) return true;
  // One ufrag, one password: a check's USERNAME has to say which.
  const bool same = std::equal(now.ufrag.begin(), now.ufrag.begin() + now.ufrag_bytes, next.ufrag.begin(),
                               next.ufrag.begin() + next.ufrag_bytes);
  return now.ufrag_bytes != 0 && !same;
}

/// Who may use a flow, and what of it goes to weir-control.
bool sources_valid(const proto::FlowSpec& spec) {
  return (spec.punts & ~kPuntsAll) == 0 && raw(spec.source_policy) <= raw(proto::SourcePolicy::kIce) &&
         (spec.source_policy != proto::SourcePolicy::kIce || spec.ice[0].ufrag_bytes != 0) &&
         spec.latch_prefix_bits <= proto::kIpv6Bits && spec.latch_window_ms <= proto::kLatchWindowMsMax;
}

/// What kSetPeer changes.
Refusal validate_set_peer(const proto::FlowSpec& spec, const CommandScope& scope, const FlowTable& table,
                          const FlowEntry& flow) {
  if (flow.state == FlowState::kDraining) return Refusal::kStateWrong;
  if (spec.latch_window_ms > proto::kLatchWindowMsMax || !ice_valid(spec)) return Refusal::kEnumOutOfRange;
  if (flow.state == FlowState::kInstalled) {
    const bool valid = sources_valid(spec) && policy_fits(spec.source_policy, flow.receive_profile) &&
                       spec.rtp_clock_hz <= proto::kRtpClockHzMax && filters_valid(spec.rewrite);
    if (!valid) return Refusal::kEnumOutOfRange;
    if (const Refusal refusal = validate_transcode(spec, table); refusal != Refusal::kNone) return refusal;
  }
  if (!peer_fits(spec.peer, flow.network, flow.also_network, scope)) return Refusal::kAddressFamily;
  return validate_exits(spec, scope);
}

bool is_free_for(std::uint32_t index, std::uint8_t network, std::uint16_t port, const FlowTable& table) {
  const std::uint32_t holder = table.flow_at(network, port);
  return holder == kNoFlow || holder == index;
}

/// Where the flow arrives too.
Refusal validate_also(const Command& command, const CommandScope& scope, const FlowTable& table) {
  const proto::FlowSpec& spec = command.spec;
  if (spec.also_network == 0) return Refusal::kNone;
  const std::uint8_t also = spec.also_network - 1;
  if (also >= scope.families.size()) return Refusal::kNetworkUnknown;
  if (scope.families[also] == scope.families[spec.network]) return Refusal::kAddressFamily;
  return is_free_for(command.flow.index, also, spec.local_port, table) ? Refusal::kNone : Refusal::kPortInUse;
}

/// Where the flow arrives, and who may use it.
Refusal validate_port(const Command& command, const CommandScope& scope, const FlowTable& table) {
  const proto::FlowSpec& spec = command.spec;
  if (spec.network >= scope.families.size()) return Refusal::kNetworkUnknown;
  if (spec.local_port == 0 || (spec.accepts & ~kAcceptsAll) != 0 || !ice_valid(spec) || !sources_valid(spec)) {
    return Refusal::kEnumOutOfRange;
  }
  if (proto::worker_of_port(spec.local_port, scope.workers) != scope.worker) return Refusal::kPortNotOurs;
  if (const Refusal refusal = validate_also(command, scope, table); refusal != Refusal::kNone) return refusal;
  if (!peer_fits(spec.peer, spec.network, spec.also_network, scope)) return Refusal::kAddressFamily;
  return is_free_for(command.flow.index, spec.network, spec.local_port, table) ? Refusal::kNone : Refusal::kPortInUse;
}

Refusal validate_media(const proto::FlowSpec& spec, const CommandScope& scope, const FlowTable& table) {
  if (const Refusal refusal = validate_transforms(spec, table.key_room()); refusal != Refusal::kNone) return refusal;
  if (const Refusal refusal = validate_transcode(spec, table); refusal != Refusal::kNone) return refusal;
  if (!rewrite_valid(spec.rewrite)) return Refusal::kEnumOutOfRange;
  if (spec.rtp_clock_hz > proto::kRtpClockHzMax) return Refusal::kEnumOutOfRange;
  if (!policy_fits(spec.source_policy, spec.receive.profile)) return Refusal::kEnumOutOfRange;
  return validate_exits(spec, scope);
}

Refusal validate_open(const Command& command, const CommandScope& scope, const FlowTable& table,
                      const FlowEntry& flow) {
  if (flow.state != FlowState::kFree) return Refusal::kStateWrong;
  if (command.flow.generation <= flow.generation) return Refusal::kGenerationStale;
  return validate_port(command, scope, table);
}

Refusal validate_install(const Command& command, const CommandScope& scope, const FlowTable& table,
                         const FlowEntry& flow) {
  if (flow.state == FlowState::kFree) {
    if (command.flow.generation <= flow.generation) return Refusal::kGenerationStale;
  } else if (command.flow.generation != flow.generation) {
    return Refusal::kGenerationStale;
  } else if (flow.state != FlowState::kOpen || command.spec.network != flow.network ||
             command.spec.local_port != flow.local_port || command.spec.also_network != flow.also_network) {
    return Refusal::kStateWrong;
  }
  const Refusal refusal = validate_port(command, scope, table);
  return refusal != Refusal::kNone ? refusal : validate_media(command.spec, scope, table);
}

Refusal validate_remove(const Command& command, const FlowEntry& flow) {
  // Removing what is free already succeeds: the answer to an earlier remove may have been lost.
  if (flow.state == FlowState::kFree) return Refusal::kNone;
  return command.flow.generation == flow.generation ? Refusal::kNone : Refusal::kGenerationStale;
}

Refusal validate_existing(const Command& command, const CommandScope& scope, const FlowTable& table,
                          const FlowEntry& flow) {
  if (flow.state == FlowState::kFree) return Refusal::kStateWrong;
  if (command.flow.generation != flow.generation) return Refusal::kGenerationStale;
  switch (command.kind) {
    case CommandKind::kUpdateKeys:
      return flow.state == FlowState::kInstalled ? validate_new_keys(command.spec, flow, table.key_room())
                                                 : Refusal::kStateWrong;
    case CommandKind::kSetPeer:
      return validate_set_peer(command.spec, scope, table, flow);
    case CommandKind::kDrain:
      return flow.state == FlowState::kInstalled ? Refusal::kNone : Refusal::kStateWrong;
    case CommandKind::kOpen:
    case CommandKind::kInstall:
    case CommandKind::kRemove:
      break;
  }
  return Refusal::kKindUnknown;
}

/// Whether another worker has the entry: then nothing else of it may be read here.
bool owned_by_another(const FlowEntry& flow, std::uint16_t worker) {
  const std::atomic_ref<const std::uint8_t> owner(flow.owner);
  const std::uint16_t value = owner.load(std::memory_order_acquire);
  return value != 0 && value != worker + 1;
}

proto::EventKind answer_kind(CommandKind kind) {
  return static_cast<proto::EventKind>(raw(kind));
}
static_assert(static_cast<int>(proto::EventKind::kOpened) == static_cast<int>(CommandKind::kOpen));
static_assert(static_cast<int>(proto::EventKind::kDrained) == static_cast<int>(CommandKind::kDrain));

bool makes_a_flow(CommandKind kind) {
  return kind == CommandKind::kOpen || kind == CommandKind::kInstall;
}

bool carries_ice(CommandKind kind) {
  return makes_a_flow(kind) || kind == CommandKind::kSetPeer;
}

/// Of an installed flow alone: an open one takes no media.
bool carries_transcode(CommandKind kind, const FlowEntry& flow) {
  return kind == CommandKind::kInstall || (kind == CommandKind::kSetPeer && flow.state == FlowState::kInstalled);
}

/// An entry that was claimed for a flow which is refused.
Refusal give_back(FlowTable& table, std::uint32_t index, Refusal refusal) {
  if (table.entry(index).state == FlowState::kFree) table.remove(index);
  return refusal;
}

/// The command is valid and the entry is ours. Refused only for want of room.
Refusal carry_out(const Command& command, FlowTable& table, Cipher& cipher, std::uint64_t now_ns) {
  const std::uint32_t index = command.flow.index;
  const proto::FlowSpec& spec = command.spec;
  if (carries_transcode(command.kind, table.entry(index)) && !table.set_transcode(index, spec.transcode)) {
    return give_back(table, index, Refusal::kTranscodersTaken);
  }
  if (carries_ice(command.kind) && !table.set_ice(index, spec, cipher)) {
    return give_back(table, index, Refusal::kNoRoom);
  }
  switch (command.kind) {
    case CommandKind::kOpen:
      table.open(command.flow, spec);
      break;
    case CommandKind::kInstall:
      table.install(command.flow, spec, now_ns, cipher);
      break;
    case CommandKind::kUpdateKeys:
      return table.update_keys(index, spec, now_ns, cipher) ? Refusal::kNone : Refusal::kNoRoom;
    case CommandKind::kSetPeer:
      table.set_peer(index, spec, now_ns);
      break;
    case CommandKind::kRemove:
      table.remove(index);
      break;
    case CommandKind::kDrain:
      table.drain(index);
      break;
  }
  return Refusal::kNone;
}

}  // namespace

Refusal validate(const Command& command, const CommandScope& scope, const FlowTable& table) {
  if (raw(command.kind) < raw(CommandKind::kOpen) || raw(command.kind) > raw(CommandKind::kDrain)) {
    return Refusal::kKindUnknown;
  }
  if (command.flow.index >= table.flows_max()) return Refusal::kIndexOutOfRange;
  const FlowEntry& flow = table.entry(command.flow.index);
  if (owned_by_another(flow, scope.worker)) return Refusal::kPortNotOurs;
  switch (command.kind) {
    case CommandKind::kOpen:
      return validate_open(command, scope, table, flow);
    case CommandKind::kInstall:
      return validate_install(command, scope, table, flow);
    case CommandKind::kRemove:
      return validate_remove(command, flow);
    case CommandKind::kUpdateKeys:
    case CommandKind::kSetPeer:
    case CommandKind::kDrain:
      break;
  }
  return validate_existing(command, scope, table, flow);
}

proto::Event execute(Command& command, const CommandScope& scope, FlowTable& table, Cipher& cipher,
                     std::uint64_t now_ns) {
  proto::Event answer{};
  answer.request = command.request;
  answer.flow = command.flow;
  answer.refusal = validate(command, scope, table);
  if (answer.refusal == Refusal::kNone && makes_a_flow(command.kind) &&
      !table.claim(command.flow.index, scope.worker)) {
    answer.refusal = Refusal::kPortNotOurs;
  }
  if (answer.refusal == Refusal::kNone) {
    const FlowEntry& flow = table.entry(command.flow.index);
    if (!makes_a_flow(command.kind)) answer.cookie = flow.cookie;
    if (command.kind != CommandKind::kRemove || flow.owner != 0) {
      answer.refusal = carry_out(command, table, cipher, now_ns);
    }
    if (makes_a_flow(command.kind)) answer.cookie = flow.cookie;
  }
  answer.kind = answer.refusal == Refusal::kNone ? answer_kind(command.kind) : proto::EventKind::kRefused;
  proto::wipe(&command.spec, sizeof command.spec);
  return answer;
}

}  // namespace weir::dataplane
