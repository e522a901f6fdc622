#include "dataplane/ice_answer.h"

#include "dataplane/address.h"
#include "dataplane/cipher.h"
#include "dataplane/constant_time.h"
#include "dataplane/events.h"
#include "dataplane/flow_table.h"
#include "dataplane/ice_state.h"
#include "proto/stun.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;

/// A check of the burst, as it passes the steps.
struct Check {
  IceState* state;
  std::uint8_t credentials;
  std::array<std::uint8_t, 12> transaction_id;
  proto::StunAttributes attributes;
};

proto::MutableBytes datagram_of(Burst& burst, std::uint32_t packet) {
  return {burst.data[packet], burst.bytes[packet]};
}

/// All that costs little: most of what is forged ends here.
DropReason read_check(Burst& burst, std::uint32_t packet, Check& check) {
  const proto::Bytes datagram = datagram_of(burst, packet);
  if (burst.room[packet] < kIceAnswerBytesMax) return DropReason::kTooLong;
  if (datagram.size() > kIceCheckBytesMax) return DropReason::kStunMalformed;
  const std::optional<proto::StunView> message = proto::parse_stun(datagram);
  if (!message) return DropReason::kStunMalformed;
  if (message->type != proto::kStunBindingRequest) return DropReason::kStunNotRequest;
  const std::optional<proto::StunAttributes> attributes = proto::read_stun_attributes(*message);
  if (!attributes) return DropReason::kStunMalformed;
  check.state = burst.table->ice_of(burst.flow_index[packet]);
  if (check.state == nullptr) return DropReason::kKindNotAccepted;
  const std::optional<std::uint8_t> credentials = credentials_of(*check.state, attributes->username);
  if (!credentials) return DropReason::kIceUserUnknown;
  if (attributes->integrity_offset == 0) return DropReason::kIceAuthFailed;
  if (attributes->fingerprint_offset != 0 && !proto::stun_fingerprint_holds(datagram, attributes->fingerprint_offset)) {
    return DropReason::kStunFingerprint;
  }
  const proto::Endpoint& source = burst.source[packet];
  if (source.port == 0 || !is_unicast(Address(source.address))) return DropReason::kSourceNotAllowed;
  if (!admits_check(*check.state, source, burst.now_ns)) return DropReason::kIceRateLimited;
  check.credentials = *credentials;
  check.transaction_id = message->transaction_id;
  check.attributes = *attributes;
  return DropReason::kNone;
}

void add_hmac(Cipher& cipher, const Check& check, proto::Bytes message) {
  const IceCredentials& credentials = check.state->credentials[check.credentials];
  cipher.hmac_add(credentials.hmac_inner, credentials.hmac_outer, message);
}

/// By how much it is longer than its answer: what its source has paid beyond it.
std::uint32_t bytes_beyond_answer(const Burst& burst, std::uint32_t packet) {
  const bool ipv6 = burst.source[packet].address.family == proto::Family::kIpv6;
  const std::uint32_t answer = ipv6 ? kIceSuccessBytesIpv6 : kIceSuccessBytesIpv4;
  return burst.bytes[packet] > answer ? burst.bytes[packet] - answer : 0;
}

void tell(Burst& burst, std::uint32_t packet, const Check& check, proto::EventKind kind, EventSink& events) {
  const FlowEntry& flow = *burst.flow[packet];
  proto::Event event{};
  event.kind = kind;
  event.flow = {burst.flow_index[packet], flow.generation};
  event.cookie = flow.cookie;
  event.source = burst.source[packet];
  event.ssrc =
      kind == proto::EventKind::kIceRoleLost ? static_cast<std::uint32_t>(check.state->role) : check.credentials;
  event.priority = check.attributes.priority;
  if (kind == proto::EventKind::kIceChecked) event.bytes = bytes_beyond_answer(burst, packet);
  const bool told = events.push(event, burst.now_ns);
  if (kind == proto::EventKind::kIceNominated) check.state->selected_told = told;
}

/// A lite agent's flow follows its nominated source at once; weir-control, told of it, moves the reverse flow.
void follow(Burst& burst, std::uint32_t packet, const Check& check, EventSink& events) {
  const IceState& state = *check.state;
  FlowEntry& flow = *burst.flow[packet];
  const proto::Endpoint* selected = state.selected_source();
  if (selected == nullptr || *selected != burst.source[packet]) return;
  if (!state.is_full()) {
    flow.peer = *selected;
    burst.status[packet]->source = flow.peer;
  }
  if (!state.selected_told) tell(burst, packet, check, proto::EventKind::kIceNominated, events);
}

/// A full agent's own checks go no further than those that come pay for, until an answer shows who is there: it hears
/// of all of them, but from where it has found that media may go, as long as ICE does not restart.
bool is_awaited(const IceState& state, const FlowEntry& flow, const Check& check, const proto::Endpoint& source) {
  const bool found = flow.state == proto::FlowState::kInstalled && source == flow.peer;
  return state.is_full() && (!found || check.credentials != 0);
}

DropReason commit(Burst& burst, std::uint32_t packet, const Check& check, EventSink& events) {
  IceState& state = *check.state;
  const bool follows = burst.flow[packet]->source_policy == proto::SourcePolicy::kIce;
  const IceCheck facts = {
      .source = burst.source[packet],
      .transaction = proto::load_be64(check.transaction_id.data() + 4),
      .priority = check.attributes.priority,
      .credentials = check.credentials,
      .nominates = follows && check.attributes.use_candidate && state.role != proto::IceRole::kControlling};
  const bool awaited = is_awaited(state, *burst.flow[packet], check, facts.source);
  bool source_is_new = false;
  switch (commit_check(state, facts, burst.now_ns, source_is_new)) {
    case IceCommit::kReplayed:
      return DropReason::kIceReplayed;
    case IceCommit::kRateLimited:
      return DropReason::kIceRateLimited;
    case IceCommit::kTaken:
      break;
  }
  refill(state.tellings, burst.now_ns);
  if ((source_is_new || awaited) && has_tokens(state.tellings, 1)) {
    take_tokens(state.tellings, 1);
    tell(burst, packet, check, proto::EventKind::kIceChecked, events);
  }
  if (facts.nominates) follow(burst, packet, check, events);
  return DropReason::kNone;
}

proto::StunWriter write_success(Burst& burst, std::uint32_t packet, const Check& check) {
  proto::StunWriter answer({burst.data[packet], kIceAnswerBytesMax}, proto::kStunBindingSuccess, check.transaction_id);
  answer.xor_mapped_address(burst.source[packet]);
  return answer;
}

/// RFC 8489 section 6.3.1: what we do not understand but have to. Records nothing.
proto::StunWriter write_unknown(Burst& burst, std::uint32_t packet, const Check& check) {
  proto::StunWriter answer({burst.data[packet], kIceAnswerBytesMax}, proto::kStunBindingError, check.transaction_id);
  answer.error_code(420, "Unknown Attribute");
  answer.unknown_attributes(std::span(check.attributes.unknown).first(check.attributes.unknown_count));
  return answer;
}

/// RFC 8445 section 7.3.1.1. False: the peer has our role, and is to take the other one. Beside a lite agent it is
/// always controlling (section 6.1.1).
bool settles_role(Burst& burst, std::uint32_t packet, const Check& check, EventSink& events) {
  IceState& state = *check.state;
  if (!state.is_full()) return check.attributes.role != proto::IceRole::kControlled;
  if (check.attributes.role != state.role) return true;
  if (proto::keeps_role(state.role, state.tie_breaker, check.attributes.tie_breaker)) return false;
  state.role = proto::opposite(state.role);
  tell(burst, packet, check, proto::EventKind::kIceRoleLost, events);
  return true;
}

/// Records nothing.
proto::StunWriter write_role_conflict(Burst& burst, std::uint32_t packet, const Check& check) {
  proto::StunWriter answer({burst.data[packet], kIceAnswerBytesMax}, proto::kStunBindingError, check.transaction_id);
  answer.error_code(487, "Role Conflict");
  return answer;
}

/// What an authenticated check is answered, but for its integrity and fingerprint; nullopt: it is dropped.
std::optional<proto::StunWriter> answer(Burst& burst, std::uint32_t packet, const Check& check, EventSink& events) {
  if (check.attributes.unknown_count != 0) return write_unknown(burst, packet, check);
  if (!settles_role(burst, packet, check, events)) return write_role_conflict(burst, packet, check);
  const DropReason reason = commit(burst, packet, check, events);
  if (reason == DropReason::kNone) return write_success(burst, packet, check);
  burst.drop(packet, reason);
  return std::nullopt;
}

/// Keeps the checks that `keeps` says of, in order, with their columns.
template <typename Keeps>
void keep_checks(PacketList& list, Column<Check>& checks, Keeps keeps) {
  std::uint32_t kept = 0;
  for (std::uint32_t k = 0; k < list.count; ++k) {
    if (!keeps(k)) continue;
    list.at[kept] = list.at[k];
    checks[kept++] = checks[k];
  }
  list.count = kept;
}

}  // namespace

void answer_checks(Burst& burst, Cipher& cipher, EventSink& events) {
  PacketList& list = burst.checks;
  if (list.count == 0) [[likely]]
    return;
  Column<Check> checks;
  const auto is_kept = [&](std::uint32_t packet, DropReason reason) {
    if (reason != DropReason::kNone) burst.drop(packet, reason);
    return reason == DropReason::kNone;
  };
  keep_checks(list, checks,
              [&](std::uint32_t k) { return is_kept(list.at[k], read_check(burst, list.at[k], checks[k])); });
  for (std::uint32_t k = 0; k < list.count; ++k) {
    add_hmac(cipher, checks[k],
             proto::stun_integrity_input(datagram_of(burst, list.at[k]), checks[k].attributes.integrity_offset));
  }
  cipher.hmac_run();
  keep_checks(list, checks, [&](std::uint32_t k) {
    const std::uint8_t* theirs = burst.data[list.at[k]] + checks[k].attributes.integrity_offset + 4;
    const bool holds = equal_constant_time(cipher.digest(k).data(), theirs, proto::kStunIntegrityBytes);
    return is_kept(list.at[k], holds ? DropReason::kNone : DropReason::kIceAuthFailed);
  });
  Column<std::optional<proto::StunWriter>> answers;
  std::uint32_t answered = 0;
  keep_checks(list, checks, [&](std::uint32_t k) {
    std::optional<proto::StunWriter> written = answer(burst, list.at[k], checks[k], events);
    if (!written) return false;
    add_hmac(cipher, checks[k], written->begin_integrity());
    answers[answered++] = *written;
    return true;
  });
  cipher.hmac_run();
  for (std::uint32_t k = 0; k < list.count; ++k) {
    answers[k]->integrity(std::span(cipher.digest(k)).first<proto::kStunIntegrityBytes>());
    answers[k]->fingerprint();
    burst.bytes[list.at[k]] = static_cast<std::uint32_t>(answers[k]->message().size());
  }
}

}  // namespace weir::dataplane
