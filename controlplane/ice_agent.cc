#include "controlplane/ice_agent.h"

#include <algorithm>
#include <utility>

#include "controlplane/chance.h"

namespace weir::controlplane {
namespace {

constexpr std::uint16_t kRoleConflict = 487;

/// What a datagram of so many bytes costs on the wire.
std::size_t wire_bytes(const proto::Endpoint& to, std::size_t bytes) {
  return bytes + (to.address.family == proto::Family::kIpv6 ? 48 : 28);
}

/// RFC 8445 section 7.1.1: that of a peer-reflexive candidate on our candidate's base.
std::uint32_t learned_priority(const sip::IceCandidate& local) {
  constexpr std::uint32_t kPeerReflexive = 110;
  return kPeerReflexive << 24 | (local.priority & 0x00ff'ffff);
}

/// RFC 7675 section 5.1: 0.8 to 1.2 of five seconds.
std::uint64_t consent_interval_ns() {
  constexpr std::uint32_t kSpreadMs = 2'000;
  return IceAgent::kConsentEveryNs * 4 / 5 + std::uint64_t{draw_by_chance(kSpreadMs)} * 1'000'000u;
}

}  // namespace

std::uint64_t IcePacer::turn(std::uint64_t now_ns) {
  const std::uint64_t turn_ns = std::max(now_ns, next_ns_);
  next_ns_ = turn_ns + kApartNs;
  return turn_ns;
}

IceAgent::IceAgent(IceAgentTerms terms) : terms_(std::move(terms)), list_(terms_.locals) {}

void IceAgent::add_remote(const std::vector<sip::IceCandidate>& candidates, std::size_t description_bytes) {
  bytes_left_ += description_bytes;
  for (const sip::IceCandidate& candidate : candidates) {
    if (candidate.component <= kComponents) list_.add(candidate);
  }
}

void IceAgent::on_checked(const IceHeard& check, std::uint64_t now_ns) {
  IcePair* const pair = list_.heard(check.local, check.source, check.priority);
  if (pair == nullptr) return;
  const bool first = !std::exchange(pair->heard, true);
  if (first) pair->owed = kOwedChecks;
  credit(*pair, check.bytes, now_ns);
  const bool chosen = check.nominates && terms_.role == proto::IceRole::kControlled;
  if (pair->state == IcePairState::kSucceeded) {
    if (chosen) select(*pair, now_ns);
    return;
  }
  pair->nominated = pair->nominated || chosen;
  const bool news = first || check.nominates;
  if (pair->state == IcePairState::kInProgress && pair->sent < kSentMax) {
    if (news) pair->due_ns = now_ns;  // now that the peer's own check has opened the way
  } else if (pair->conflicts <= kConflictsMax && (news || !consent(pair->component).selected)) {
    pair->triggered = true;
  }
}

/// A check that waits for it goes out as soon as there is enough.
void IceAgent::credit(IcePair& pair, std::uint32_t bytes, std::uint64_t now_ns) {
  if (pair.has_shown) return;
  pair.credit_bytes += bytes;
  if (pair.lacks_bytes != 0 && pair.credit_bytes + bytes_left_ >= pair.lacks_bytes) pair.due_ns = now_ns;
}

/// False: so many bytes are more than may go to a place that has not shown itself.
bool IceAgent::pays(IcePair& pair, std::size_t bytes) {
  if (pair.has_shown) return true;
  if (pair.owed != 0) {
    --pair.owed;
    return true;
  }
  if (bytes > pair.credit_bytes + bytes_left_) return false;
  const std::size_t own = std::min(bytes, pair.credit_bytes);
  pair.credit_bytes -= own;
  bytes_left_ -= bytes - own;
  return true;
}

StunCheck IceAgent::check_from(std::uint8_t local) const {
  return {.their_ufrag = terms_.theirs.ufrag,
          .our_ufrag = terms_.ours.ufrag,
          .their_password = terms_.theirs.password,
          .priority = learned_priority(terms_.locals[local]),
          .role = terms_.role,
          .tie_breaker = terms_.tie_breaker};
}

/// RFC 8445 section 14.3: with more pairs to check each of them waits longer.
void IceAgent::begin_check(IcePair& pair, std::uint64_t now_ns) {
  const auto waiting =
      static_cast<std::uint64_t>(std::count_if(list_.pairs().begin(), list_.pairs().end(), [](const IcePair& one) {
        return one.state == IcePairState::kWaiting || one.state == IcePairState::kInProgress;
      }));
  pair.triggered = false;
  pair.state = IcePairState::kInProgress;
  pair.transaction = make_stun_transaction();
  pair.nominates = pair.nominated && terms_.role == proto::IceRole::kControlling;
  pair.role = terms_.role;
  pair.sent = 0;
  pair.lacks_bytes = 0;
  pair.rto_ns = std::max(kRtoNsMin, kTaNs * waiting);
  pair.due_ns = now_ns;
}

/// Or, where it costs too much, lets this time pass: more may come in the place's name. False: nothing did so far.
bool IceAgent::transmit(IcePair& pair, std::uint64_t now_ns, const Send& send) {
  std::array<std::uint8_t, kStunCheckBytesMax> room;
  StunCheck check = check_from(pair.local);
  check.transaction = pair.transaction;
  check.role = pair.role;
  check.nominates = pair.nominates;
  const proto::Bytes datagram = write_check(check, room);
  const std::size_t cost = wire_bytes(pair.remote, datagram.size());
  const bool paid = pays(pair, cost);
  if (!paid && !pair.heard) return false;
  pair.lacks_bytes = paid ? 0 : cost;
  if (paid) send(pair.local, pair.remote, datagram);
  ++pair.sent;
  pair.due_ns =
      now_ns + (pair.sent == kSentMax ? kLastWait * std::max(kRtoNsMin, pair.rto_ns >> (kSentMax - 1)) : pair.rto_ns);
  pair.rto_ns *= 2;
  return true;
}

void IceAgent::repeat_checks(std::uint64_t now_ns, const Send& send) {
  for (IcePair& pair : list_.pairs()) {
    if (pair.state != IcePairState::kInProgress || now_ns < pair.due_ns) continue;
    if (pair.sent >= kSentMax || !transmit(pair, now_ns, send)) {
      fail(pair);
    }
  }
}

/// What is to be checked is found when the turn comes: by then there may be something better.
void IceAgent::check_next(std::uint64_t now_ns, IcePacer& pacer, const Send& send) {
  if (now_ns < next_check_ns_) return;
  if (!turn_ns_ && list_.next(terms_.role) != nullptr) turn_ns_ = pacer.turn(now_ns);
  if (!turn_ns_ || now_ns < *turn_ns_) return;
  turn_ns_.reset();
  IcePair* const pair = list_.next(terms_.role);
  if (pair == nullptr) return;
  begin_check(*pair, now_ns);
  if (!transmit(*pair, now_ns, send)) fail(*pair);
  next_check_ns_ = now_ns + kTaNs;
}

bool IceAgent::advance(std::uint64_t now_ns, IcePacer& pacer, const Send& send) {
  repeat_checks(now_ns, send);
  nominate_when_due(now_ns);
  check_next(now_ns, pacer, send);
  ask_for_consent(now_ns, send);
  const auto is_going_on = [](const IcePair& one) {
    return one.triggered || one.state == IcePairState::kWaiting || one.state == IcePairState::kFrozen ||
           one.state == IcePairState::kInProgress;
  };
  return std::any_of(list_.pairs().begin(), list_.pairs().end(), is_going_on);
}

const IcePair* IceAgent::best_working(std::uint8_t component) const {
  const IcePair* best = nullptr;
  for (const IcePair& one : list_.pairs()) {
    if (one.component != component || !one.works) continue;
    if (best == nullptr || pair_priority(one, terms_.role) > pair_priority(*best, terms_.role)) best = &one;
  }
  return best;
}

bool IceAgent::waits_for_better(const IcePair& pair) const {
  return std::any_of(list_.pairs().begin(), list_.pairs().end(), [&](const IcePair& one) {
    const bool open = one.state != IcePairState::kSucceeded && one.state != IcePairState::kFailed;
    return one.component == pair.component && open &&
           pair_priority(one, terms_.role) > pair_priority(pair, terms_.role);
  });
}

/// Regular nomination (RFC 8445 section 8.1.1): one pair for each component, once.
void IceAgent::nominate_when_due(std::uint64_t now_ns) {
  if (terms_.role != proto::IceRole::kControlling) return;
  for (std::uint8_t component = 1; component <= kComponents; ++component) {
    if (consent(component).selected) continue;
    const bool under_way = std::any_of(list_.pairs().begin(), list_.pairs().end(), [&](const IcePair& one) {
      return one.component == component && one.nominated && one.state != IcePairState::kFailed;
    });
    const IcePair* const best = under_way ? nullptr : best_working(component);
    if (best == nullptr) continue;
    if (waits_for_better(*best) && now_ns < works_ns_[component - 1u] + kPatienceNs) continue;
    IcePair& chosen = *list_.find(best->local, best->remote);
    chosen.nominated = true;
    chosen.triggered = true;
  }
}

bool IceAgent::on_response(std::uint8_t local, const proto::Endpoint& source, proto::Bytes datagram,
                           std::uint64_t now_ns) {
  const std::optional<StunTransaction> transaction = answered_transaction(datagram);
  if (!transaction) return false;
  if (take_consent(local, source, *transaction, datagram, now_ns)) return true;
  const auto pair = std::find_if(list_.pairs().begin(), list_.pairs().end(), [&](const IcePair& one) {
    return one.state == IcePairState::kInProgress && one.local == local && one.transaction == *transaction;
  });
  if (pair == list_.pairs().end()) return false;
  const std::optional<StunResponse> response = read_response(datagram, terms_.theirs.password);
  if (!response) return false;
  if (source != pair->remote) {  // RFC 8445 section 7.2.5.2.1: the ways there and back differ
    fail(*pair);
    return true;
  }
  if (response->error == 0) {
    on_success(*pair, now_ns);
  } else {
    on_error(*pair, response->error);
  }
  return true;
}

void IceAgent::on_success(IcePair& pair, std::uint64_t now_ns) {
  pair.state = IcePairState::kSucceeded;
  pair.works = true;
  pair.has_shown = true;
  std::uint64_t& since_ns = works_ns_[pair.component - 1u];
  if (since_ns == 0) since_ns = now_ns;
  list_.thaw(pair);
  const bool chosen = terms_.role == proto::IceRole::kControlling ? pair.nominates : pair.nominated;
  if (chosen) select(pair, now_ns);
}

void IceAgent::on_error(IcePair& pair, std::uint16_t error) {
  pair.has_shown = true;
  if (error == kRoleConflict && ++pair.conflicts <= kConflictsMax) {
    if (pair.role == terms_.role) terms_.role = proto::opposite(terms_.role);
    pair.nominated = false;
    pair.state = IcePairState::kWaiting;
    pair.triggered = true;
    return;
  }
  fail(pair);
}

/// What the peer has chosen stays chosen, should a check of it yet succeed.
void IceAgent::fail(IcePair& pair) const {
  pair.state = IcePairState::kFailed;
  pair.works = false;
  if (terms_.role == proto::IceRole::kControlling) pair.nominated = false;
}

void IceAgent::select(const IcePair& pair, std::uint64_t now_ns) {
  Consent& consent = this->consent(pair.component);
  const IceRoute route{pair.local, pair.remote};
  if (consent.selected != route)
    consent = {.selected = route,
               .transaction = {},
               .due_ns = now_ns + consent_interval_ns(),
               .until_ns = now_ns + kConsentNs};
  list_.stop(pair.component, pair);
}

void IceAgent::adopt(std::uint8_t component, const IceRoute& route, std::uint64_t now_ns) {
  if (IcePair* pair = list_.heard(route.local, route.remote, 1)) {
    pair->state = IcePairState::kSucceeded;
    pair->works = pair->has_shown = true;
    select(*pair, now_ns);
    consent(component).due_ns = now_ns;
  }
}

/// Not repeated, but made anew (RFC 7675 section 5.1): one that gets lost is no harm.
void IceAgent::ask_for_consent(std::uint64_t now_ns, const Send& send) {
  for (Consent& consent : consents_) {
    if (!consent.selected || now_ns < consent.due_ns) continue;
    consent.transaction = make_stun_transaction();
    consent.due_ns = now_ns + consent_interval_ns();
    std::array<std::uint8_t, kStunCheckBytesMax> room;
    StunCheck check = check_from(consent.selected->local);
    check.transaction = consent.transaction;
    send(consent.selected->local, consent.selected->remote, write_check(check, room));
  }
}

bool IceAgent::take_consent(std::uint8_t local, const proto::Endpoint& source, const StunTransaction& transaction,
                            proto::Bytes datagram, std::uint64_t now_ns) {
  for (Consent& consent : consents_) {
    if (consent.selected != IceRoute{local, source} || consent.transaction != transaction) continue;
    const std::optional<StunResponse> response = read_response(datagram, terms_.theirs.password);
    if (!response) return false;
    if (response->error == 0) consent.until_ns = now_ns + kConsentNs;
    if (response->error == kRoleConflict) terms_.role = proto::opposite(terms_.role);
    consent.transaction = {};
    return true;
  }
  return false;
}

std::optional<IceRoute> IceAgent::route(std::uint8_t component) const {
  if (consent(component).selected) return consent(component).selected;
  const IcePair* const best = best_working(component);
  return best == nullptr ? std::nullopt : std::optional(IceRoute{best->local, best->remote});
}

bool IceAgent::has_component(std::uint8_t component) const {
  return std::any_of(terms_.locals.begin(), terms_.locals.end(),
                     [component](const sip::IceCandidate& one) { return one.component == component; });
}

bool IceAgent::completed() const {
  for (std::uint8_t component = 1; component <= kComponents; ++component) {
    if (has_component(component) && !consent(component).selected) return false;
  }
  return true;
}

bool IceAgent::consent_lost(std::uint64_t now_ns) const {
  return std::any_of(consents_.begin(), consents_.end(),
                     [now_ns](const Consent& one) { return one.selected && now_ns >= one.until_ns; });
}

}  // namespace weir::controlplane
