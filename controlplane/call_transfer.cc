#include "controlplane/call_transfer.h"

#include <utility>

#include "controlplane/log.h"
#include "sip/event.h"
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

Transfer::Transfer(Call& call, const Referral& referral, std::unique_ptr<Leg> referrer)
    : call_(call),
      referral_(referral),
      referrer_(std::move(referrer)),
      started_ns_(call.now()),
      subscribed_(referral.notifies) {}

Transfer::~Transfer() {
  if (referrer_) call_.release(*referrer_);
}

void Transfer::start() {
  notify(100, false);
  ask();
}

bool Transfer::over() const {
  return quiet() && (!referrer_ || referrer_->over());
}

std::variant<sip::RemoteOffer, EndCause> Transfer::make_room(const MediaLegOptions& options) {
  std::optional<sip::RemoteOffer> offer = call_.offer_of(&remaining());
  if (!offer) return EndCause{500, "the remaining party has no session to offer"};
  // The referrer may have put it on hold: the new party is to talk to it.
  offer->sections[call_.section_].direction = sip::Direction::kSendRecv;
  if (const proto::Status status = call_.media_->replace(side(), options, call_.now()); !status) {
    return EndCause{503, status.error()};
  }
  replaced_ = true;
  (void)choose_section(*offer, false);
  return *std::move(offer);
}

void Transfer::succeed() {
  settled_ = true;
  const Leg& comer = *call_.leg(side());
  log_event(LogLevel::kInfo, "call",
            {{"call", call_.number()}, {"event", "transferred"}, {"leg", to_string(side())}, {"to", comer.display}});
  notify(200, true);
  if (referrer_->state == LegState::kConfirmed) call_.send_bye(*referrer_, {200, "transferred"});
  call_.changed();
  call_.align(opposite(side()));
}

void Transfer::fail(const EndCause& cause) {
  settled_ = true;
  log_event(LogLevel::kInfo, "call",
            {{"call", call_.number()},
             {"event", "not transferred"},
             {"status", std::uint32_t{cause.status}},
             {"reason", cause.text}});
  notify(cause.status, true);
  give_back(cause);
}

/// The referrer's leg is the call's again, with ports and keys that it is offered anew.
void Transfer::give_back(const EndCause& cause) {
  if (referrer_->state != LegState::kConfirmed) return call_.end(cause);  // it has hung up meanwhile
  std::unique_ptr<Leg>& place = call_.place(side());
  place = std::move(referrer_);
  if (!replaced_) return;
  MediaLegOptions options = callee_media(call_.context_.settings, place->path(), place->session.security);
  call_.hide_party(remaining(), place->path(), options);
  if (const proto::Status status = call_.media_->replace(side(), options, call_.now()); !status) {
    return call_.end({503, status.error()});
  }
  place->session.address = call_.media_->local_rtp(side()).address;
  call_.restoring_ = true;
  call_.reoffer(side());
}

void Transfer::give_up() {
  const EndCause cause{408, "the target did not answer"};
  call_off(cause);
  fail(cause);
}

void Transfer::cancel(const EndCause& cause) {
  if (!settled_) notify(487, true);
  settled_ = true;
  call_off(cause);
}

/// RFC 3515 section 2.4.4: what has become of the reference, as a fragment of the response.
void Transfer::notify(std::uint16_t status, bool last) {
  if (!subscribed_ || !referrer_ || referrer_->state != LegState::kConfirmed) return;
  subscribed_ = !last;
  told_ = status;
  Message notify = referrer_->dialog->make_request(Method::kNotify, referrer_->make_via(call_.context_.tokens));
  sip::Event event;
  event.type = "refer";
  event.id = std::to_string(referral_.cseq);
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
