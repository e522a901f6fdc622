// New offers in a call: re-INVITE and UPDATE. An offer that changes nothing for the far party is answered here; any
// other goes on to it, and its answer comes back. RFC 3261 section 14, RFC 3264 section 8, RFC 3311, RFC 6141.
#include <algorithm>

#include "controlplane/call.h"
#include "controlplane/far_status.h"
#include "controlplane/log.h"
#include "controlplane/trickle.h"
#include "sip/bundled.h"
#include "sip/sdp_write.h"
#include "sip/status.h"
#include "sip/text.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;
using sip::Method;

namespace {

constexpr std::string_view kSdpType = "application/sdp";

/// RFC 3261 section 14.1: after a 491 whoever owns the Call-ID waits 2.1 to 4 s, the other 0 to 2 s.
std::uint64_t glare_pause_ns(const sip::Dialog& dialog, const sip::TokenSource& tokens) {
  const std::uint64_t chance = std::hash<std::string>{}(tokens());
  const std::uint64_t steps = dialog.is_uac() ? 210 + chance % 191 : chance % 201;
  return steps * 10'000'000;
}

bool has_format(const sip::MediaSection& section, const std::string& format) {
  return std::find(section.formats.begin(), section.formats.end(), format) != section.formats.end();
}

/// The section as it was agreed on fits the one of an offer: the same direction, and no format in use that the offer
/// has not.
bool section_fits(const sip::Agreement& agreed, const sip::SessionDescription& wanted, std::size_t at) {
  const sip::MediaSection& local = agreed.local.media[at];
  const sip::MediaSection& other = wanted.media[at];
  if (sip::direction(agreed.local, local) != sip::direction(wanted, other)) return false;
  for (const std::string& format : local.formats) {
    if (!has_format(agreed.remote.media[at], format)) continue;
    const auto payload_type = sip::parse_number<std::uint8_t>(format);
    if (!has_format(other, format) || !payload_type) return false;
    if (sip::rtpmap(local, *payload_type) != sip::rtpmap(other, *payload_type)) return false;
  }
  return true;
}

/// What was agreed with a party fits what it would be offered now: the same sections are open.
bool fits(const sip::Agreement& agreed, const sip::SessionDescription& wanted) {
  const std::size_t sections = std::min(agreed.local.media.size(), agreed.remote.media.size());
  for (std::size_t at = 0; at < std::max(sections, wanted.media.size()); ++at) {
    const bool is_open = at < sections && sip::is_open(agreed.local.media[at]) && sip::is_open(agreed.remote.media[at]);
    const bool wanted_open = at < wanted.media.size() && sip::is_open(wanted.media[at]);
    if (is_open != wanted_open || (is_open && !section_fits(agreed, wanted, at))) return false;
  }
  return true;
}

/// The two descriptions say the same of media: formats in any order, and direction.
bool is_same_offer(const sip::SessionDescription& one, const sip::SessionDescription& other) {
  return fits({one, one, {}}, other) && fits({other, other, {}}, one);
}

/// Our description of what was agreed on, without what the party has refused.
sip::SessionDescription agreed_with(const sip::Agreement& agreement) {
  sip::SessionDescription local = agreement.local;
  for (std::size_t at = 0; at < local.media.size() && at < agreement.sections.size(); ++at) {
    if (agreement.sections[at].active) continue;
    local.media[at].port = 0;
    std::erase_if(local.media[at].attributes, [](const sip::SdpAttribute& one) { return one.name == "bundle-only"; });
  }
  return local;
}

/// What was refused a party is not offered in its name.
void close_refused(const std::vector<sip::AgreedSection>& agreed, sip::RemoteOffer& offer) {
  for (std::size_t at = 0; at < offer.sections.size(); ++at) {
    const bool refused = at >= agreed.size() || !agreed[at].active;
    if (offer.sections[at].use == sip::SectionUse::kBundled && refused) offer.sections[at] = {};
  }
}

}  // namespace

/// What a party described last, as an offer to the other one; nullopt if it has described nothing.
std::optional<sip::RemoteOffer> Call::offer_of(const Leg* party) const {
  if (party == nullptr || !party->agreement) return std::nullopt;
  auto read = sip::read_offer(sip::write_sdp(party->agreement->remote), 0, party->session.security);
  auto* offer = std::get_if<sip::RemoteOffer>(&read);
  if (offer == nullptr || choose_section(*offer, may_bundle()) != section_) return std::nullopt;
  close_refused(party->agreement.sections(), *offer);
  return std::move(*offer);
}

void Call::on_reoffer(Leg& from, sip::TransactionId id, const Message& request) {
  const bool invite = request.method() == Method::kInvite;
  if (ending_) return respond(from, id, from.make_response(request, 481, ""));
  if (invite && from.state != LegState::kConfirmed) {
    return respond(from, id, from.make_response(request, 491, ""));  // RFC 3261 section 14.2
  }
  if (const std::optional<std::uint32_t> min_s = session_too_short(from, request)) {
    Message response = from.make_response(request, 422, "");
    response.add_header(HeaderId::kMinSe, std::to_string(*min_s));
    return respond(from, id, response);
  }
  const bool bare = request.body().empty() && !invite && !request.has(HeaderId::kIdentity);
  if (bare) return take_refresh(from, id, request);
  const bool own_pending = exchange_ && exchange_->from == from.dialog->id();
  if (own_pending || from.offered || !from.agreement) {
    // RFC 3261 section 14.2 and RFC 3311 section 5.2: an offer of the same peer that has no answer yet: 500; ours: 491.
    Message response = from.make_response(request, own_pending || !from.offered ? 500 : 491, "");
    if (response.status() == 500) response.add_header(HeaderId::kRetryAfter, "2");
    return respond(from, id, response);
  }
  if (is_changing()) return respond(from, id, from.make_response(request, 491, ""));
  if (identity_use(from) != proto::settings::IdentityUse::kIgnore && request.has(HeaderId::kIdentity)) {
    return check_reoffer(from, id, request);
  }
  take_reoffer(from, id, request);
}

/// A new description, or none, of a party that was found to have a say in it.
void Call::take_reoffer(Leg& from, sip::TransactionId id, const Message& request) {
  alignments_left_ = kAlignmentsMax;
  if (request.body().empty() && request.method() == Method::kUpdate) return take_refresh(from, id, request);
  if (request.body().empty()) return on_reinvite_without_offer(from, id, request);
  std::variant<sip::RemoteOffer, EndCause> read =
      read_offer_in(request, from.agreement->sections.size(), from.session.security);
  if (const auto* cause = std::get_if<EndCause>(&read)) return refuse_offer(from, id, request, *cause);
  sip::RemoteOffer offer = std::get<sip::RemoteOffer>(std::move(read));
  if (choose_section(offer, may_bundle()) != section_) {
    return refuse_offer(from, id, request, {488, "the audio stream cannot be moved to another section"});
  }
  Leg* const to = far(from);
  if (to != nullptr && to->offered) return respond(from, id, from.make_response(request, 491, ""));
  if (to == nullptr || !to->agreement) return answer_here(from, id, request, std::move(offer));
  sip::LocalSession session = to->session;
  session.sections.resize(offer.sections.size());
  const sip::SessionDescription passed = sip::make_offer(offer, session, to->agreement->sections[section_].protocol);
  if (is_same_offer(agreed_with(*to->agreement), passed)) {
    return answer_here(from, id, request, std::move(offer));
  }
  pass_offer(from, *to, id, request, std::move(offer));
}

/// An UPDATE without offer: of the target, which the dialog has taken, of the session timer, or of who the party is.
void Call::take_refresh(Leg& from, sip::TransactionId id, const Message& request) {
  Message response = from.make_response(request, 200, "OK");
  answer_session_timer(from, request, response);
  respond(from, id, response);
}

/// The offer leaves the far party's session as it is: it is answered out of what that party agreed to.
void Call::answer_here(Leg& from, sip::TransactionId id, const Message& request, const sip::RemoteOffer& offer) {
  const Leg* const to = far(from);
  if (to == nullptr || !to->agreement) return refuse_offer(from, id, request, {500, "the far party has not answered"});
  accept_offer(from, id, request, make_answer_to(from, offer, *to->agreement));
}

void Call::accept_offer(Leg& from, sip::TransactionId id, const Message& request, sip::Agreement agreement) {
  if (const std::optional<EndCause> cause = change_stream(from, agreement)) {
    refuse_offer(from, id, request, *cause);
    return restore_stream(from);
  }
  from.session.previous = agreement.local;
  from.agreement = std::move(agreement);
  release_when_shown();
  Message response = from.make_response(request, 200, "OK");
  answer_session_timer(from, request, response);
  say_trickle(from.session.security.ice, response);
  response.set_body(sip::write_sdp(from.agreement->local), kSdpType);
  if (request.method() == Method::kInvite) {
    // A new INVITE shows that the answer to the one before has arrived, whatever became of its ACK.
    settle_reinvite(from);
    from.reinvite = UnackedAnswer{id, request.cseq()->number};
    control_.own_invite(id, *this);
  }
  respond(from, id, response);
  changed();
}

/// What was to take the place of a party's session could not: the one before is in force again, and the other party,
/// which may have agreed to the new one, is offered what goes with it (RFC 3261 section 14.1).
void Call::restore_stream(Leg& leg) {
  if (ending_) return;
  if (const std::optional<EndCause> cause = change_stream(leg, *leg.agreement)) return end(*cause);
  align(opposite(leg.side()));
}

void Call::refuse_offer(Leg& from, sip::TransactionId id, const Message& request, const EndCause& cause) {
  Message response = from.make_response(request, cause.status, "");
  response.add_header(HeaderId::kReason, reason_header(cause.status, cause.text));
  if (cause.status == 415) response.add_header(HeaderId::kAccept, kSdpType);
  if (control_.may_log(LineKind::kOfferRefused)) {
    log_event(LogLevel::kWarning, "call",
              {{"call", number_}, {"event", "offer refused"}, {"leg", to_string(from.side())}, {"reason", cause.text}});
  }
  respond(from, id, response);
  control_.disown(id);  // whatever becomes of the refusal, the call has no part in it
}

/// The peer asks for our offer (RFC 3261 section 14.2): what the far party described last, to be answered in the ACK.
void Call::on_reinvite_without_offer(Leg& from, sip::TransactionId id, const Message& request) {
  const Leg* const to = far(from);
  const std::optional<sip::RemoteOffer> offer = offer_of(to);
  if (!offer) return refuse_offer(from, id, request, {500, "the far party has not answered"});
  from.offered = make_next_offer_to(from.side(), from, *offer);
  Message response = from.make_response(request, 200, "OK");
  answer_session_timer(from, request, response);
  response.set_body(sip::write_sdp(*from.offered), kSdpType);
  settle_reinvite(from);
  from.reinvite = UnackedAnswer{id, request.cseq()->number, true};
  control_.own_invite(id, *this);
  respond(from, id, response);
}

void Call::on_delayed_answer(Leg& from, const Message& ack) {
  if (!from.offered || ending_) return;
  const std::optional<EndCause> cause = take_answer(from, ack);
  from.offered.reset();
  if (cause) {
    // Without a usable answer the session is what it was.
    return log_event(
        LogLevel::kWarning, "call",
        {{"call", number_}, {"event", "answer passed over"}, {"leg", to_string(from.side())}, {"reason", cause->text}});
  }
  changed();
  align(opposite(from.side()));
}

void Call::pass_offer(Leg& from, Leg& to, sip::TransactionId id, const Message& request, sip::RemoteOffer offer) {
  const sip::SessionDescription passed = make_next_offer_to(to.side(), to, offer);
  const bool early = to.state == LegState::kInviting;
  if (early && !to.peer.update) {
    Message response = from.make_response(request, 500, "");
    response.add_header(HeaderId::kRetryAfter, "5");
    return respond(from, id, response);
  }
  const bool update = early || (request.method() == Method::kUpdate && to.peer.update);
  if (!send_offer(to, update ? Method::kUpdate : Method::kInvite, passed)) {
    return refuse_offer(from, id, request, {503, "no room for another transaction"});
  }
  exchange_->from = from.dialog->id();
  exchange_->asked = id;
  exchange_->request = context_.transactions.request(id);
  exchange_->offer = std::move(offer);
  if (request.method() == Method::kInvite) control_.own_invite(id, *this);
}

Message Call::make_offering(Leg& to, Method method, const sip::SessionDescription& offer) {
  Message request = to.dialog->make_request(method, to.make_via(context_.tokens));
  request.add_header(HeaderId::kAllow, kAllowed);
  request.add_header(HeaderId::kSupported, kSupported);
  say_trickle(to.session.security.ice, request);
  ask_session_timer(to, request);
  request.set_body(sip::write_sdp(offer), kSdpType);
  sign(request, to, far(to));
  return request;
}

bool Call::send_offer(Leg& to, Method method, const sip::SessionDescription& offer) {
  const std::optional<sip::TransactionId> sent = this->request(to, make_offering(to, method, offer));
  if (!sent) return false;
  to.offered = offer;
  exchange_.emplace();
  exchange_->to = to.dialog->id();
  exchange_->sent = *sent;
  exchange_->method = method;
  exchange_->sent_ns = now();
  return true;
}

/// An offer of our own to one party: what the other one described last.
void Call::reoffer(Side side) {
  Leg* const to = leg(side).get();
  const Leg* const other = leg(opposite(side)).get();
  if (ending_ || !to || !other || to->state != LegState::kConfirmed || !to->agreement || !other->agreement) return;
  if (is_changing() || to->offered || to->reinvite) return reoffer_later(side);
  const std::optional<sip::RemoteOffer> offer = offer_of(other);
  if (!offer) return;
  (void)send_offer(*to, Method::kInvite, make_next_offer_to(side, *to, *offer));
}

void Call::reoffer_later(Side side) {
  after_glare(reoffer_, *leg(side), [this, side] { reoffer(side); });
}

/// Does it once the leg's party has had time to bring its own offer.
void Call::after_glare(Alarm& alarm, const Leg& leg, Alarms::Action action) const {
  alarm.set(now() + glare_pause_ns(*leg.dialog, context_.tokens), std::move(action));
}

/// Brings one party's session to what the other one's has become, if they differ.
void Call::align(Side side) {
  const Leg* const to = leg(side).get();
  const Leg* const other = leg(opposite(side)).get();
  if (ending_ || !to || !other || !to->agreement || !other->agreement) return;
  const std::optional<sip::RemoteOffer> offer = offer_of(other);
  if (!offer) return;
  sip::LocalSession session = to->session;
  session.sections.resize(offer->sections.size());
  const sip::SessionDescription wanted = sip::make_offer(*offer, session, to->agreement->sections[section_].protocol);
  const bool fits_already = fits(*to->agreement, wanted) && has_said_certificate(*to);
  if (fits_already || alignments_left_ == 0) return;
  --alignments_left_;
  if (to->state == LegState::kConfirmed) return reoffer(side);
  reoffer_later(side);
}

void Call::on_exchange_response(const Message& response) {
  Leg* const to = leg_of(exchange_->to);
  if (to == nullptr) {  // a fork that has lost
    if (response.status() < 200) return;
    if (exchange_->asked.valid() && !exchange_->withdrawn) refuse_exchange(*exchange_, 481);
    return finish_exchange();
  }
  log_sip(to->side(), to->path(), "in", response);
  if (response.status() < 200) return;
  if (response.status() >= 300) return on_exchange_failed(response.status(), &response);
  to->dialog->on_response(response);
  to->peer.learn(response);
  take_session_timer(*to, response);
  if (exchange_->method == Method::kInvite) acknowledge_reinvite(*to, exchange_->sent);
  const Exchange done = *std::move(exchange_);
  finish_exchange();
  restoring_ = false;
  const bool asked = done.asked.valid() && !done.withdrawn;
  const std::optional<EndCause> cause = take_answer(*to, response);
  if (asked && (cause || ending_)) refuse_exchange(done, cause ? cause->status : 487);
  if (cause) return end(*cause);
  if (ending_) return;
  Leg* const from = leg_of(done.from);
  if (from == nullptr && asked) refuse_exchange(done, 481);
  if (!asked || from == nullptr) {
    changed();
    // What nobody wants any more is taken back; what we wanted ourselves may concern the other party too.
    return align(done.withdrawn ? to->side() : opposite(to->side()));
  }
  accept_offer(*from, done.asked, *done.request, make_answer_to(*from, *done.offer, *to->agreement));
}

void Call::acknowledge_reinvite(Leg& to, sip::TransactionId invite) {
  const std::shared_ptr<const Message> request = context_.transactions.request(invite);
  const Message ack = to.dialog->make_ack(*request, to.make_via(context_.tokens));
  log_sip(to.side(), to.path(), "out", ack);
  context_.transactions.acknowledge(invite, ack, to.dialog_hop(context_.paths));
}

/// The far party has not taken the offer: both sessions stay as they were (RFC 3261 section 14.1).
void Call::on_exchange_failed(std::uint16_t status, const Message* response) {
  Leg* const to = leg_of(exchange_->to);
  const Exchange done = *std::move(exchange_);
  finish_exchange();
  if (to != nullptr) to->offered.reset();
  Leg* const from = leg_of(done.from);
  if (done.asked.valid() && !done.withdrawn && from != nullptr) {
    const std::uint16_t told = status_for_far_party(status);
    refuse_offer(*from, done.asked, *done.request, {told, std::string(sip::reason_phrase(told))});
  } else if (done.asked.valid() && !done.withdrawn) {
    refuse_exchange(done, 481);
  } else if (status == 491 && to != nullptr) {
    return reoffer_later(to->side());
  }
  if (to != nullptr) media_->drop_renewal(to->side());
  // Section 12.2.1.2: the dialog is gone. A timeout of ours says the same of the party.
  const bool lost = restoring_ && !done.asked.valid();
  if (lost) return end({status, "the party has not come back to the call"});
  if (sip::ends_dialog(status) && is_party(to))
    end({status, response ? "the far party knows the call no more" : "no answer"});
}

void Call::finish_exchange() {
  if (exchange_) control_.disown(exchange_->sent);  // a party that answers twice may do so when the call is no more
  exchange_.reset();
}

/// The sender of a re-INVITE has cancelled it (RFC 6141 section 3.5 leaves what was not agreed on undone).
void Call::withdraw_offer(sip::TransactionId id) {
  if (!exchange_ || exchange_->asked != id || exchange_->withdrawn) return;
  exchange_->withdrawn = true;
  refuse_exchange(*exchange_, 487);
  if (exchange_->method == Method::kInvite) (void)context_.transactions.cancel(now(), exchange_->sent);
}

/// The call ends: whoever waits for the far party's answer hears so.
void Call::drop_exchanges() {
  if (exchange_ && exchange_->asked.valid() && !exchange_->withdrawn) refuse_exchange(*exchange_, 487);
  if (exchange_) {
    if (exchange_->method == Method::kInvite) (void)context_.transactions.cancel(now(), exchange_->sent);
    control_.disown(exchange_->sent);
  }
  finish_exchange();
  for (const Relay& relay : relays_) {
    control_.disown(relay.sent);
    refuse_relayed(relay, 481);
  }
  relays_.clear();
}

/// Also when the dialog of the request is gone: a fork that was forgotten.
void Call::refuse_exchange(const Exchange& exchange, std::uint16_t status) {
  control_.disown(exchange.asked);
  control_.respond(exchange.asked, sip::make_response(*exchange.request, status, "", exchange.from.local_tag));
}

void Call::settle_reinvite(Leg& leg) {
  if (!leg.reinvite) return;
  context_.transactions.acknowledged(leg.reinvite->id);
  control_.disown(leg.reinvite->id);
  leg.reinvite.reset();
}

}  // namespace weir::controlplane
