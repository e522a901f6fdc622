#include "controlplane/call_attended.h"

#include <string>
#include <utility>

#include "controlplane/far_status.h"
#include "sip/status.h"

namespace weir::controlplane {

using sip::Message;
using sip::Method;

AttendedTransfer::AttendedTransfer(Call& call, const Referral& referral, std::unique_ptr<Leg> referrer, Call& other,
                                   Side target)
    : Transfer(call, referral, std::move(referrer)), other_(&other), target_(target), again_(call.context_.alarms) {
  other_->claim_ = this;
}

AttendedTransfer::~AttendedTransfer() {
  forget_other();
}

Call& AttendedTransfer::release() {
  other_->claim_ = nullptr;
  return *std::exchange(other_, nullptr);
}

void AttendedTransfer::forget_other() {
  again_.stop();
  call_.control_.disown(sent_);
  sent_ = {};
  if (other_ != nullptr) (void)release();
}

void AttendedTransfer::ask() {
  Leg& party = target();
  session_before_ = party.session;
  MediaLegOptions options = callee_media(call_.context_.settings, party.path(), party.session.security);
  call_.hide_party(remaining(), party.path(), options);
  const std::variant<sip::RemoteOffer, EndCause> room = make_room(options);
  if (const auto* cause = std::get_if<EndCause>(&room)) {
    (void)release();
    return fail(*cause);
  }
  party.session.address = call_.media_->local_rtp(side()).address;
  offered_ = call_.make_next_offer_to(side(), party, std::get<sip::RemoteOffer>(room));
  send_offer();
}

void AttendedTransfer::send_offer() {
  --offers_left_;
  Leg& party = target();
  Message request = other_->make_offering(party, Method::kInvite, *offered_);
  other_->log_sip(party.side(), party.path(), "out", request);
  const auto sent = call_.control_.request(*this, std::move(request), party.dialog_hop(call_.context_.paths));
  if (!sent) return on_refused(503);
  sent_ = *sent;
  party.offered = offered_;
}

void AttendedTransfer::on_response(sip::TransactionId id, const Message& response) {
  if (id != sent_ || other_ == nullptr) return;
  Leg& party = target();
  other_->log_sip(party.side(), party.path(), "in", response);
  if (response.status() < 200) return;
  if (response.status() >= 300) {
    const auto again = settled() ? std::nullopt : other_->send_again(*this, party, sent_, response);
    if (!again) return on_refused(response.status());
    call_.control_.disown(std::exchange(sent_, *again));
    return;
  }
  party.dialog->on_response(response);
  party.peer.learn(response);
  other_->acknowledge_reinvite(party, sent_);
  call_.control_.disown(std::exchange(sent_, {}));
  if (settled() || other_->ending()) return leave_target(response.status());  // it has crossed our CANCEL, or a BYE
  take_target(response);
}

void AttendedTransfer::on_failure(sip::TransactionId id, sip::TransactionFailure failure) {
  if (id == sent_) on_refused(failure == sip::TransactionFailure::kTimeout ? 408 : 503);
}

/// The new party's session is what it was (RFC 3261 section 14.1).
void AttendedTransfer::on_refused(std::uint16_t status) {
  call_.control_.disown(std::exchange(sent_, {}));
  const bool crossed = status == 491 && !settled() && offers_left_ > 0;
  if (crossed) return other_->after_glare(again_, target(), [this] { send_offer(); });
  const bool settled_before = settled();
  settle();
  leave_target(status);
  const std::uint16_t told = status_for_far_party(status);
  if (!settled_before) fail({told, std::string(sip::reason_phrase(told))});
}

/// The new party is in this call from now on, unless its answer is of no use here: then it goes back to where it was.
void AttendedTransfer::take_target(const Message& response) {
  Call& other = release();
  std::unique_ptr<Leg>& place = call_.place(side());
  place = std::move(other.place(target_));
  other.drop_relays_of(place->dialog->id());
  call_.take_over(*place, side());
  std::optional<EndCause> cause = call_.hide_comer(*place);
  if (!cause) cause = call_.take_answer(*place, response);
  if (call_.ending()) return other.end({488, "the stream has failed"});  // at once: it has been told so
  if (cause) {
    other.place(target_) = std::move(place);
    other.take_over(*other.leg(target_), target_);
    other.take_session_timer(*other.leg(target_), response);
    settle();
    restore(other, response.status());
    return fail(*cause);
  }
  call_.take_session_timer(*place, response);
  if (side() == Side::kCaller) call_.callers_invite_ = target_ == Side::kCaller ? other.callers_invite_ : nullptr;
  std::swap(call_.places_[static_cast<std::size_t>(side())], other.places_[static_cast<std::size_t>(target_)]);
  succeed();
  other.end({200, "transferred"});
}

/// The claim is over, and the new party where it was. `status` is its last word to us.
void AttendedTransfer::leave_target(std::uint16_t status) {
  restore(release(), status);
}

/// The new party's session is that of the other call; if it has taken our offer, it is offered that one again.
void AttendedTransfer::restore(Call& other, std::uint16_t status) {
  if (other.ending()) return;
  Leg& party = *other.leg(target_);
  std::optional<sip::DescriptionMark> said = std::move(party.session.previous);
  party.session = session_before_;
  party.session.previous = std::move(said);  // versions go up, whatever became of an offer (RFC 3264 section 8)
  party.offered.reset();
  const Leg* const referrer = other.leg(opposite(target_)).get();
  if (referrer == nullptr || referrer->over()) return other.end({200, "the other party has hung up"});
  if (sip::ends_dialog(status)) return other.end({status, "the party does not answer an offer"});
  if (status >= 300) return;
  other.restoring_ = true;
  other.reoffer(target_);
}

void AttendedTransfer::on_other_ended(const EndCause& cause) {
  const bool settled_before = settled();
  settle();
  call_off(cause);
  if (other_ != nullptr && quiet()) (void)release();  // else its leg is needed for the ACK of what may have crossed
  if (!settled_before) fail({480, "the target has hung up"});
}

void AttendedTransfer::call_off(const EndCause&) {
  again_.stop();
  if (sent_.valid()) {
    (void)call_.context_.transactions.cancel(call_.now(), sent_);
  } else if (other_ != nullptr && !other_->ending()) {
    leave_target(491);
  }
}

}  // namespace weir::controlplane
