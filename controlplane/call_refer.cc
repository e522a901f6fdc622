// REFER in a call: who may ask for what, and whether Weir or the other party acts on it. RFC 3515, RFC 4488, RFC 3892;
// what it passes on it passes only to where a route leads, within the limits of the realm there.
#include "controlplane/call.h"
#include "controlplane/call_transfer.h"
#include "controlplane/log.h"
#include "sip/refer_sub.h"
#include "sip/refer_to.h"
#include "sip/referred_by.h"

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
  if (exchange_ || (transfer_ && !transfer_->over())) return refuse({491, "the call is being changed"});
  std::variant<sip::ReferTo, EndCause> read = read_refer_to(request);
  if (const auto* cause = std::get_if<EndCause>(&read)) return refuse(*cause);
  const sip::ReferTo& refer_to = std::get<sip::ReferTo>(read);
  const std::string target = sip::write(refer_to.target.uri);
  const std::string referrer = sip::write(from.dialog->remote().uri);
  const std::variant<Destination, Refusal> routed = context_.policy.route(from.path().realm, {target, referrer});
  if (const auto* refusal = std::get_if<Refusal>(&routed)) return refuse({refusal->status, refusal->reason});
  const Destination& destination = std::get<Destination>(routed);
  if (realm_of(from).policy.transfers == settings::Transfers::kPass) {
    return pass_refer(from, id, request, refer_to, destination);
  }
  if (refer_to.replaces) return refuse({501, "an attended transfer is not taken here"});
  std::variant<CallSlot, Refusal> place_there =
      control_.realm_calls().begin(now(), destination.to_realm, CallDirection::kOut);
  if (const auto* refusal = std::get_if<Refusal>(&place_there)) return refuse({refusal->status, refusal->reason});
  Transfer::Terms terms;
  terms.slot = std::get<CallSlot>(std::move(place_there));
  terms.side = from.side();
  terms.refer_cseq = request.cseq()->number;
  terms.notifies = wants_subscription(request);
  terms.referred_by = referred_by_for(request, from, destination.to_realm);
  terms.destination = destination;
  Message response = from.make_response(request, 202, "");
  if (!terms.notifies) response.add_header(HeaderId::kReferSub, "false");
  respond(from, id, response);
  log_event(LogLevel::kInfo, "call",
            {{"call", number_}, {"event", "transfer"}, {"leg", to_string(from.side())}, {"to", target}});
  settle_reinvite(from);
  --transfers_left_;
  transfer_ = std::make_unique<Transfer>(*this, std::move(terms), std::move(place(from.side())));
  transfer_->start();
}

/// Who has referred, as the target may see it: the user, at our address unless its realm is shown the other side's.
std::string Call::referred_by_for(const Message& request, const Leg& from, std::uint32_t to_realm) const {
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
