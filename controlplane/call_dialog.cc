// Requests in a call's dialogs that make no new session: BYE, PRACK, and what goes on to the other party as it is.
// RFC 3261 sections 12.2.2 and 15, RFC 3262, RFC 6086 (INFO), RFC 3428 (MESSAGE).
#include <algorithm>
#include <array>

#include "controlplane/body_headers.h"
#include "controlplane/call.h"
#include "controlplane/call_attended.h"
#include "controlplane/far_status.h"
#include "controlplane/log.h"
#include "sip/multipart.h"
#include "sip/sipfrag.h"
#include "sip/status.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;
using sip::Method;

namespace {

/// Requests of one call that wait for the far party's answer; one more is told to come back.
constexpr std::size_t kRelaysMax = 8;

/// Of INFO (RFC 6086): which package its body is of, and which are taken.
constexpr std::array<std::string_view, 2> kInfoHeaders{"Info-Package", "Recv-Info"};

/// What crosses of a request that is passed on, and of its response: what says what the body is.
void pass_content(const Message& from, Message& to) {
  for (const std::string_view name : kInfoHeaders) {
    if (const auto value = from.header(name)) to.add_header(name, *value);
  }
  pass_body(from, to);
}

}  // namespace

void Call::on_request(sip::TransactionId id, const Message& request, const sip::DialogId& dialog,
                      const sip::Hop& source) {
  Leg* const leg = leg_of(dialog);
  if (leg == nullptr) return control_.respond(id, sip::make_response(request, 481, "", dialog.local_tag));
  Leg& from = *leg;
  log_sip(from.side(), from.path(), "in", request);
  if (const std::optional<Path> way = context_.paths.arrival(source); way && !from.may_come_by(*way, request)) {
    return respond(from, id, from.make_response(request, 403, "SIPS Required"));
  }
  switch (from.dialog->on_request(request)) {
    case sip::DialogVerdict::kInOrder:
      break;
    case sip::DialogVerdict::kOutOfOrder:
      return respond(from, id, from.make_response(request, 500, "CSeq out of order"));
    case sip::DialogVerdict::kTerminated:
      // BYEs that crossed: both sides have hung up, and each hears so.
      if (request.method() == Method::kBye) return respond(from, id, from.make_response(request, 200, "OK"));
      return respond(from, id, from.make_response(request, 481, ""));
  }
  if (const std::string options = unsupported_options(request); !options.empty()) {
    Message response = from.make_response(request, 420, "");
    response.add_header(HeaderId::kUnsupported, options);
    return respond(from, id, response);
  }
  from.peer.learn(request);
  from.learn_wishes(request);
  if (const std::optional<Path> way = context_.paths.arrival(source)) from.follow(*way, context_.paths);
  switch (request.method()) {
    case Method::kBye:
      return on_bye(from, id, request);
    case Method::kInvite:
    case Method::kUpdate:
      return on_reoffer(from, id, request);
    case Method::kPrack:
      return on_prack(from, id, request);
    case Method::kInfo:
      return on_info(from, id, request);
    case Method::kMessage:
      return relay(from, id, request);
    case Method::kRefer:
      return on_refer(from, id, request);
    case Method::kNotify:
      return on_notify(from, id, request);
    case Method::kOptions:
      return respond(from, id, from.make_response(request, 200, "OK"));
    case Method::kUnknown:
      return respond(from, id, from.make_response(request, 501, ""));
    default:
      return respond(from, id, from.make_response(request, 405, ""));
  }
}

void Call::on_bye(Leg& from, sip::TransactionId id, const Message& request) {
  const std::vector<Leg*> all_legs = legs();
  const bool is_fork = std::none_of(all_legs.begin(), all_legs.end(), [&](const Leg* one) { return one == &from; });
  // RFC 3261 section 15: a callee does not leave an early dialog with BYE.
  if (is_fork) return respond(from, id, from.make_response(request, 403, ""));
  respond(from, id, from.make_response(request, 200, "OK"));
  from.session_alarm.reset();
  if (transfer_ && transfer_->referrer().get() == &from) {
    from.dialog->terminate();
    from.state = LegState::kOver;
    return transfer_->forget_referrer();  // it has said whom it wants in its place
  }
  if (claim_ != nullptr && from.side() == claim_->referrers_side()) {
    settle_reinvite(from);
    from.dialog->terminate();
    from.state = LegState::kOver;
    return;  // likewise: the other party is wanted elsewhere
  }
  if (from.state == LegState::kUnacked) context_.transactions.acknowledged(from.invite);
  end_text_ = std::string("the ") + to_string(from.side()) + " hung up";
  release_ = release_by(to_string(from.side()), request);
  // A BYE in the early dialog ends the INVITE too (RFC 3261 section 15.1.2).
  if (from.state == LegState::kInviting) refuse_caller({487, "Request Terminated"});
  settle_reinvite(from);
  from.dialog->terminate();
  from.state = LegState::kOver;
  end({200, end_text_});
}

void Call::on_prack(Leg& from, sip::TransactionId id, const Message& request) {
  const auto text = request.header(HeaderId::kRAck);
  const std::optional<sip::RAck> rack = text ? sip::parse_rack(*text) : std::nullopt;
  if (&from != caller_.get() || !rack || !from.provisionals || !from.provisionals->acknowledge(*rack)) {
    return respond(from, id, from.make_response(request, 481, ""));
  }
  Message response = from.make_response(request, 200, "OK");
  if (!sip::sdp_body(request).empty() && provisional_waits_) {
    respond(from, id, response);
    if (const std::optional<EndCause> cause = take_callers_answer(request)) return end(*cause);
  } else if (!sip::sdp_body(request).empty()) {
    on_reoffer(from, id, request);  // RFC 3262 section 5: a PRACK may make a new offer
  } else {
    respond(from, id, response);
  }
  if (answer_waits_) answer_caller();
}

/// Progress of a transfer that the far party does itself (RFC 3515 section 2.4.5).
void Call::on_notify(Leg& from, sip::TransactionId id, const Message& request) {
  const auto text = request.header(HeaderId::kEvent);
  std::optional<sip::Event> event = text ? sip::parse_event(*text) : std::nullopt;
  const Leg* const to = far(from);
  if (!event || event->type != "refer" || to == nullptr || passed_refers_.empty()) {
    return respond(from, id, from.make_response(request, event ? 481 : 400, ""));
  }
  const auto known = std::find_if(passed_refers_.rbegin(), passed_refers_.rend(), [&](const PassedRefer& one) {
    return one.referrer == to->dialog->id() && (event->id.empty() || event->id == std::to_string(one.our_cseq));
  });
  if (known == passed_refers_.rend()) return respond(from, id, from.make_response(request, 481, ""));
  event->id = std::to_string(known->their_cseq);
  relay(from, id, request, &*event);
}

/// `event`: as the far party knows it, in place of what the request says.
void Call::relay(Leg& from, sip::TransactionId id, const Message& request, const sip::Event* event) {
  Leg* const to = far(from);
  const bool reachable = to != nullptr && !ending_ && to->dialog && to->state != LegState::kOver;
  const bool coming = transfer_ && !transfer_->settled() && !ending_;
  if (!reachable) return respond(from, id, from.make_response(request, coming ? 480 : 481, ""));
  if (refused_for_relays(from, id, request)) return;
  Message passed = to->dialog->make_request(request.method(), to->make_via(context_.tokens));
  if (event != nullptr) {
    passed.add_header(HeaderId::kEvent, sip::write(*event));
    if (const auto state = request.header(HeaderId::kSubscriptionState)) {
      passed.add_header(HeaderId::kSubscriptionState, *state);
    }
  }
  const std::optional<sip::StatusLine> progress = sip::sipfrag_status(request);
  if (progress) {
    passed.set_body(sip::write_sipfrag(progress->status), sip::kSipfragType);  // its headers name the far side
  } else {
    pass_content(request, passed);
  }
  const sip::DialogId dialog = from.dialog->id();
  const std::optional<sip::TransactionId> sent = this->request(*to, std::move(passed));
  if (!sent) return respond(from, id, from.make_response(request, 503, ""));
  changed();  // the dialog's CSeq
  relays_.push_back({dialog, id, context_.transactions.request(id), *sent, to->dialog->id()});
}

/// A party that asks faster than the other one answers is told to come back.
bool Call::refused_for_relays(const Leg& from, sip::TransactionId id, const Message& request) {
  if (relays_.size() < kRelaysMax) return false;
  Message response = from.make_response(request, 503, "");
  response.add_header(HeaderId::kRetryAfter, sip::kRetryAfterSeconds);
  respond(from, id, response);
  return true;
}

/// `response` is null if there was none: then `status` says why.
void Call::on_relayed(std::size_t at, const Message* response, std::uint16_t status) {
  if (status < 200) return;
  const Relay relay = relays_[at];
  relays_.erase(relays_.begin() + static_cast<std::ptrdiff_t>(at));
  const Leg* const from = leg_of(relay.from);
  if (from == nullptr) return refuse_relayed(relay, 481);
  const std::uint16_t told = status / 100 == 2 ? status : status_for_far_party(status);
  Message answer = from->make_response(*relay.request, told, "");
  if (response != nullptr && status / 100 == 2) pass_content(*response, answer);
  respond(*from, relay.asked, answer);
  if (response != nullptr && status == 481 && !ending_ && is_party(leg_of(relay.to)))
    end({481, "the far party knows the call no more"});
}

/// This dialog is another call's from now on: what it has asked for here comes to nothing.
void Call::drop_relays_of(const sip::DialogId& dialog) {
  std::erase_if(relays_, [&](const Relay& relay) {
    if (relay.from != dialog) return false;
    control_.disown(relay.sent);
    refuse_relayed(relay, 480);
    return true;
  });
}

/// The dialog may be gone: a fork that was forgotten.
void Call::refuse_relayed(const Relay& relay, std::uint16_t status) {
  control_.respond(relay.asked, sip::make_response(*relay.request, status, "", relay.from.local_tag));
}

}  // namespace weir::controlplane
