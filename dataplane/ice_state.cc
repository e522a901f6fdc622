#include "dataplane/ice_state.h"

#include <algorithm>

#include "dataplane/cipher.h"
#include "dataplane/constant_time.h"
#include "proto/stun.h"

namespace weir::dataplane {
namespace {

constexpr std::uint64_t kMsNs = 1'000'000;
/// In a STUN message: behind type, length and cookie.
constexpr std::size_t kTransactionOffset = 8;

IceCredentials expand(const proto::IceCredentialsSpec& spec, Cipher& cipher) {
  IceCredentials expanded{};
  if (spec.ufrag_bytes == 0) return expanded;
  expanded.ufrag_bytes = spec.ufrag_bytes;
  std::copy_n(spec.ufrag.begin(), spec.ufrag_bytes, expanded.ufrag.begin());
  cipher.expand({spec.password.data(), spec.password_bytes}, expanded.hmac_inner, expanded.hmac_outer);
  return expanded;
}

bool same(const IceCredentials& a, const IceCredentials& b) {
  return equal_constant_time(reinterpret_cast<const std::uint8_t*>(&a), reinterpret_cast<const std::uint8_t*>(&b),
                             sizeof a);
}

/// ICE has restarted: of the sources only the nominated one stays.
void forget_checks(IceState& state) {
  for (std::size_t i = 0; i < state.sources.size(); ++i) {
    if (i + 1 != state.selected) state.sources[i] = {};
  }
  state.transactions = {};
  state.transaction_sources = {};
}

/// Place + 1, 0: none.
std::uint8_t place_of(const IceState& state, const proto::Endpoint& source) {
  for (std::uint8_t i = 0; i < state.sources.size(); ++i) {
    if (state.sources[i].endpoint == source) return static_cast<std::uint8_t>(i + 1);
  }
  return 0;
}

/// The place + 1 that a new source gets: a free one, or that of the one silent longest.
std::uint8_t place_for_another(const IceState& state, std::uint32_t now_ms) {
  std::uint8_t oldest = 0;
  std::uint32_t silent_ms = 0;
  for (std::uint8_t i = 0; i < state.sources.size(); ++i) {
    const auto place = static_cast<std::uint8_t>(i + 1);
    if (place == state.selected) continue;
    if (state.sources[i].endpoint.port == 0) return place;
    const std::uint32_t since_ms = now_ms - state.sources[i].checked_ms;
    if (oldest != 0 && since_ms <= silent_ms) continue;
    oldest = place;
    silent_ms = since_ms;
  }
  return oldest;
}

/// The place + 1 of the source that a transaction came from, 0: it is new.
std::uint8_t source_of(const IceState& state, std::uint64_t transaction) {
  for (std::size_t i = 0; i < state.transactions.size(); ++i) {
    if (state.transactions[i] == transaction && state.transaction_sources[i] != 0) return state.transaction_sources[i];
  }
  return 0;
}

/// A source that makes room for another takes its transactions along: they stay known, as nobody's any more.
void forget_source(IceState& state, std::uint8_t place) {
  constexpr std::uint8_t kNobodys = kIceSources + 1;
  for (std::uint8_t& source : state.transaction_sources) {
    if (source == place) source = kNobodys;
  }
}

void remember(IceState& state, std::uint64_t transaction, std::uint8_t place) {
  state.transactions[state.transaction_next] = transaction;
  state.transaction_sources[state.transaction_next] = place;
  state.transaction_next = static_cast<std::uint8_t>((state.transaction_next + 1) % kIceTransactions);
}

/// Credentials of a restart are younger than those in force, and so are their nominations.
bool nominates_better(const IceState& state, const IceCheck& check, std::uint64_t now_ns) {
  if (state.selected == 0 || check.credentials > state.selected_by) return true;
  if (check.credentials < state.selected_by) return false;
  return check.priority >= state.priority || now_ns - state.nominated_ns >= kIceSettlingNs;
}

void nominate(IceState& state, const IceCheck& check, std::uint8_t place, std::uint64_t now_ns) {
  const bool confirms = place == state.selected && check.credentials <= state.selected_by;
  if (confirms || !nominates_better(state, check, now_ns)) return;
  state.selected = place;
  state.selected_by = check.credentials;
  state.priority = check.priority;
  state.nominated_ns = now_ns;
  state.selected_told = false;
}

}  // namespace

void set_credentials(IceState& state, const proto::FlowSpec& spec, Cipher& cipher) {
  state.checks.rate_per_s = kIceChecksPerSecondMax;
  state.tellings.rate_per_s = kIceTellingsPerSecondMax;
  state.consent_ms = spec.ice_consent_ms;
  state.role = spec.ice_role;
  state.tie_breaker = spec.ice_tie_breaker;
  std::array<IceCredentials, proto::kIceCredentials> credentials = {expand(spec.ice[0], cipher),
                                                                    expand(spec.ice[1], cipher)};
  bool stays = false;
  std::uint8_t selected_by = 0;
  for (std::uint8_t now = 0; now < credentials.size(); ++now) {
    for (std::uint8_t before = 0; before < credentials.size(); ++before) {
      if (credentials[now].ufrag_bytes == 0 || !same(credentials[now], state.credentials[before])) continue;
      stays = true;
      if (before == state.selected_by) selected_by = now;
    }
  }
  if (!stays) forget_checks(state);
  state.selected_by = selected_by;
  state.credentials = credentials;
  proto::wipe(&credentials, sizeof credentials);
}

void remember_sent(IceState& state, proto::Bytes request) {
  if (!state.is_full() || request.size() < proto::kStunHeaderBytes) return;
  const std::uint32_t transaction = proto::load_be32(request.data() + kTransactionOffset);
  if (std::find(state.sent.begin(), state.sent.end(), transaction) != state.sent.end()) return;
  state.sent[state.sent_next] = transaction;
  state.sent_next = static_cast<std::uint8_t>((state.sent_next + 1) % kIceSent);
}

bool is_response_to_us(const IceState& state, proto::Bytes datagram) {
  if (!state.is_full() || datagram.size() < proto::kStunHeaderBytes) return false;
  const std::uint16_t type = proto::load_be16(datagram.data());
  if (type != proto::kStunBindingSuccess && type != proto::kStunBindingError) return false;
  const std::uint32_t transaction = proto::load_be32(datagram.data() + kTransactionOffset);
  return transaction != 0 && std::find(state.sent.begin(), state.sent.end(), transaction) != state.sent.end();
}

std::optional<std::uint8_t> credentials_of(const IceState& state, proto::Bytes username) {
  for (std::uint8_t i = 0; i < state.credentials.size(); ++i) {
    const IceCredentials& ours = state.credentials[i];
    if (ours.ufrag_bytes == 0 || username.size() <= ours.ufrag_bytes || username[ours.ufrag_bytes] != ':') continue;
    if (std::equal(username.begin(), username.begin() + ours.ufrag_bytes, ours.ufrag.begin())) return i;
  }
  return std::nullopt;
}

bool is_checked(const IceState& state, const proto::Endpoint& source) {
  return place_of(state, source) != 0;
}

bool admits_check(IceState& state, const proto::Endpoint& source, std::uint64_t now_ns) {
  refill(state.checks, now_ns);
  if (is_checked(state, source)) return has_tokens(state.checks, 1);
  if (!has_tokens(state.checks, 1, kIceChecksPerSecondMax / 2)) return false;
  take_tokens(state.checks, 1);
  return true;
}

IceCommit commit_check(IceState& state, const IceCheck& check, std::uint64_t now_ns, bool& source_is_new) {
  const auto now_ms = static_cast<std::uint32_t>(now_ns / kMsNs);
  std::uint8_t place = place_of(state, check.source);
  const std::uint8_t came_from = source_of(state, check.transaction);
  source_is_new = place == 0;
  if (came_from != 0 && came_from != place) return IceCommit::kReplayed;
  if (source_is_new) {
    place = place_for_another(state, now_ms);
    forget_source(state, place);
    state.sources[place - 1u].endpoint = check.source;
  } else {
    // Of one burst many may have been admitted for the same token.
    if (!has_tokens(state.checks, 1)) return IceCommit::kRateLimited;
    take_tokens(state.checks, 1);
  }
  state.sources[place - 1u].checked_ms = now_ms;
  if (came_from == 0) remember(state, check.transaction, place);
  if (check.nominates) nominate(state, check, place, now_ns);
  if (place == state.selected) {
    state.consent_ns = now_ns;
    state.consent_lost = false;
  }
  return IceCommit::kTaken;
}

}  // namespace weir::dataplane
