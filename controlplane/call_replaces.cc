// An INVITE that takes the place of a party: attended transfer, as the one who was told to call does it. RFC 3891.
// Who knows all three parts of a dialog's name has it from one of its parties: they are not to be guessed, and a party
// of another realm cannot use them.
#include <algorithm>

#include "controlplane/call.h"
#include "controlplane/identity_headers.h"
#include "controlplane/log.h"
#include "controlplane/media_policy.h"
#include "controlplane/sips_policy.h"
#include "controlplane/trickle.h"
#include "sip/sdp_write.h"

namespace weir::controlplane {

namespace settings = proto::settings;
using sip::HeaderId;
using sip::Message;

namespace {

/// A format that the far party uses too.
bool has_common_format(const sip::RemoteOffer& offer, const sip::Agreement& far, std::size_t at) {
  if (at >= offer.description.media.size() || at >= far.local.media.size()) return false;
  for (const std::string& format : offer.description.media[at].formats) {
    const auto& known = far.local.media[at].formats;
    if (std::find(known.begin(), known.end(), format) != known.end()) return true;
  }
  return false;
}

}  // namespace

/// The refusals are those of RFC 3891 section 3.
std::optional<EndCause> Call::check_replacing(const Leg& gone, const Path& from, bool early_only) const {
  if (gone.path().realm != from.realm) return EndCause{481, "the dialog to be replaced is of another realm"};
  if (ending_ || gone.over()) return EndCause{603, "the dialog to be replaced has ended"};
  const Leg* const other = leg(opposite(gone.side())).get();
  const bool established = &gone == leg(gone.side()).get() && gone.state == LegState::kConfirmed && other != nullptr &&
                           other->state == LegState::kConfirmed && other->agreement;
  if (!established) return EndCause{481, "the dialog to be replaced is not established"};
  if (early_only) return EndCause{486, "the dialog to be replaced is early no more"};
  if (is_changing() || callee_awaited_) return EndCause{491, "the call is being changed"};
  return std::nullopt;
}

std::optional<EndCause> Call::on_replaces(sip::TransactionId id, const Message& invite, const Path& from,
                                          const sip::DialogId& replaced, bool early_only) {
  Leg* const gone = leg_of(replaced);
  if (gone == nullptr) return EndCause{481, "the dialog to be replaced is gone"};
  const Leg comer(gone->side(), from);
  if (identity_use(comer) == settings::IdentityUse::kIgnore) {
    return replace_leg(id, invite, from, *gone, early_only, nullptr);
  }
  if (std::optional<EndCause> cause = check_replacing(*gone, from, early_only)) return cause;
  const std::shared_ptr<const Message> kept = context_.transactions.request(id);
  const auto judge = [=, this](const JudgedIdentity& verdict) -> std::optional<EndCause> {
    Leg* const party = leg_of(replaced);
    if (party == nullptr) return EndCause{481, "the dialog to be replaced is gone"};
    if (verdict.refusal.status != 0) return verdict.refusal;
    return replace_leg(id, *kept, from, *party, early_only, &verdict);
  };
  const auto later = [=, this](const JudgedIdentity& verdict) {
    control_.disown(id);
    if (const auto cause = judge(verdict)) control_.answer(id, *kept, cause->status, cause->text);
  };
  if (const std::optional<JudgedIdentity> verdict = check_identity(comer, id, invite, later)) return judge(*verdict);
  identity_wait_->request = kept;
  control_.own_invite(id, *this);
  return std::nullopt;
}

/// `verdict`: on the comer's Identity; null: nobody asked.
std::optional<EndCause> Call::replace_leg(sip::TransactionId id, const Message& invite, const Path& from, Leg& gone,
                                          bool early_only, const JudgedIdentity* verdict) {
  if (std::optional<EndCause> cause = check_replacing(gone, from, early_only)) return cause;
  const Side side = gone.side();
  if (leg(opposite(side))->is_sips() && !(is_sips(invite) && settings::is_secured(from.transport))) {
    return EndCause{403, "the other party's call is to a SIPS URI, and this is none"};
  }
  auto comer = std::make_unique<Leg>(side, from);
  comer->invite = id;
  comer->display = invite.from() ? sip::write(invite.from()->uri) : "";
  comer->hides = sip::hidden_parts(invite);
  comer->peer.learn(invite);
  if (verdict != nullptr) comer->identity = *verdict;
  comer->session.security = policy_from(realm_of(*comer));
  comer->dialog = sip::Dialog::from_request(invite, context_.tokens(), comer->contact(is_sips(invite)));
  if (!comer->dialog) return EndCause{400, "the INVITE has no usable Contact"};
  if (session_too_short(*comer, invite)) return EndCause{422, "the session interval is too small"};
  std::variant<sip::RemoteOffer, EndCause> read = read_offer_in(invite, 0, comer->session.security);
  if (auto* cause = std::get_if<EndCause>(&read)) return *cause;
  sip::RemoteOffer& offer = std::get<sip::RemoteOffer>(read);
  Leg& other = *leg(opposite(side));
  if (choose_section(offer, false) != section_ || !has_common_format(offer, *other.agreement, section_)) {
    return EndCause{488, "nothing in the offer that the other party uses"};
  }
  std::optional<MediaLegOptions> options =
      caller_media(context_.settings, from, &offer.sections[section_], comer->session.security);
  if (!options) return EndCause{488, "the realm has no media address of the offer's family"};
  hide_party(other, from, *options);
  if (const proto::Status status = media_->replace(side, *options, now()); !status)
    return EndCause{503, status.error()};
  if (const std::optional<EndCause> cause = hide_comer(*comer)) {
    end(*cause);
    return cause;
  }
  log_sip(side, from, "in", invite);
  log_event(LogLevel::kInfo, "call",
            {{"call", number_}, {"event", "replaced"}, {"leg", to_string(side)}, {"by", comer->display}});
  replaced_.push_back(std::move(place(side)));
  place(side) = std::move(comer);
  if (side == Side::kCaller) callers_invite_ = context_.transactions.request(id);
  answer_replacing(*leg(side), id, invite, offer);
  if (replaced_.back()->state == LegState::kConfirmed) send_bye(*replaced_.back(), {200, "replaced"});
  if (!ending_) align(opposite(side));
  return std::nullopt;
}

/// The party that comes is answered out of what the one that stays has agreed to.
void Call::answer_replacing(Leg& comer, sip::TransactionId id, const Message& invite, const sip::RemoteOffer& offer) {
  control_.own(comer.dialog->id(), *this);
  control_.own_invite(id, *this);
  make_session(comer.side(), comer.session, offer.sections.size());
  comer.agreement = make_answer_to(comer, offer, *leg(opposite(comer.side()))->agreement);
  comer.session.previous = comer.agreement->local;
  const std::optional<EndCause> cause = change_stream(comer, *comer.agreement);
  if (ending_) {  // the stream has failed at once
    comer.state = LegState::kOver;
    return respond(comer, id, comer.make_response(invite, 488, ""));
  }
  Message response = comer.make_response(invite, 200, "OK");
  response.add_header(HeaderId::kSupported, kSupported);
  say_trickle(comer.session.security.ice, response);
  answer_session_timer(comer, invite, response);
  response.set_body(sip::write_sdp(comer.agreement->local), "application/sdp");
  comer.dialog->confirm();
  comer.state = LegState::kUnacked;
  respond(comer, id, response);
  if (cause) return end(*cause);
  changed();
}

}  // namespace weir::controlplane
