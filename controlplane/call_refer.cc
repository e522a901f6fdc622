// REFER in a call: who may ask for what, and whether Weir or the other party acts on it. RFC 3515, RFC 4488, RFC 3892;
// what it passes on it passes only to where a route leads, within the limits of the realm there.
#include "controlplane/call.h"
#include "controlplane/call_attended.h"
#include "controlplane/call_blind.h"
#include "controlplane/identity_headers.h"
#include "controlplane/log.h"
#include "controlplane/sips_policy.h"
#include "sip/refer_sub.h"
#include "sip/refer_to.h"
#include "sip/referred_by.h"
#include "sip/text.h"

namespace weir::controlplane {

namespace settings = proto::settings;
using sip::HeaderId;
using sip::Message;
using sip::Method;

namespace {

/// RFC 4488 section 4: the referrer wants no progress reports.
bool wants_subscription(const Message& request) {
  const auto text = request.header(HeaderId::kReferSub);
  return !text || sip::parse_refer_sub(*text).value_or(true);
}

/// The one Refer-To of a REFER, or why there is none to act on.
std::variant<sip::ReferTo, EndCause> read_refer_to(const Message& request) {
  const auto text = request.header(HeaderId::kReferTo);
  if (!text) return EndCause{400, "a REFER without Refer-To"};
  std::optional<sip::ReferTo> refer_to = sip::parse_refer_to(*text);
  if (!refer_to) return EndCause{400, "a malformed Refer-To"};
  if (refer_to->method != "INVITE") return EndCause{403, "a REFER for another method than INVITE"};
  if (!refer_to->target.uri.is_sip()) return EndCause{416, "a Refer-To that is no SIP URI"};
  return *std::move(refer_to);
}

Transfer::Referral referral_of(const Message& request, const Leg& from) {
  return {from.side(), request.cseq()->number, wants_subscription(request)};
}

/// Whether two dialogs in one realm are with the same party: it goes by the same name, or its SIP comes from the same
/// address. A party that is called by a contact of its own and calls by its public name has two names.
bool is_same_party(const Leg& one, const Leg& other) {
  if (one.path().realm != other.path().realm) return false;
  const sip::Uri& name = one.dialog->remote().uri;
  const sip::Uri& other_name = other.dialog->remote().uri;
  const bool same_name = !name.user_text().empty() && name.user_text() == other_name.user_text() &&
                         sip::equals_without_case(name.host, other_name.host);
  return same_name || one.path().hop.remote.address == other.path().hop.remote.address;
}

}  // namespace

void Call::on_refer(Leg& from, sip::TransactionId id, const Message& request) {
  const auto refuse = [&](const EndCause& cause) {
    if (control_.may_log(LineKind::kReferRefused)) {
      log_event(
          LogLevel::kWarning, "call",
          {{"call", number_}, {"event", "REFER refused"}, {"leg", to_string(from.side())}, {"reason", cause.text}});
    }
    Message response = from.make_response(request, cause.status, "");
    response.add_header(HeaderId::kReason, sip::reason_header(cause.status, cause.text));
    respond(from, id, response);
  };
  const Leg* const other = leg(opposite(from.side())).get();
  const bool established = from.state == LegState::kConfirmed && other != nullptr && other->agreement &&
                           other->state == LegState::kConfirmed && &from == leg(from.side()).get();
  if (ending_ || !established)
    return refuse({ending_ ? std::uint16_t{481} : std::uint16_t{403}, "no established call"});
  if (control_.draining() || transfers_left_ == 0) return refuse({503, "no more transfers of this call"});
  if (is_changing() || callee_awaited_ || (transfer_ && !transfer_->over()))
    return refuse({491, "the call is being changed"});
  std::variant<sip::ReferTo, EndCause> read = read_refer_to(request);
  if (const auto* cause = std::get_if<EndCause>(&read)) return refuse(*cause);
  const sip::ReferTo& refer_to = std::get<sip::ReferTo>(read);
  const bool passes = realm_of(from).policy.transfers == settings::Transfers::kPass;
  if (refer_to.replaces && !passes) {
    if (const auto cause = transfer_attended(from, id, request, *refer_to.replaces)) refuse(*cause);
    return;
  }
  const std::string target = sip::write(refer_to.target.uri);
  const std::string referrer = sip::write(from.dialog->remote().uri);
  std::variant<Destination, Refusal> routed = context_.policy.route(from.path().realm, {target, referrer});
  if (const auto* refusal = std::get_if<Refusal>(&routed)) return refuse({refusal->status, refusal->reason});
  Destination& destination = std::get<Destination>(routed);
  destination.sips = refer_to.target.uri.scheme == sip::Scheme::kSips || other->is_sips() ||
                     wants_sips(context_.settings.realms[destination.to_realm]);
  if (passes) return pass_refer(from, id, request, refer_to, destination);
  if (const auto cause = transfer_blindly(from, id, request, target, destination)) refuse(*cause);
}

std::optional<EndCause> Call::transfer_blindly(Leg& from, sip::TransactionId id, const Message& request,
                                               std::string_view target, const Destination& destination) {
  const settings::RealmIdentitySettings& there = context_.settings.realms[destination.to_realm].identity;
  if (context_.identity != nullptr && there.connected == settings::IdentityUse::kRequire) {
    return EndCause{403, "who answers there has to show it, which a transfer does not wait for"};
  }
  std::variant<CallSlot, Refusal> place_there =
      control_.realm_calls().begin(now(), destination.to_realm, CallDirection::kOut);
  if (const auto* refusal = std::get_if<Refusal>(&place_there)) return EndCause{refusal->status, refusal->reason};
  BlindTransfer::Terms terms;
  terms.destination = destination;
  terms.referred_by = referred_by_for(request, from, destination.to_realm);
  terms.slot = std::get<CallSlot>(std::move(place_there));
  accept_refer(from, id, request, target);
  transfer_ = std::make_unique<BlindTransfer>(*this, referral_of(request, from), std::move(terms),
                                              std::move(place(from.side())));
  transfer_->start();
  return std::nullopt;
}

/// The party has called somebody there who has not answered yet.
bool Call::rings_for(const Leg& party) const {
  return !ending_ && &party == caller_.get() && party.state == LegState::kInviting && invitation_ &&
         !invitation_->answered();
}

/// The referrer does not wait for the new party's answer. That party has not begun the early dialog, so it could not
/// replace anybody in it (RFC 3891 section 3): as RFC 5589 section 7.6 has it without Replaces, it is called anew,
/// where the referrer's call has led, and in that call's place. It stops ringing for the referrer first.
std::optional<EndCause> Call::transfer_to_ringing(Leg& from, sip::TransactionId id, const Message& request,
                                                  Call& ringing) {
  BlindTransfer::Terms terms;
  terms.destination = ringing.invitation_->destination();
  terms.destination.sips = terms.destination.sips || leg(opposite(from.side()))->is_sips();
  terms.referred_by = referred_by_for(request, from, terms.destination.to_realm);
  terms.slot = std::move(ringing.places_[static_cast<std::size_t>(Side::kCallee)]);
  accept_refer(from, id, request, ringing.callee_display_);
  ringing.end({487, "transferred"});
  transfer_ = std::make_unique<BlindTransfer>(*this, referral_of(request, from), std::move(terms),
                                              std::move(place(from.side())));
  transfer_->start();
  return std::nullopt;
}

/// The Refer-To's URI is not looked at: it is ours, where the referrer has reached the new party.
std::optional<EndCause> Call::transfer_attended(Leg& from, sip::TransactionId id, const Message& request,
                                                const sip::Replaces& replaces) {
  const auto [call, gone] = control_.named_in_refer(replaces);
  if (call == nullptr || gone == nullptr) return EndCause{481, "there is no such dialog to be replaced"};
  if (call == this) return EndCause{403, "the dialog to be replaced is of the same call"};
  if (!is_same_party(from, *gone)) return EndCause{403, "the dialog to be replaced is somebody else's"};
  if (call->rings_for(*gone)) return transfer_to_ringing(from, id, request, *call);
  if (std::optional<EndCause> cause = call->check_replacing(*gone, from.path(), replaces.early_only)) return cause;
  const Side side = opposite(gone->side());
  const Leg& target = *call->leg(side);
  if (leg(opposite(from.side()))->is_sips() && !target.is_sips()) {
    return EndCause{403, "the call is to a SIPS URI, and the one to the target is not"};
  }
  if (target.offered || target.reinvite) return EndCause{491, "the call to be replaced is being changed"};
  if (call->section_ != section_) return EndCause{488, "the two calls have their audio in different sections"};
  accept_refer(from, id, request, target.display);
  transfer_ =
      std::make_unique<AttendedTransfer>(*this, referral_of(request, from), std::move(place(from.side())), *call, side);
  transfer_->start();
  return std::nullopt;
}

void Call::accept_refer(Leg& from, sip::TransactionId id, const Message& request, std::string_view target) {
  Message response = from.make_response(request, 202, "");
  if (!wants_subscription(request)) response.add_header(HeaderId::kReferSub, "false");
  respond(from, id, response);
  log_event(LogLevel::kInfo, "call",
            {{"call", number_}, {"event", "transfer"}, {"leg", to_string(from.side())}, {"to", target}});
  settle_reinvite(from);
  from.offered.reset();  // that of a re-INVITE without offer, whose ACK has not come
  --transfers_left_;
}

/// Who has referred, as the target may see it: the user, at our address unless its realm is shown the other side's, or
/// nobody, if it does not want to be known.
std::string Call::referred_by_for(const Message& request, const Leg& from, std::uint32_t to_realm) const {
  const bool hides = from.hides.name || sip::hidden_parts(request).name;
  if (hides && !context_.settings.realms[to_realm].policy.trusted) return sip::write(nobody());
  const auto text = request.header(HeaderId::kReferredBy);
  std::optional<sip::ReferredBy> by = text ? sip::parse_referred_by(*text) : std::nullopt;
  sip::NameAddr shown;
  shown.uri = by ? by->referrer.uri : from.dialog->remote().uri;
  if (context_.settings.realms[to_realm].policy.topology_hiding) {
    const settings::RealmSettings& realm = context_.settings.realms[to_realm];
    shown.uri = sip::make_sip_uri(shown.uri.user_text(), proto::to_string(realm.listeners.front().local.address));
  }
  return sip::write(shown);
}

/// The other party acts on it itself; what it tells of its progress goes back (Call::relay).
void Call::pass_refer(Leg& from, sip::TransactionId id, const Message& request, const sip::ReferTo& refer_to,
                      const Destination& destination) {
  Leg& to = *leg(opposite(from.side()));
  if (destination.to_realm != to.path().realm) {
    return respond(from, id, from.make_response(request, 403, "Target Not In The Other Party's Realm"));
  }
  if (refused_for_relays(from, id, request)) return;
  sip::ReferTo passed = refer_to;
  passed.target.uri = destination.targets.front().uri;
  if (destination.sips) passed.target.uri.scheme = sip::Scheme::kSips;
  passed.headers.clear();
  if (passed.replaces) {
    const std::optional<sip::DialogId> known =
        control_.far_dialog({passed.replaces->call_id, passed.replaces->to_tag, passed.replaces->from_tag});
    if (!known) return respond(from, id, from.make_response(request, 404, "Unknown Dialog In Replaces"));
    passed.replaces->call_id = known->call_id;
    passed.replaces->to_tag = known->remote_tag;
    passed.replaces->from_tag = known->local_tag;
  }
  Message out = to.dialog->make_request(Method::kRefer, to.make_via(context_.tokens));
  out.add_header(HeaderId::kReferTo, sip::write(passed));
  out.add_header(HeaderId::kReferredBy, referred_by_for(request, from, to.path().realm));
  if (!wants_subscription(request)) out.add_header(HeaderId::kReferSub, "false");
  const std::uint32_t cseq = to.dialog->local_cseq();
  const sip::DialogId dialog = from.dialog->id();
  const std::optional<sip::TransactionId> sent = this->request(to, std::move(out));
  if (!sent) return respond(from, id, from.make_response(request, 503, ""));
  passed_refers_.push_back({dialog, request.cseq()->number, cseq});
  if (passed_refers_.size() > kPassedRefersMax) passed_refers_.erase(passed_refers_.begin());
  relays_.push_back({dialog, id, context_.transactions.request(id), *sent, to.dialog->id()});
}

}  // namespace weir::controlplane
