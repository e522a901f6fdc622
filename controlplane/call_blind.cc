#include "controlplane/call_blind.h"

#include <utility>

#include "controlplane/identity_headers.h"
#include "controlplane/local_keys.h"
#include "controlplane/media_policy.h"
#include "controlplane/trickle.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;

BlindTransfer::BlindTransfer(Call& call, const Referral& referral, Terms terms, std::unique_ptr<Leg> referrer)
    : Transfer(call, referral, std::move(referrer)),
      terms_(std::move(terms)),
      invitation_(call.context_, call.control_, call, static_cast<Inviter&>(*this), referral.side, terms_.destination) {
}

/// The target gets ports and keys of its own.
std::optional<EndCause> BlindTransfer::prepare(const Path& way) {
  if (offered_) return std::nullopt;
  const proto::settings::RealmSettings& realm = call_.context_.settings.realms[way.realm];
  sip::SecurityPolicy towards = policy_towards(realm, terms_.destination.media);
  join_codecs(towards, call_.realm_of(remaining()));
  MediaLegOptions options = callee_media(call_.context_.settings, way, towards);
  call_.hide_party(remaining(), way, options);
  const std::variant<sip::RemoteOffer, EndCause> room = make_room(options);
  if (const auto* cause = std::get_if<EndCause>(&room)) return *cause;
  const sip::RemoteOffer& offer = std::get<sip::RemoteOffer>(room);
  session_.security = options.security;
  call_.make_session(side(), session_, offer.sections.size());
  offered_ = call_.make_first_offer_to(side(), session_, offer);
  return std::nullopt;
}

Message BlindTransfer::make_invite(const Leg& leg, const Target& target) {
  Message request = call_.begin_invite(leg, target, call_.shown_party(remaining(), leg));
  request.add_header(HeaderId::kSupported, kSupported);
  say_trickle(session_.security.ice, request);
  request.add_header(HeaderId::kUserAgent, kSoftware);
  if (remaining().hides.name) request.add_header(HeaderId::kPrivacy, "id");
  if (!terms_.referred_by.empty()) request.add_header(HeaderId::kReferredBy, terms_.referred_by);
  request.set_body(write_for_one(*offered_), "application/sdp");
  call_.sign(request, leg, &remaining());
  return request;
}

void BlindTransfer::on_progress(Leg* fork, const Message& response) {
  if (fork != nullptr) {
    fork->learn_wishes(response);
    if (const auto rseq = reliable_number(response)) call_.acknowledge_provisional(*fork, *rseq, "");
  }
  if (response.status() != told()) notify(response.status(), false);
}

void BlindTransfer::on_answered(std::unique_ptr<Leg> leg, const Message& response) {
  settle();
  call_.recall_offer(*leg, session_, *offered_);
  std::unique_ptr<Leg>& place = call_.place(side());
  place = std::move(leg);
  if (side() == Side::kCaller) call_.callers_invite_.reset();
  call_.control_.own(place->dialog->id(), call_);
  call_.take_session_timer(*place, response);
  call_.acknowledge(*place, "");
  place->learn_wishes(response);
  std::optional<EndCause> cause = call_.hide_comer(*place);
  if (!cause) cause = call_.take_answer(*place, response);
  if (cause) {
    notify(cause->status, true);
    return call_.end(*cause);
  }
  const bool shared = invitation_.has_forked(*place);
  succeed();
  if (shared) call_.renew_shared_keys(side());
}

void BlindTransfer::on_refused(const EndCause& cause, const Message*) {
  fail(cause);
}

}  // namespace weir::controlplane
