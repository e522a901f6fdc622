#include "controlplane/call_transfer.h"

#include <utility>

#include "controlplane/identity_headers.h"
#include "controlplane/log.h"
#include "controlplane/media_policy.h"
#include "sip/event.h"
#include "sip/sdp_write.h"
#include "sip/sipfrag.h"
#include "sip/subscription_state.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;
using sip::Method;

namespace {

/// How long the referrer may wait for the next word: longer than any callee may ring.
constexpr std::uint32_t kSubscriptionSeconds = 240;

}  // namespace

Transfer::Transfer(Call& call, Terms terms, std::unique_ptr<Leg> referrer)
    : call_(call),
      terms_(std::move(terms)),
      referrer_(std::move(referrer)),
      invitation_(call.context_, call.control_, call, static_cast<Inviter&>(*this), terms_.side, terms_.destination),
      started_ns_(call.now()),
      subscribed_(terms_.notifies) {}

Transfer::~Transfer() {
  if (referrer_) call_.release(*referrer_);
}

void Transfer::start() {
  notify(100, false);
  invitation_.start();
}

Leg& Transfer::remaining() const {
  return *call_.leg(opposite(terms_.side));
}

bool Transfer::over() const {
  return invitation_.over() && (!referrer_ || referrer_->over());
}

/// The target gets ports and keys of its own. The referrer's stream ends here: it has asked to go.
std::optional<EndCause> Transfer::prepare(const Path& way) {
  if (offered_) return std::nullopt;
  const Leg& other = remaining();
  std::optional<sip::RemoteOffer> offer = call_.offer_of(&other);
  if (!offer) return EndCause{500, "the remaining party has no session to offer"};
  // The referrer may have put it on hold: the target is to talk to it.
  offer->sections[call_.section_].direction = sip::Direction::kSendRecv;
  const proto::settings::RealmSettings& realm = call_.context_.settings.realms[way.realm];
  const MediaLegOptions options =
      callee_media(call_.context_.settings, way, policy_towards(realm, terms_.destination.media));
  if (const proto::Status status = call_.media_->replace(terms_.side, options, call_.now()); !status) {
    return EndCause{503, status.error()};
  }
  replaced_ = true;
  session_.security = options.security;
  call_.make_session(terms_.side, session_, offer->sections.size());
  offered_ = call_.make_offer_to(terms_.side, session_, *offer, sip::protocol_to_offer(options.security));
  return std::nullopt;
}

Message Transfer::make_invite(const Leg& leg, const Target& target) {
  const Leg& other = remaining();
  sip::RequestHead head;
  head.method = Method::kInvite;
  head.request_uri = sip::write(target.uri);
  head.via = leg.make_via(call_.context_.tokens);
  // A caller is shown as its INVITE allows it, a callee as it was called.
  if (other.side() == Side::kCaller) {
    head.from = shown_caller(*call_.callers_invite_, call_.realm_of(leg), leg.contact().uri.host);
  } else {
    head.from.uri = sip::make_sip_uri(other.dialog->remote().uri.user_text(), leg.contact().uri.host);
  }
  head.from.set_tag(call_.context_.tokens());
  head.to.uri = target.uri;
  head.to.uri.parameters = {};
  head.call_id = call_.context_.tokens();
  Message request = sip::make_request(head);
  request.add_header(HeaderId::kContact, sip::write(leg.contact()));
  request.add_header(HeaderId::kAllow, kAllowed);
  request.add_header(HeaderId::kSupported, kSupported);
  call_.ask_session_timer(leg, request);
  request.add_header(HeaderId::kUserAgent, kSoftware);
  if (!terms_.referred_by.empty()) request.add_header(HeaderId::kReferredBy, terms_.referred_by);
  request.set_body(sip::write_sdp(*offered_), "application/sdp");
  return request;
}

void Transfer::on_progress(Leg* fork, const Message& response) {
  if (fork != nullptr) {
    if (const auto rseq = reliable_number(response)) call_.acknowledge_provisional(*fork, *rseq, "");
  }
  if (response.status() != told_) notify(response.status(), false);
}

void Transfer::on_answered(std::unique_ptr<Leg> leg, const Message& response) {
  settled_ = true;
  leg->session = session_;
  leg->offered = offered_;
  std::unique_ptr<Leg>& place = call_.place(terms_.side);
  place = std::move(leg);
  call_.control_.own(place->dialog->id(), call_);
  call_.take_session_timer(*place, response);
  call_.acknowledge(*place, "");
  if (const std::optional<EndCause> cause = call_.take_answer(*place, response)) {
    notify(cause->status, true);
    return call_.end(*cause);
  }
  log_event(
      LogLevel::kInfo, "call",
      {{"call", call_.number()}, {"event", "transferred"}, {"leg", to_string(terms_.side)}, {"to", place->display}});
  notify(200, true);
  if (referrer_->state == LegState::kConfirmed) call_.send_bye(*referrer_, {200, "transferred"});
  call_.changed();
  call_.align(opposite(terms_.side));
}

void Transfer::on_refused(const EndCause& cause, const Message*) {
  settled_ = true;
  log_event(LogLevel::kInfo, "call",
            {{"call", call_.number()},
             {"event", "not transferred"},
             {"status", std::uint32_t{cause.status}},
             {"reason", cause.text}});
  notify(cause.status, true);
  give_back(cause);
}

/// The target does not come: the referrer's leg is the call's again, with ports and keys that it is offered anew.
void Transfer::give_back(const EndCause& cause) {
  if (referrer_->state != LegState::kConfirmed) return call_.end(cause);  // it has hung up meanwhile
  std::unique_ptr<Leg>& place = call_.place(terms_.side);
  place = std::move(referrer_);
  if (!replaced_) return;
  const MediaLegOptions options = callee_media(call_.context_.settings, place->path(), place->session.security);
  if (const proto::Status status = call_.media_->replace(terms_.side, options, call_.now()); !status) {
    return call_.end({503, status.error()});
  }
  place->session.address = call_.media_->local_rtp(terms_.side).address;
  call_.restoring_ = true;
  call_.reoffer(terms_.side);
}

void Transfer::give_up() {
  const EndCause cause{408, "the target did not answer"};
  invitation_.cancel(cause);
  on_refused(cause, nullptr);
}

void Transfer::cancel(const EndCause& cause) {
  if (!settled_) notify(487, true);
  settled_ = true;
  invitation_.cancel(cause);
}

/// RFC 3515 section 2.4.4: what has become of the reference, as a fragment of the response.
void Transfer::notify(std::uint16_t status, bool last) {
  if (!subscribed_ || !referrer_ || referrer_->state != LegState::kConfirmed) return;
  subscribed_ = !last;
  told_ = status;
  Message notify = referrer_->dialog->make_request(Method::kNotify, referrer_->make_via(call_.context_.tokens));
  sip::Event event;
  event.type = "refer";
  event.id = std::to_string(terms_.refer_cseq);
  notify.add_header(HeaderId::kEvent, sip::write(event));
  sip::SubscriptionState state;
  state.state = last ? "terminated" : "active";
  if (last) state.reason = "noresource";
  if (!last) state.expires_s = kSubscriptionSeconds;
  notify.add_header(HeaderId::kSubscriptionState, sip::write(state));
  notify.set_body(sip::write_sipfrag(status), sip::kSipfragType);
  call_.tell(*referrer_, std::move(notify));
}

}  // namespace weir::controlplane
