// A call until its answer: the caller waits, the callee is invited, progress and answer go back. RFC 3261 section 13,
// RFC 3262 (reliable provisional responses), RFC 3264 and RFC 6337 section 3 (offers and answers in them).
#include <algorithm>

#include "controlplane/call.h"
#include "controlplane/far_status.h"
#include "controlplane/identity_headers.h"
#include "controlplane/local_keys.h"
#include "controlplane/log.h"
#include "controlplane/media_policy.h"
#include "controlplane/sips_policy.h"
#include "controlplane/trickle.h"
#include "sip/multipart.h"
#include "sip/sdp_write.h"
#include "sip/status.h"

namespace weir::controlplane {

namespace settings = proto::settings;
using sip::HeaderId;
using sip::Message;
using sip::Method;

namespace {

constexpr std::string_view kSdpType = "application/sdp";
/// How long another 2xx of a forked INVITE may come after the first: 64*T1 (RFC 3261 section 13.2.2.4).
constexpr std::uint64_t kForksNs = 33'000'000'000;

/// A first RSeq: 1..2^31-1, not to be guessed (RFC 3262 section 3).
std::uint32_t make_rseq(const sip::TokenSource& tokens) {
  return static_cast<std::uint32_t>(std::hash<std::string>{}(tokens()) % 0x7fff'0000u) + 1;
}

}  // namespace

std::optional<EndCause> Call::begin(sip::TransactionId id, const Message& invite, const Path& from,
                                    const Destination& destination) {
  if (context_.recorder != nullptr) origin_ = origin_of(invite);
  caller_ = std::make_unique<Leg>(Side::kCaller, from);
  caller_->invite = id;
  caller_->display = invite.from() ? sip::write(invite.from()->uri) : "";
  caller_->hides = sip::hidden_parts(invite);
  caller_->peer.learn(invite);
  caller_->session.security = policy_from(realm_of(*caller_));
  caller_->dialog = sip::Dialog::from_request(invite, context_.tokens(), caller_->contact(is_sips(invite)));
  if (!caller_->dialog) return EndCause{400, "the INVITE has no usable Contact"};
  if (session_too_short(*caller_, invite)) return EndCause{422, "the session interval is too small"};
  callers_invite_ = context_.transactions.request(id);
  callee_realm_ = destination.to_realm;
  callee_profile_ = destination.media;
  join_codecs(caller_->session.security, context_.settings.realms[callee_realm_]);
  if (std::optional<EndCause> cause = read_callers_offer(invite)) return cause;
  log_sip(Side::kCaller, from, "in", invite);
  if (std::optional<EndCause> cause = check_caller(invite)) return cause;
  caller_->state = LegState::kInviting;
  invitation_ =
      std::make_unique<Invitation>(context_, control_, *this, static_cast<Inviter&>(*this), Side::kCallee, destination);
  const bool waits = identity_wait_ && holds_invite();
  starting_ = true;
  if (!waits) start_invitation();
  starting_ = false;
  if (refused_at_start_) {
    caller_->state = LegState::kOver;
    return *refused_at_start_;
  }
  control_.own(caller_->dialog->id(), *this);
  return std::nullopt;
}

void Call::start_invitation() {
  invitation_->start();
  callee_display_ = invitation_->target_text();
}

std::optional<EndCause> Call::prepare(const Path& way) {
  return media_ ? std::nullopt : make_stream(way);
}

/// What every INVITE of ours says, whoever asks for it. `from` is the party that calls, as it is shown there.
Message Call::begin_invite(const Leg& leg, const Target& target, sip::NameAddr from) const {
  sip::RequestHead head;
  head.method = Method::kInvite;
  head.request_uri = sip::write(target.uri);
  head.via = leg.make_via(context_.tokens);
  head.from = std::move(from);
  head.from.set_tag(context_.tokens());
  head.to.uri = target.uri;
  head.to.uri.parameters = {};
  head.call_id = context_.tokens();
  Message request = sip::make_request(head);
  request.add_header(HeaderId::kContact, sip::write(leg.contact(target.uri.scheme == sip::Scheme::kSips)));
  request.add_header(HeaderId::kAllow, kAllowed);
  ask_session_timer(leg, request);
  return request;
}

/// A caller is shown as its INVITE allows it, everybody else as it was called, unless it does not want to be.
sip::NameAddr Call::shown_party(const Leg& party, const Leg& to) const {
  const std::string our_host = to.contact().uri.host;
  if (party.hides.name && !realm_of(to).policy.trusted) return nobody();
  if (party.side() == Side::kCaller && callers_invite_) return shown_caller(*callers_invite_, realm_of(to), our_host);
  sip::NameAddr shown;
  shown.uri = sip::make_sip_uri(party.dialog->remote().uri.user_text(), our_host);
  return shown;
}

Message Call::make_invite(const Leg& leg, const Target& target) {
  const Message& invite = *callers_invite_;
  Message request = begin_invite(leg, target, shown_party(*caller_, leg));
  const std::uint32_t hops = static_cast<std::uint32_t>(invite.max_forwards().value_or(sip::kMaxForwardsInitial)) - 1;
  request.set_header(HeaderId::kMaxForwards, std::to_string(hops));
  // An offer in a reliable provisional response waits for the caller's PRACK: only a caller that knows it can answer.
  const settings::ReliableProvisionals policy = realm_of(leg).policy.reliable_provisionals;
  const bool reliable = policy != settings::ReliableProvisionals::kOff && (!delayed_ || caller_->peer.reliable);
  request.add_header(HeaderId::kSupported, reliable ? kSupported : kSupported.substr(kSupported.find(' ') + 1));
  if (reliable && policy == settings::ReliableProvisionals::kRequired) request.add_header(HeaderId::kRequire, "100rel");
  say_trickle(callee_session_.security.ice, request);
  pass_headers(invite, realm_of(*caller_), realm_of(leg), request);
  if (!request.has(HeaderId::kUserAgent)) request.add_header(HeaderId::kUserAgent, kSoftware);
  say_who_calls(leg, request);
  if (callee_offered_) request.set_body(write_for_one(*callee_offered_), kSdpType);
  sign(request, leg, caller_.get());
  return request;
}

void Call::on_progress(Leg* fork, const Message& response) {
  if (ending_ || caller_->state != LegState::kInviting) return;
  if (response.status() == 180 && origin_.ringing_ns == 0) origin_.ringing_ns = now();
  if (fork != nullptr) {
    if (const std::optional<EndCause> cause = hide_callee(*fork, response)) return end(*cause);
  }
  const bool has_sdp = fork != nullptr && !sip::sdp_body(response).empty();
  const std::optional<std::uint32_t> rseq = fork != nullptr ? reliable_number(response) : std::nullopt;
  if (delayed_ && has_sdp && rseq && !caller_->offered) {
    if (const std::optional<EndCause> cause = take_callees_offer(*fork, response)) return end(*cause);
    provisional_waits_ = rseq;
    early_ = fork->dialog->id();
    return tell_progress(response.status(), sip::write_sdp(*caller_->offered));
  }
  if (rseq) acknowledge_provisional(*fork, *rseq, "");
  if (has_sdp && !delayed_) take_early_answer(*fork, response);
  if (ending_) return;
  const bool told = has_sdp && caller_->agreement && !holds_answer();
  tell_progress(response.status(), told ? sip::write_sdp(caller_->agreement->local) : "");
}

/// Media before the answer. Of several forks the latest is heard; a body that is no answer to our offer is passed over,
/// since the final answer may still be one.
void Call::take_early_answer(Leg& fork, const Message& response) {
  if (!fork.agreement) {
    recall_offer(fork, callee_session_, *callee_offered_);
    if (const std::optional<EndCause> cause = take_answer(fork, response)) {
      fork.agreement.reset();
      return log_event(LogLevel::kWarning, "call",
                       {{"call", number_}, {"event", "early answer passed over"}, {"reason", cause->text}});
    }
  } else if (!is_early(fork.dialog->id())) {
    (void)change_stream(fork, *fork.agreement);
  }
  early_ = fork.dialog->id();
  if (caller_->agreement || ending_ || holds_answer()) return;
  hear_early(fork);
}

void Call::hear_early(Leg& fork) {
  caller_->agreement = make_answer_to(*caller_, *offer_, *fork.agreement);
  caller_->session.previous = caller_->agreement->local;
  if (const std::optional<EndCause> cause = change_stream(*caller_, *caller_->agreement)) end(*cause);
}

/// Reliably where the caller insists on it, or where it takes a session description that way.
void Call::tell_progress(std::uint16_t status, std::string body) {
  Message response = caller_->make_response(*callers_invite_, status, "");
  const bool insists = callers_invite_->lists(HeaderId::kRequire, "100rel");
  const settings::ReliableProvisionals policy = realm_of(*caller_).policy.reliable_provisionals;
  const bool wanted = policy == settings::ReliableProvisionals::kRequired || !body.empty();
  const bool may = policy != settings::ReliableProvisionals::kOff && caller_->peer.reliable;
  const bool reliable = insists || (may && wanted);
  if (!body.empty()) response.set_body(body, kSdpType);
  say_trickle(caller_->session.security.ice, response);
  if (!reliable) return respond(*caller_, caller_->invite, response);
  if (!caller_->provisionals) {
    Provisionals::Callbacks callbacks{.send = [this](const Message& one) { respond(*caller_, caller_->invite, one); },
                                      .unacknowledged =
                                          [this] {
                                            end({504, "the caller never acknowledged a provisional response"});
                                          },
                                      .now_ns = [this] { return now(); }};
    caller_->provisionals = std::make_unique<Provisionals>(context_.alarms, callers_invite_->cseq()->number,
                                                           make_rseq(context_.tokens), std::move(callbacks));
  }
  caller_->provisionals->send(std::move(response));
}

void Call::acknowledge_provisional(Leg& fork, std::uint32_t rseq, std::string_view body) {
  const std::shared_ptr<const Message> invite = context_.transactions.request(fork.invite);
  if (invite == nullptr) return;
  Message prack = fork.dialog->make_request(Method::kPrack, fork.make_via(context_.tokens));
  prack.add_header(HeaderId::kRAck, sip::write(sip::RAck{rseq, *invite->cseq()}));
  if (!body.empty()) prack.set_body(body, kSdpType);
  tell(fork, std::move(prack));  // one that fails leaves the callee repeating its response
}

void Call::on_answered(std::unique_ptr<Leg> leg, const Message& response) {
  const bool early = leg->agreement.has_value();
  callee_ = std::move(leg);
  const bool another_offered = delayed_ && caller_->offered && !is_early(callee_->dialog->id());
  std::optional<EndCause> unfit = hide_callee(*callee_, response);
  early_.reset();
  take_session_timer(*callee_, response);
  control_.own(callee_->dialog->id(), *this);
  invitation_end_.set(now() + kForksNs, [this] { invitation_.reset(); });
  if (another_offered) unfit = {500, "another fork than the one that made the offer has answered"};
  if (unfit) {
    acknowledge(*callee_, "");
    return end(*unfit);
  }
  if (delayed_ && !caller_->agreement) {
    callee_unacknowledged_ = true;  // until the caller's ACK brings the answer
    if (const std::optional<EndCause> cause = take_callees_offer(*callee_, response)) return end(*cause);
    await_callee();
    return answer_caller();
  }
  acknowledge(*callee_, "");
  if (delayed_) await_callee();
  if (delayed_) return answer_caller();  // the offer came in a provisional response, and has its answer
  if (!early) {
    recall_offer(*callee_, callee_session_, *callee_offered_);
    if (const std::optional<EndCause> cause = take_answer(*callee_, response)) return end(*cause);
  } else if (const std::optional<EndCause> cause = change_stream(*callee_, *callee_->agreement)) {
    return end(*cause);  // of several forks with media another one may have been heard
  }
  if (ending_) return;  // the stream may have failed meanwhile, and told the caller
  await_callee();
  answer_caller();
  if (invitation_->has_forked(*callee_)) renew_shared_keys(Side::kCallee);
}

void Call::on_refused(const EndCause& cause, const Message* response) {
  if (response != nullptr) release_ = release_by(to_string(Side::kCallee), *response);
  if (starting_) {
    refused_at_start_ = cause;
    return;
  }
  const std::uint16_t status = status_for_far_party(cause.status);
  end({status, status == cause.status ? cause.text : std::string(sip::reason_phrase(status))});
}

/// What a callee has sent before its answer, while the caller's Identity was being checked.
void Call::answer_early() {
  Leg* const fork = early_ && !delayed_ ? far(*caller_) : nullptr;
  if (fork == nullptr || !fork->agreement || caller_->agreement) return;
  hear_early(*fork);
  if (!ending_) tell_progress(183, sip::write_sdp(caller_->agreement->local));
}

/// RFC 3262 section 3: no 2xx while a session description is on its way in a provisional response.
void Call::answer_caller() {
  answer_waits_ = holds_answer() || (caller_->provisionals && caller_->provisionals->holds_back_answer());
  if (!answer_waits_) send_answer();
}

void Call::send_answer() {
  answer_waits_ = false;
  const bool delivered = caller_->provisionals && caller_->provisionals->session_delivered();
  if (caller_->provisionals) caller_->provisionals->stop();
  std::optional<EndCause> cause;
  if (!delayed_ && !caller_->agreement) {
    caller_->agreement = make_answer_to(*caller_, *offer_, *callee_->agreement);
    caller_->session.previous = caller_->agreement->local;
    // Our port listens before the caller hears of it; a stream that fails at once ends the call with BYE after the ACK.
    cause = change_stream(*caller_, *caller_->agreement);
    if (ending_) return;  // the stream has failed at once, and the caller has heard so
  }
  Message response = caller_->make_response(*callers_invite_, 200, "OK");
  response.add_header(HeaderId::kSupported, kSupported);
  say_trickle(caller_->session.security.ice, response);
  answer_session_timer(*caller_, *callers_invite_, response);
  if (!delivered) {
    response.set_body(sip::write_sdp(caller_->agreement ? caller_->agreement->local : *caller_->offered), kSdpType);
  }
  caller_->dialog->confirm();
  caller_->state = LegState::kUnacked;
  answered_ns_ = now();
  ++control_.counters_.calls_answered;
  respond(*caller_, caller_->invite, response);
  changed();
  if (cause) return end(*cause);
  if (!delayed_) align(Side::kCaller);
}

/// The ACK for the 2xx that confirmed a leg of ours. `body` is the answer to an offer in that 2xx.
void Call::acknowledge(Leg& leg, std::string_view body) {
  if (&leg == callee_.get()) callee_unacknowledged_ = false;
  const std::shared_ptr<const Message> invite = context_.transactions.request(leg.invite);
  if (invite == nullptr) return;
  Message ack = leg.dialog->make_ack(*invite, leg.make_via(context_.tokens));
  if (!body.empty()) ack.set_body(body, kSdpType);
  log_sip(leg.side(), leg.path(), "out", ack);
  context_.transactions.acknowledge(leg.invite, ack, leg.dialog_hop(context_.paths));
}

void Call::refuse_caller(const EndCause& cause) {
  if (caller_->provisionals) caller_->provisionals->stop();
  // A call that ends before its answer ends without one, whatever its end is called.
  const std::uint16_t status = cause.status < 300 ? 480 : cause.status;
  Message response = caller_->make_response(*callers_invite_, status, "");
  response.add_header(HeaderId::kReason, reason_header(cause.status, cause.text));
  respond(*caller_, caller_->invite, response);
  caller_->dialog->terminate();
  caller_->state = LegState::kOver;
}

}  // namespace weir::controlplane
