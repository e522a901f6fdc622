// Who vouches for a call's parties: the caller's Identity is checked while its call is routed, and its answer waits for
// the verdict; who signs a new description is checked before that is looked at. What was signed binds: no certificate
// but those that mky names secures the party's media from then on. RFC 8224, RFC 8862 section 4.
#include <algorithm>
#include <variant>

#include "controlplane/call.h"
#include "controlplane/description_fingerprints.h"
#include "controlplane/flow_register.h"
#include "controlplane/identity_headers.h"
#include "controlplane/log.h"
#include "sip/write.h"

namespace weir::controlplane {

namespace settings = proto::settings;
using sip::HeaderId;
using sip::Message;

namespace {

/// Certificates that one party may have signed for its media in one call.
constexpr std::size_t kBoundMax = 8;
/// For the UPDATE of a callee that has answered: it is on its way already.
constexpr std::uint64_t kConnectedNs = 5'000'000'000;

bool has_passed(const Leg& leg) {
  return leg.identity && leg.identity->outcome == IdentityOutcome::kPassed;
}

}  // namespace

std::string_view to_string(IdentityOutcome outcome) {
  switch (outcome) {
    case IdentityOutcome::kNone:
      return "none";
    case IdentityOutcome::kPassed:
      return "passed";
    case IdentityOutcome::kFailed:
      return "failed";
  }
  return "";
}

/// Of a party that has called its requests are judged, of one that was called those that say who has answered.
settings::IdentityUse Call::identity_use(const Leg& leg) const {
  if (context_.identity == nullptr) return settings::IdentityUse::kIgnore;
  const settings::RealmIdentitySettings& realm = realm_of(leg).identity;
  const bool called = leg.dialog && leg.dialog->is_uac();
  return called ? realm.connected : std::max(realm.verify, realm.verify_legacy);
}

/// nullopt: the verdict is still to come, and `then` hears it unless the call has ended or the request was withdrawn.
std::optional<JudgedIdentity> Call::check_identity(const Leg& from, sip::TransactionId asked, const Message& request,
                                                   IdentityWait::Then then) {
  std::vector<sip::Fingerprint> offered = fingerprints_in(request);
  if (request.body().empty() && from.agreement) {
    offered = from.agreement->sections[section_].remote_dtls.fingerprints;
  }
  identity_wait_ = std::make_unique<IdentityWait>();
  identity_wait_->asked = asked;
  identity_wait_->then = std::move(then);
  const auto done = [this](const JudgedIdentity& verdict) {
    if (identity_wait_->starting) {
      identity_wait_->at_once = verdict;
      return;
    }
    const std::unique_ptr<IdentityWait> wait = std::move(identity_wait_);
    if (!ending_) wait->then(verdict);
  };
  std::unique_ptr<IdentityQuery> query =
      context_.identity->verify(request, from.path().realm, identity_use(from), offered, done);
  identity_wait_->starting = false;
  if (identity_wait_->at_once) {
    const JudgedIdentity verdict = *std::move(identity_wait_->at_once);
    identity_wait_.reset();
    return verdict;
  }
  identity_wait_->query = std::move(query);
  return std::nullopt;
}

/// A cause: the request is to be refused with it, which is told as all refusals are. A later request that nobody has
/// signed takes nothing from what was signed before.
std::optional<EndCause> Call::take_verdict(Leg& leg, const JudgedIdentity& verdict) {
  if (verdict.refusal.status != 0) {
    if (!has_passed(leg)) leg.identity = verdict;
    return verdict.refusal;
  }
  log_event(verdict.outcome == IdentityOutcome::kFailed ? LogLevel::kWarning : LogLevel::kInfo, "identity",
            {{"call", number_},
             {"leg", to_string(leg.side())},
             {"outcome", to_string(verdict.outcome)},
             {"check", verdict.check},
             {"reason", verdict.text},
             {"orig", verdict.orig},
             {"attest", verdict.attest}});
  if (!has_passed(leg)) {
    leg.identity = verdict;
    return std::nullopt;
  }
  if (verdict.outcome != IdentityOutcome::kPassed) return std::nullopt;
  if (verdict.orig != leg.identity->orig) return EndCause{438, "the token is another's than the call's (caller)"};
  // What was signed before still is its own: a new description may yet be refused, and the old one stays in force.
  JudgedIdentity later = verdict;
  for (const sip::Fingerprint& one : leg.identity->bound) {
    const bool known = std::find(later.bound.begin(), later.bound.end(), one) != later.bound.end();
    if (!known && later.bound.size() < kBoundMax) later.bound.push_back(one);
  }
  leg.identity = std::move(later);
  return std::nullopt;
}

/// The caller's INVITE: refused at once where the verdict is known at once.
std::optional<EndCause> Call::check_caller(const Message& invite) {
  if (identity_use(*caller_) == settings::IdentityUse::kIgnore) return std::nullopt;
  const std::optional<JudgedIdentity> verdict =
      check_identity(*caller_, {}, invite, [this](const JudgedIdentity& later) { on_caller_checked(later); });
  return verdict ? take_verdict(*caller_, *verdict) : std::nullopt;
}

/// While the verdict is out: where the realm says so, where the callee makes the offer, whose answer would begin the
/// media, and where we would sign in the name of whoever it is.
bool Call::holds_invite() const {
  const settings::RealmIdentitySettings& to = context_.settings.realms[callee_realm_].identity;
  return realm_of(*caller_).identity.hold == settings::IdentityHold::kInvite || delayed_ || !to.sign.empty() ||
         !to.sign_legacy.empty();
}

void Call::on_caller_checked(const JudgedIdentity& verdict) {
  if (!caller_ || caller_->state != LegState::kInviting) return;
  if (const std::optional<EndCause> cause = take_verdict(*caller_, verdict)) return end(*cause);
  if (!invitation_->started()) return start_invitation();
  if (answer_waits_) return answer_caller();
  answer_early();
}

/// A new description that somebody has signed, or says to have.
void Call::check_reoffer(Leg& from, sip::TransactionId id, const Message& request) {
  const sip::DialogId dialog = from.dialog->id();
  const std::shared_ptr<const Message> kept = context_.transactions.request(id);
  const auto judge = [this, dialog, id, kept](const JudgedIdentity& verdict) {
    Leg* const party = leg_of(dialog);
    if (kept->method() == sip::Method::kInvite) control_.disown(id);
    if (party == nullptr) return control_.respond(id, sip::make_response(*kept, 481, "", dialog.local_tag));
    if (const auto cause = take_verdict(*party, verdict)) {
      refuse_offer(*party, id, *kept, *cause);
      return callee_awaited_ && party == callee_.get() ? end(*cause) : void();
    }
    if (party->dialog->is_uac()) take_callee_name(*party, *kept);
    take_reoffer(*party, id, *kept);
    release_when_shown();
  };
  if (const std::optional<JudgedIdentity> verdict = check_identity(from, id, request, judge)) return judge(*verdict);
  if (callee_awaited_) set_callee_deadline();  // it has spoken: what is fetched now has a bound of its own
  identity_wait_->request = kept;
  identity_wait_->from = dialog;
  if (request.method() == sip::Method::kInvite) control_.own_invite(id, *this);
}

/// The callee has answered: who it is it has still to show (RFC 4916), where its realm wants that.
void Call::await_callee() {
  if (identity_use(*callee_) != settings::IdentityUse::kRequire || !media_->held()) return;
  callee_awaited_ = std::make_unique<Alarm>(context_.alarms);
  set_callee_deadline();
  release_when_shown();  // it may have done so before it answered
}

void Call::set_callee_deadline() {
  callee_awaited_->set(now() + kConnectedNs, [this] { end({428, "the callee has not shown who it is (RFC 4916)"}); });
}

/// A request in which the callee has said, signed, who it is.
void Call::take_callee_name(Leg& callee, const Message& request) const {
  const std::optional<sip::NameAddr> from = has_passed(callee) ? request.from() : std::nullopt;
  if (!from) return;
  callee.dialog->set_remote_uri(from->uri);
  callee.display = sip::write(from->uri);
}

/// Whether the party has shown who it is, and that the certificate of the agreement in force is its own.
bool Call::is_shown(const Leg& leg) const {
  if (!has_passed(leg) || !leg.agreement) return false;
  const sip::AgreedSection& agreed = leg.agreement.sections()[section_];
  const bool dtls = agreed.keying == sip::Keying::kDtls;
  return !dtls || (!leg.identity->bound.empty() && !check_bound(leg, agreed));
}

void Call::release_when_shown() {
  if (ending_ || !callee_awaited_ || !callee_ || !is_shown(*callee_)) return;
  callee_awaited_.reset();
  media_->release(now());
  if (caller_->state == LegState::kConfirmed) tell_connected();
}

/// The caller is told who has answered, and that it is our certificate (RFC 4916 section 4.4.1): an UPDATE with our
/// description, as it stands, and the name of whoever was reached.
void Call::tell_connected() {
  const bool wanted = context_.identity != nullptr && !callee_awaited_ && callee_ &&
                      realm_of(*caller_).identity.sign_connected && caller_->peer.from_change && caller_->peer.update &&
                      !caller_->dialog->is_uac();
  const std::optional<sip::RemoteOffer> offer = wanted && !is_changing() ? offer_of(callee_.get()) : std::nullopt;
  if (!offer || !caller_->agreement || caller_->offered) return;
  if (callee_->hides.name && !realm_of(*caller_).policy.trusted) return;
  const std::string reached = callee_->dialog->remote().uri.user_text();
  if (reached != caller_->dialog->local().uri.user_text()) {
    caller_->dialog->set_local_uri(sip::make_sip_uri(reached, caller_->contact().uri.host));
  }
  (void)send_offer(*caller_, sip::Method::kUpdate, make_next_offer_to(Side::kCaller, *caller_, *offer));
}

/// Nobody waits for the verdict any more: the request was cancelled, or the call ends.
void Call::drop_check() {
  const std::unique_ptr<IdentityWait> wait = std::move(identity_wait_);
  if (!wait || !wait->asked.valid()) return;
  control_.disown(wait->asked);
  control_.respond(wait->asked, sip::make_response(*wait->request, 487, "", wait->from.local_tag));
}

/// Whether a certificate that the leg's party names may secure its media.
std::optional<EndCause> Call::check_bound(const Leg& leg, const sip::AgreedSection& section) const {
  const std::vector<sip::Fingerprint>* bound =
      leg.identity && !leg.identity->bound.empty() ? &leg.identity->bound : nullptr;
  if (section.keying != sip::Keying::kDtls) {
    if (bound == nullptr) return std::nullopt;
    return EndCause{438, "a certificate was signed (mky), and the description asks for none"};
  }
  if (bound == nullptr) {
    const bool called = leg.dialog && leg.dialog->is_uac();
    if (called || identity_use(leg) != settings::IdentityUse::kRequire) return std::nullopt;
    return EndCause{438, "nobody has signed the fingerprint of the certificate (mky)"};
  }
  for (const sip::Fingerprint& one : section.remote_dtls.fingerprints) {
    if (std::find(bound->begin(), bound->end(), one) != bound->end()) continue;
    return EndCause{438, "the fingerprint is not one that was signed (mky)"};
  }
  return std::nullopt;
}

/// `party`: in whose name the request is sent; null: nobody's any more.
void Call::sign(Message& request, const Leg& to, const Leg* party) const {
  if (context_.identity == nullptr || party == nullptr) return;
  if (party->identity && party->identity->outcome == IdentityOutcome::kFailed) {  // not in a forger's name
    return request.remove_header(HeaderId::kIdentity);
  }
  IdentityFacts facts;
  facts.from_realm = party->path().realm;
  if (party == caller_.get() && callers_invite_) {
    if (const std::optional<sip::NameAddr> called = callers_invite_->to()) facts.called = sip::write(called->uri);
    const std::optional<sip::NameAddr> caller = callers_invite_->from();
    facts.authenticated = caller && context_.flows != nullptr && context_.flows->is_user(party->path(), *caller);
  }
  context_.identity->sign(request, to.path().realm, facts);
}

/// Towards a realm that trusts us: what became of the caller's Identity.
void Call::say_who_calls(const Leg& to, Message& request) const {
  if (!caller_ || !caller_->identity || identity_use(*caller_) == settings::IdentityUse::kIgnore) return;
  say_verdict(*caller_->identity, realm_of(to), request);
}

}  // namespace weir::controlplane
