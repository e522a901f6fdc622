#include "controlplane/call.h"

#include "controlplane/call_journal.h"
#include "controlplane/call_record.h"
#include "controlplane/log.h"
#include "sip/sdp_write.h"
#include "sip/status.h"
#include "sip/write.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;
using sip::Method;

namespace {

constexpr std::string_view kSdpType = "application/sdp";
/// How long a callee may ring: RFC 3261 section 16.6 wants a proxy's timer C above three minutes.
constexpr std::uint64_t kRingingNsMax = 190'000'000'000;

/// What a caller is told of a callee's refusal. Challenges and redirections are between us and the callee: neither its
/// realm's credentials nor its addresses concern the caller.
std::uint16_t status_for_caller(std::uint16_t status) {
  if (status == 401 || status == 407) return 403;
  return status < 400 ? 480 : status;
}

}  // namespace

Call::Call(CallContext& context, CallControl& control, std::uint64_t number, std::uint64_t now_ns)
    : context_(context), control_(control), number_(number), started_ns_(now_ns) {}

Call::~Call() {
  for (const std::optional<Leg>* leg : {&caller_, &callee_}) {
    if (!*leg) continue;
    control_.disown((*leg)->invite);
    control_.disown((*leg)->bye);
    if ((*leg)->reinvite) control_.disown((*leg)->reinvite->id);
    if ((*leg)->dialog) control_.disown((*leg)->dialog->id());
  }
  close_media();
}

std::optional<EndCause> Call::begin(sip::TransactionId id, const Message& invite, const Path& from,
                                    const Destination& destination) {
  caller_.emplace(Side::kCaller, from);
  caller_->invite = id;
  caller_->display = invite.from() ? sip::write(invite.from()->uri) : "";
  caller_->dialog = sip::Dialog::from_request(invite, context_.tokens(), caller_->contact());
  if (!caller_->dialog) return EndCause{400, "the INVITE has no usable Contact"};
  callers_invite_ = std::make_shared<Message>(invite);
  const Target& target = destination.targets.front();
  const std::optional<Path> way = context_.paths.towards(destination.to_realm, target.uri);
  if (!way) return EndCause{500, "there is no way to the route's target"};
  callee_.emplace(Side::kCallee, *way);
  callee_->display = sip::write(target.uri);
  if (std::optional<EndCause> cause = read_callers_offer(invite)) return cause;
  if (std::optional<EndCause> cause = make_stream(destination)) return cause;
  const sip::SessionDescription offer = offer_to_callee(destination.media);
  log_sip(*caller_, "in", invite);
  if (!invite_callee(invite, target, sip::write_sdp(offer))) {
    return EndCause{503, "no room for another transaction"};
  }
  control_.own(caller_->dialog->id(), *this);
  caller_->state = LegState::kInviting;
  callee_->state = LegState::kInviting;
  return std::nullopt;
}

bool Call::invite_callee(const Message& invite, const Target& target, std::string body) {
  sip::RequestHead head;
  head.method = Method::kInvite;
  head.request_uri = sip::write(target.uri);
  head.via = callee_->make_via(context_.tokens);
  // Topology hiding: of the caller only display name and user go on; addresses, tags and identifiers are ours.
  if (const std::optional<sip::NameAddr> from = invite.from()) {
    head.from.display_name = from->display_name;
    head.from.uri = sip::make_sip_uri(from->uri.user_text(), callee_->contact().uri.host);
  }
  head.from.set_tag(context_.tokens());
  head.to.uri = target.uri;
  head.to.uri.parameters = {};
  head.call_id = context_.tokens();
  head.max_forwards = static_cast<std::uint32_t>(invite.max_forwards().value_or(sip::kMaxForwardsInitial)) - 1;
  Message request = sip::make_request(head);
  request.add_header(HeaderId::kContact, sip::write(callee_->contact()));
  request.add_header(HeaderId::kAllow, kAllowed);
  request.add_header(HeaderId::kUserAgent, kSoftware);
  request.set_body(body, kSdpType);
  log_sip(*callee_, "out", request);
  our_invite_ = request;
  const std::optional<sip::TransactionId> id = control_.request(*this, request, callee_->path().hop);
  if (!id) return false;
  callee_->invite = *id;
  return true;
}

void Call::on_response(sip::TransactionId id, const Message& response) {
  if (callee_ && id == callee_->invite) return on_invite_response(response);
  for (const Side side : {Side::kCaller, Side::kCallee}) {
    Leg& one = leg(side);
    if (id != one.bye) continue;
    log_sip(one, "in", response);
    if (response.status() >= 200) one.state = LegState::kOver;
  }
}

void Call::on_invite_response(const Message& response) {
  log_sip(*callee_, "in", response);
  const std::uint16_t status = response.status();
  if (status < 200) return relay_progress(response);
  if (status >= 300) return on_callee_refused(status);
  if (callee_->dialog) return on_callee_forked(response);
  on_callee_answered(response);
}

void Call::relay_progress(const Message& response) {
  if (response.status() == 100 || ending_) return;
  forks_.on_response(*our_invite_, response);
  // The body stays behind: media before the answer would need keys before the answer.
  respond(*caller_, caller_->invite, caller_->make_response(*callers_invite_, response.status(), ""));
}

void Call::on_callee_refused(std::uint16_t status) {
  callee_->state = LegState::kOver;
  end({status_for_caller(status), std::string(sip::reason_phrase(status_for_caller(status)))});
}

/// The first 2xx makes the session; one that crossed our CANCEL is acknowledged and left at once.
void Call::on_callee_answered(const Message& response) {
  sip::Dialog* dialog = forks_.on_response(*our_invite_, response);
  if (dialog == nullptr) return end({502, "the callee's answer makes no dialog"});
  callee_->dialog = *dialog;
  control_.own(callee_->dialog->id(), *this);
  acknowledge_callee(*callee_->dialog);
  callee_->state = LegState::kConfirmed;
  if (ending_) return send_bye(*callee_, {487, end_text_});
  if (const std::optional<EndCause> cause = take_callees_answer(response)) return end(*cause);
  if (!ending_) answer_caller();  // the stream may have failed meanwhile, and told the caller
}

/// Another branch of a fork answered too: it gets its ACK, and BYE (RFC 3261 section 13.2.2.4).
void Call::on_callee_forked(const Message& response) {
  sip::Dialog* dialog = forks_.on_response(*our_invite_, response);
  if (dialog == nullptr || dialog->id() == callee_->dialog->id()) return;
  acknowledge_callee(*dialog);
  Message bye = dialog->make_request(Method::kBye, callee_->make_via(context_.tokens));
  bye.add_header(HeaderId::kReason, reason_header(200, "Call completed elsewhere"));
  log_sip(*callee_, "out", bye);
  (void)context_.transactions.send_request(now(), bye, callee_->path().hop);
}

void Call::acknowledge_callee(const sip::Dialog& dialog) {
  const Message ack = dialog.make_ack(*our_invite_, callee_->make_via(context_.tokens));
  log_sip(*callee_, "out", ack);
  context_.transactions.acknowledge(callee_->invite, ack, callee_->dialog_hop(context_.paths));
}

void Call::answer_caller() {
  caller_->agreement = sip::make_answer(*offer_, *callee_->agreement, caller_->session);
  caller_->session.previous = caller_->agreement->local;
  Message response = caller_->make_response(*callers_invite_, 200, "OK");
  response.set_body(sip::write_sdp(caller_->agreement->local), kSdpType);
  caller_->dialog->confirm();
  caller_->state = LegState::kUnacked;
  answered_ns_ = now();
  ++control_.counters_.calls_answered;
  // Our port listens before the caller hears of it; a stream that fails at once ends the call with BYE after the ACK.
  const std::optional<EndCause> cause = connect_stream(Side::kCaller);
  respond(*caller_, caller_->invite, response);
  if (!ending_) keep_journal();
  if (cause) end(*cause);
}

void Call::on_ack(const sip::DialogId& dialog, const Message& ack) {
  Leg& from = *leg_of(dialog);
  const std::optional<sip::CSeq> cseq = ack.cseq();
  if (from.reinvite && cseq && cseq->number == from.reinvite->cseq) {
    log_sip(from, "in", ack);
    settle_reinvite(from);
  }
  if (from.state != LegState::kUnacked) return;
  log_sip(from, "in", ack);
  context_.transactions.acknowledged(from.invite);
  from.state = LegState::kConfirmed;
  if (bye_when_acked_) send_bye(from, *bye_when_acked_);
}

void Call::on_clock() {
  if (!ending_ && answered_ns_ == 0 && now() - started_ns_ > kRingingNsMax) end({408, "nobody answered"});
}

void Call::on_cancel() {
  end_text_ = "the caller cancelled";
  end({487, "Request Terminated"});
}

void Call::on_request(sip::TransactionId id, const Message& request, const sip::DialogId& dialog) {
  Leg& from = *leg_of(dialog);
  log_sip(from, "in", request);
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
  switch (request.method()) {
    case Method::kBye:
      return on_bye(from, id, request);
    case Method::kInvite:
      return on_reinvite(from, id, request);
    case Method::kOptions:
      return respond(from, id, from.make_response(request, 200, "OK"));
    case Method::kUnknown:
      return respond(from, id, from.make_response(request, 501, ""));
    default:
      return respond(from, id, from.make_response(request, 405, ""));
  }
}

void Call::on_bye(Leg& from, sip::TransactionId id, const Message& request) {
  respond(from, id, from.make_response(request, 200, "OK"));
  if (from.state == LegState::kUnacked) context_.transactions.acknowledged(from.invite);
  // A BYE in the early dialog ends the INVITE too (RFC 3261 section 15.1.2).
  if (from.state == LegState::kInviting) refuse_caller({487, "Request Terminated"});
  settle_reinvite(from);
  from.dialog->terminate();
  from.state = LegState::kOver;
  end_text_ = std::string("the ") + to_string(from.side()) + " hung up";
  end({200, end_text_});
}

void Call::on_reinvite(Leg& from, sip::TransactionId id, const Message& request) {
  if (ending_ || from.state != LegState::kConfirmed) {
    return respond(from, id, from.make_response(request, 491, ""));  // RFC 3261 section 14.2
  }
  const std::optional<EndCause> cause = renegotiate(from, request);
  if (cause) {
    Message response = from.make_response(request, cause->status, "");
    response.add_header(HeaderId::kReason, reason_header(cause->status, cause->text));
    log_event(
        LogLevel::kWarning, "call",
        {{"call", number_}, {"event", "re-INVITE refused"}, {"leg", to_string(from.side())}, {"reason", cause->text}});
    return respond(from, id, response);
  }
  Message response = from.make_response(request, 200, "OK");
  response.set_body(sip::write_sdp(from.agreement->local), kSdpType);
  // A new INVITE shows that the answer to the one before has arrived, whatever became of its ACK.
  settle_reinvite(from);
  from.reinvite = UnackedAnswer{id, request.cseq()->number};
  control_.own_invite(id, *this);
  respond(from, id, response);
}

void Call::settle_reinvite(Leg& leg) {
  if (!leg.reinvite) return;
  context_.transactions.acknowledged(leg.reinvite->id);
  control_.disown(leg.reinvite->id);
  leg.reinvite.reset();
}

void Call::on_failure(sip::TransactionId id, sip::TransactionFailure failure) {
  if (failure == sip::TransactionFailure::kAckMissing) return on_ack_missing(id);
  if (callee_ && id == callee_->invite) {
    const bool timeout = failure == sip::TransactionFailure::kTimeout;
    callee_->state = LegState::kOver;
    return end(timeout ? EndCause{408, "the callee did not answer"} : EndCause{503, "the callee cannot be reached"});
  }
  for (const Side side : {Side::kCaller, Side::kCallee}) {
    if (leg(side).bye == id && leg(side).state == LegState::kLeaving) leg(side).state = LegState::kOver;
  }
}

/// RFC 3261 section 13.3.1.4: the session is ended with BYE.
void Call::on_ack_missing(sip::TransactionId id) {
  for (const Side side : {Side::kCaller, Side::kCallee}) {
    Leg& one = leg(side);
    const bool invite = id == one.invite && one.state == LegState::kUnacked;
    if (!invite && !(one.reinvite && id == one.reinvite->id)) continue;
    if (invite) one.state = LegState::kConfirmed;
    settle_reinvite(one);
    end({408, std::string("the ") + to_string(side) + " never acknowledged the answer"});
  }
}

void Call::end(const EndCause& cause) {
  if (!ending_) {
    ending_ = true;
    control_.bury_when_over(*this);
    if (end_text_.empty()) end_text_ = cause.text;
    log_event(LogLevel::kInfo, "call",
              {{"call", number_}, {"event", "ended"}, {"status", std::uint32_t{cause.status}}, {"reason", end_text_}});
    close_media();
    drop_journal();
  }
  for (const Side side : {Side::kCaller, Side::kCallee}) {
    if (side == Side::kCaller ? caller_.has_value() : callee_.has_value()) end_leg(leg(side), cause);
  }
}

void Call::end_leg(Leg& leg, const EndCause& cause) {
  switch (leg.state) {
    case LegState::kInviting:
      if (leg.side() == Side::kCaller) return refuse_caller(cause);
      leg.state = context_.transactions.cancel(now(), leg.invite) ? LegState::kLeaving : LegState::kOver;
      return;
    case LegState::kUnacked:
      bye_when_acked_ = cause;
      return;
    case LegState::kConfirmed:
      return send_bye(leg, cause);
    case LegState::kIdle:
    case LegState::kLeaving:
    case LegState::kOver:
      return;
  }
}

void Call::refuse_caller(const EndCause& cause) {
  Message response = caller_->make_response(*callers_invite_, cause.status, "");
  response.add_header(HeaderId::kReason, reason_header(cause.status, cause.text));
  respond(*caller_, caller_->invite, response);
  caller_->dialog->terminate();
  caller_->state = LegState::kOver;
}

void Call::send_bye(Leg& leg, const EndCause& cause) {
  Message bye = leg.dialog->make_request(Method::kBye, leg.make_via(context_.tokens));
  bye.add_header(HeaderId::kReason, reason_header(cause.status, cause.text));
  bye.add_header(HeaderId::kUserAgent, kSoftware);
  leg.dialog->terminate();
  log_sip(leg, "out", bye);
  const auto id = control_.request(*this, bye, leg.dialog_hop(context_.paths));
  leg.state = id ? LegState::kLeaving : LegState::kOver;
  if (!id) return;
  leg.bye = *id;
}

void Call::close_media() {
  if (media_) media_->close(now());
}

void Call::keep_journal() {
  if (context_.journal == nullptr) return;
  journal_slot_ = context_.journal->reserve();
  if (!journal_slot_) return;
  const std::string record = write_record({record_leg(*caller_), record_leg(*callee_)});
  if (!context_.journal->store(*journal_slot_, record)) drop_journal();
}

void Call::drop_journal() {
  if (journal_slot_) context_.journal->clear(*journal_slot_);
  journal_slot_.reset();
}

Leg* Call::leg_of(const sip::DialogId& dialog) {
  for (std::optional<Leg>* leg : {&caller_, &callee_}) {
    if (*leg && (*leg)->dialog && (*leg)->dialog->id() == dialog) return &**leg;
  }
  return nullptr;
}

void Call::respond(const Leg& leg, sip::TransactionId id, const Message& response) {
  log_sip(leg, "out", response);
  (void)context_.transactions.respond(now(), id, response);
}

void Call::log_sip(const Leg& leg, const char* direction, const Message& message) const {
  const std::string text = message.is_request()
                               ? std::string(message.method_name()) + " " + std::string(message.request_uri_text())
                               : std::to_string(message.status()) + " " + std::string(message.reason());
  const std::optional<sip::CSeq> cseq = message.cseq();
  log_event(LogLevel::kInfo, "sip",
            {{"call", number_},
             {"leg", to_string(leg.side())},
             {"dir", direction},
             {"message", text},
             {"cseq", cseq ? std::to_string(cseq->number) + " " + std::string(cseq->method_name) : ""},
             {"peer", proto::to_string(leg.path().hop.remote)}});
}

}  // namespace weir::controlplane
