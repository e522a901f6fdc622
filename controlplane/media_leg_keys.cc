// The keys of a leg in force: how old they may grow, and how others take their place.
#include <algorithm>
#include <utility>

#include "controlplane/media_leg.h"

namespace weir::controlplane {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

/// The last flight of its handshake was ours: the server's Finished, in DTLS 1.3 the client's (RFC 9147 section 5.8.1).
bool ends_with_us(const SecuredInfo& info) {
  return info.role == sip::DtlsRole::kServer || info.version == "DTLSv1.3";
}

/// One DTLS association takes another one's place, and may not have come to be for the party.
bool is_in_doubt(const SecuredInfo& before, const SecuredInfo& now) {
  if (before.keying != sip::Keying::kDtls || now.keying != sip::Keying::kDtls) return false;
  return proto::is_srtp(before.profile) && proto::is_srtp(now.profile) && ends_with_us(now);
}

}  // namespace

void MediaLeg::use(const LegKeys& keys, bool keeps_indexes, const SecuredInfo& info, std::uint64_t now_ns) {
  const bool same_party = keys_dialog_ == remote_->dialog && !early_keys_ && !remote_->early;
  keys_dialog_ = remote_->dialog;
  early_keys_ = remote_->early;
  if (keys_ && is_same(*keys_, keys)) return;
  // Who is elsewhere than before never had the old keys there; with ICE it is pairs that change.
  const bool stays = uses_ice() || secured_.peer == info.peer;
  if (same_party && stays && is_in_doubt(secured_, info)) {
    keep_sending(keys, now_ns);
  } else {
    before_.reset();
  }
  keys_ = keys;
  keys_->keeps_indexes = keeps_indexes;
  ++keys_version_;
  secured_ = info;
  listener_.on_leg_secured(side_, std::exchange(secured_said_, true), now_ns);
}

SecuredInfo MediaLeg::info_of(const DtlsSecured& secured) {
  return {.keying = sip::Keying::kDtls,
          .profile = secured.profile,
          .role = secured.role,
          .version = secured.version,
          .cipher_suite = secured.cipher_suite,
          .fingerprint = secured.fingerprint,
          .verdict = secured.verdict,
          .short_authentication = secured.short_authentication,
          .peer = secured.peer};
}

/// What is sent with now goes on to be; of keys that were not confirmed nothing has been sent. Where each kind of
/// packets has an association of its own, only one of them may have others: the other one's confirm nothing anew.
void MediaLeg::keep_sending(const LegKeys& next, std::uint64_t now_ns) {
  if (!before_) {
    before_ = std::make_unique<KeysBefore>(KeysBefore{.keys = *keys_});
    before_->until_ns = now_ns + kConfirmNs;
    before_->confirmed.fill(true);
  }
  if ((*next.receive).rtp != (*keys_->receive).rtp) before_->confirmed[0] = false;
  if ((*next.receive).rtcp != (*keys_->receive).rtcp) before_->confirmed[1] = false;
}

bool MediaLeg::confirm_keys(Component component) {
  if (!before_) return false;
  before_->confirmed[static_cast<std::size_t>(component)] = true;
  for (const Component needed : components()) {
    if (!before_->confirmed[static_cast<std::size_t>(needed)]) return false;
  }
  send_with_keys_in_force();
  return true;
}

bool MediaLeg::confirm_keys_in_time(std::uint64_t now_ns) {
  if (!before_ || now_ns < before_->until_ns) return false;
  send_with_keys_in_force();
  return true;
}

void MediaLeg::send_with_keys_in_force() {
  before_.reset();  // wipes them
  ++keys_version_;
}

MediaLeg::Fork* MediaLeg::current_fork_with_up(AssociationId association) {
  if (!remote_ || remote_->keying != sip::Keying::kDtls || remote_->early || !keys_) return nullptr;
  const auto found = std::find_if(forks_.begin(), forks_.end(), [&](const Fork& fork) {
    return is_current(fork) && fork.up && fork.up->id == association && !fork.keys;
  });
  return found == forks_.end() ? nullptr : &*found;
}

/// Whoever may redo its handshake does so from where it is now, and media that its association carries goes there.
void MediaLeg::lead_association() {
  for (const Fork& fork : forks_) {
    if (!is_current(fork) || !fork.up) continue;
    for (const Component component : components()) {
      if (peer(component).port != 0) port(component).follow_dtls(fork.up->id, peer(component));
    }
  }
}

void MediaLeg::on_port_renegotiates(std::uint64_t now_ns) {
  listener_.on_leg_busy(side_, now_ns);
}

/// The new keys take the place of the association's own: of both kinds of packets where one port carries both (RFC 5764
/// section 4.1.2). Indexes start anew, as after any handshake: who redoes it makes its SRTP anew, as a rule.
void MediaLeg::on_port_renegotiated(AssociationId association, Component component, std::uint64_t now_ns) {
  const DtlsSecured fresh = *port(component).secured(association);
  port(component).forget_keys(association);
  if (current_fork_with_up(association) == nullptr) return;
  if (!rtcp_mux() && fresh.profile != keys_->profile) {
    listener_.on_renewal_failed(side_, "the peer chose another SRTP profile for one of two ports", now_ns);
    return;
  }
  const LegKeys both = keys_of(fresh, fresh);
  LegKeys keys = *keys_;
  keys.profile = both.profile;
  for (const Component kind : kComponents) {
    if (carrier(kind) != component) continue;
    const auto of_kind = kind == Component::kRtp ? &DirectionKeys::rtp : &DirectionKeys::rtcp;
    (*keys.receive).*of_kind = (*both.receive).*of_kind;
    (*keys.send).*of_kind = (*both.send).*of_kind;
  }
  use(keys, false, component == Component::kRtp ? info_of(fresh) : secured_, now_ns);
}

void MediaLeg::on_port_gave_up(AssociationId association, const std::string& reason, std::uint64_t now_ns) {
  if (current_fork_with_up(association) != nullptr) listener_.on_renewal_failed(side_, reason, now_ns);
}

/// New SDES keys are owed to whom others know the old ones of.
void MediaLeg::drop_renewal() {
  if (keying() == sip::Keying::kDtls) renews_ = turns_ = false;
}

Secret<proto::TransformSpec> MediaLeg::receive_transform() const {
  if (!keys_) return {};
  return make_transform(keys_->profile, *keys_->receive, keys_->keeps_indexes);
}

Secret<proto::TransformSpec> MediaLeg::send_transform() const {
  if (!keys_) return {};
  const LegKeys& keys = before_ ? before_->keys : *keys_;
  return make_transform(keys.profile, *keys.send, keys.keeps_indexes);
}

bool MediaLeg::renews_by_policy() const {
  return keying() == sip::Keying::kDtls && (options_.security.rekey_s != 0 || options_.security.rekey_packets != 0);
}

bool MediaLeg::wants_other_keys(const KeyAge& age, std::uint64_t packets, std::uint64_t now_ns) const {
  if (!renews_by_policy() || age.since_ns == 0 || !ready() || renews()) return false;
  const sip::SecurityPolicy& policy = options_.security;
  const auto allowed = [&age](std::uint64_t most) { return most - most * age.early / KeyAge::kEarlyOf; };
  const bool old = policy.rekey_s != 0 && now_ns >= age.since_ns + allowed(policy.rekey_s * kSecondNs);
  const std::uint64_t since = packets - std::min(packets, age.packets_before);  // a flow may just have been replaced
  return old || (policy.rekey_packets != 0 && since >= allowed(policy.rekey_packets));
}

}  // namespace weir::controlplane
