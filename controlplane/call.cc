#include "controlplane/call.h"

#include <algorithm>

#include "controlplane/call_attended.h"
#include "controlplane/log.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;
using sip::Method;

namespace {

/// How long a callee may ring, or think about a new offer: RFC 3261 section 16.6 wants a proxy's timer C above three
/// minutes.
constexpr std::uint64_t kRingingNsMax = 190'000'000'000;

}  // namespace

Call::Call(CallContext& context, CallControl& control, std::uint64_t number, std::uint64_t now_ns)
    : context_(context),
      control_(control),
      number_(number),
      started_ns_(now_ns),
      invitation_end_(context.alarms),
      reoffer_(context.alarms) {}

Call::~Call() {
  if (claim_ != nullptr) claim_->forget_other();
  for (Leg* const one : legs()) release(*one);
  if (exchange_) {
    control_.disown(exchange_->sent);
    control_.disown(exchange_->asked);
  }
  for (const Relay& relay : relays_) control_.disown(relay.sent);
  for (const sip::TransactionId id : told_) control_.disown(id);
  control_.disown(refresh_);
  invitation_.reset();
  transfer_.reset();
  close_media();
}

/// Nothing that comes for this leg comes to the call any more.
void Call::release(const Leg& leg) {
  control_.disown(leg.invite);
  control_.disown(leg.bye);
  if (leg.reinvite) control_.disown(leg.reinvite->id);
  if (leg.dialog) control_.disown(leg.dialog->id());
}

/// An established leg of another call's is this one's.
void Call::take_over(Leg& leg, Side side) {
  leg.move_to(side);
  control_.own(leg.dialog->id(), *this);
  if (!leg.dialog->is_uac()) control_.disown(leg.invite);
}

bool Call::is_changing() const {
  return exchange_ || identity_wait_ || claim_ != nullptr || (transfer_ && !transfer_->settled());
}

std::vector<Leg*> Call::legs() const {
  std::vector<Leg*> all;
  for (Leg* const leg : {caller_.get(), callee_.get(), transfer_ ? transfer_->referrer().get() : nullptr}) {
    if (leg != nullptr) all.push_back(leg);
  }
  for (const std::unique_ptr<Leg>& leg : replaced_) all.push_back(leg.get());
  return all;
}

Leg* Call::far(const Leg& leg) {
  if (transfer_ && transfer_->referrer().get() == &leg) return nullptr;
  if (leg.side() == Side::kCaller && &leg != caller_.get()) return nullptr;  // another has taken its place
  if (leg.side() == Side::kCallee) return caller_.get();
  if (callee_) return callee_.get();
  return early_ && invitation_ ? invitation_->fork(*early_) : nullptr;
}

Leg* Call::leg_of(const sip::DialogId& dialog) {
  for (Leg* const leg : legs()) {
    if (leg->dialog && leg->dialog->id() == dialog) return leg;
  }
  if (Leg* const fork = invitation_ ? invitation_->fork(dialog) : nullptr) return fork;
  return transfer_ ? transfer_->fork(dialog) : nullptr;
}

void Call::on_ack(const sip::DialogId& dialog, const Message& ack) {
  Leg* const from = leg_of(dialog);
  if (from == nullptr) return;
  const std::optional<sip::CSeq> cseq = ack.cseq();
  if (from->reinvite && cseq && cseq->number == from->reinvite->cseq) {
    log_sip(from->side(), from->path(), "in", ack);
    const bool offered = from->reinvite->offered;
    settle_reinvite(*from);
    if (offered) return on_delayed_answer(*from, ack);
  }
  if (from->state != LegState::kUnacked) return;
  log_sip(from->side(), from->path(), "in", ack);
  context_.transactions.acknowledged(from->invite);
  from->state = LegState::kConfirmed;
  if (bye_when_acked_) return send_bye(*from, *bye_when_acked_);
  if (delayed_ && !from->agreement) {
    if (const std::optional<EndCause> cause = take_callers_answer(ack)) return end(*cause);
  }
  if (!ending_ && from == caller_.get()) tell_connected();
  if (!ending_) tell_sas(from->side());
}

void Call::on_clock() {
  std::erase_if(replaced_, [this](const std::unique_ptr<Leg>& leg) {
    if (!leg->over()) return false;
    release(*leg);
    return true;
  });
  if (ending_) return;
  if (stands()) {
    if (unsettled_) settle();
    pack();
  }
  if (answered_ns_ == 0 && now() - started_ns_ > kRingingNsMax) return end({408, "nobody answered"});
  if (exchange_ && now() - exchange_->sent_ns > kRingingNsMax) return end({408, "an offer had no answer"});
  if (transfer_ && !transfer_->settled() && now() - transfer_->started_ns() > kRingingNsMax) transfer_->give_up();
}

void Call::on_cancel(sip::TransactionId id, const Message& cancel) {
  if (identity_wait_ && identity_wait_->asked == id) return drop_check();
  if (!caller_ || id != caller_->invite) return withdraw_offer(id);
  end_text_ = "the caller cancelled";
  release_ = release_by("caller", cancel);
  end({487, "Request Terminated"});
}

void Call::on_response(sip::TransactionId id, const Message& response) {
  if (try_again(id, response)) return;
  if (response.status() >= 200 && std::erase(told_, id) != 0) return on_picture_answer(id, response.status());
  if (exchange_ && id == exchange_->sent) return on_exchange_response(response);
  if (id == refresh_) return on_refreshed(&response, response.status());
  for (std::size_t i = 0; i < relays_.size(); ++i) {
    if (id == relays_[i].sent) return on_relayed(i, &response, response.status());
  }
  for (Leg* const one : legs()) {
    if (id != one->bye) continue;
    log_sip(one->side(), one->path(), "in", response);
    if (response.status() >= 200) one->state = LegState::kOver;
  }
}

void Call::on_failure(sip::TransactionId id, sip::TransactionFailure failure) {
  const std::uint16_t status = failure == sip::TransactionFailure::kTimeout ? 408 : 503;
  if (std::erase(told_, id) != 0) return on_picture_answer(id, status);
  if (exchange_ && id == exchange_->sent) return on_exchange_failed(status, nullptr);
  if (id == refresh_) return on_refreshed(nullptr, status);
  for (std::size_t i = 0; i < relays_.size(); ++i) {
    if (id == relays_[i].sent) return on_relayed(i, nullptr, status);
  }
  for (Leg* const one : legs()) {
    if (one->bye == id && one->state == LegState::kLeaving) one->state = LegState::kOver;
  }
}

/// RFC 3261 section 13.3.1.4: without ACK the session is ended with BYE.
void Call::on_answer_failure(sip::TransactionId id, sip::TransactionFailure failure) {
  if (failure != sip::TransactionFailure::kAckMissing) return;
  for (const Side side : {Side::kCaller, Side::kCallee}) {
    Leg* const one = leg(side).get();
    if (one == nullptr) continue;
    const bool invite = id == one->invite && one->state == LegState::kUnacked;
    if (!invite && !(one->reinvite && id == one->reinvite->id)) continue;
    if (invite) one->state = LegState::kConfirmed;
    settle_reinvite(*one);
    end({408, std::string("the ") + to_string(side) + " never acknowledged the answer"});
  }
}

bool Call::over() const {
  const std::vector<Leg*> all = legs();
  if (claim_ != nullptr) return false;
  const bool said = std::all_of(all.begin(), all.end(), [](const Leg* leg) { return leg->over(); });
  return said && (!invitation_ || invitation_->over()) && (!transfer_ || transfer_->over());
}

void Call::end(const EndCause& cause) {
  if (!ending_) {
    ending_ = true;
    control_.bury_when_over(*this);
    if (end_text_.empty()) end_text_ = cause.text;
    log_event(LogLevel::kInfo, "call",
              {{"call", number_}, {"event", "ended"}, {"status", std::uint32_t{cause.status}}, {"reason", end_text_}});
    write_detail(cause);
    close_media();
    drop_journal();
    drop_exchanges();
    drop_check();
    reoffer_.stop();
    for (Leg* const leg : legs()) leg->session_alarm.reset();
    if (invitation_) invitation_->cancel(cause);
    if (transfer_) transfer_->cancel(cause);
    if (claim_ != nullptr) claim_->on_other_ended(cause);
  }
  for (Leg* const leg : legs()) end_leg(*leg, cause);
}

void Call::end_leg(Leg& leg, const EndCause& cause) {
  switch (leg.state) {
    case LegState::kInviting:
      return refuse_caller(cause);
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

void Call::send_bye(Leg& leg, const EndCause& cause) {
  if (&leg == callee_.get() && callee_unacknowledged_) acknowledge(leg, "");
  Message bye = leg.dialog->make_request(Method::kBye, leg.make_via(context_.tokens));
  bye.add_header(HeaderId::kReason, reason_header(cause.status, cause.text));
  bye.add_header(HeaderId::kUserAgent, kSoftware);
  leg.dialog->terminate();
  leg.session_alarm.reset();
  const std::optional<sip::TransactionId> id = request(leg, std::move(bye));
  leg.state = id ? LegState::kLeaving : LegState::kOver;
  if (id) leg.bye = *id;
}

void Call::close_media() {
  if (media_) media_->close(now());
}

void Call::respond(const Leg& leg, sip::TransactionId id, const Message& response) {
  log_sip(leg.side(), leg.path(), "out", response);
  (void)context_.transactions.respond(now(), id, response);
}

/// Sends a request of ours in a leg's dialog; the call hears what becomes of it.
std::optional<sip::TransactionId> Call::request(Leg& leg, Message message) {
  log_sip(leg.side(), leg.path(), "out", message);
  return control_.request(*this, std::move(message), leg.dialog_hop(context_.paths));
}

/// A request whose answer changes nothing.
void Call::tell(Leg& leg, Message message) {
  if (leg.member) {  // which may ask for credentials
    if (const auto id = request(leg, std::move(message))) told_.push_back(*id);
    return;
  }
  log_sip(leg.side(), leg.path(), "out", message);
  (void)context_.transactions.send_request(now(), std::move(message), leg.dialog_hop(context_.paths));
}

void Call::log_sip(Side side, const Path& path, const char* direction, const Message& message) const {
  if (!log_enabled(LogLevel::kDebug)) return;
  const std::string text = message.is_request()
                               ? std::string(message.method_name()) + " " + std::string(message.request_uri_text())
                               : std::to_string(message.status()) + " " + std::string(message.reason());
  const std::optional<sip::CSeq> cseq = message.cseq();
  log_event(LogLevel::kDebug, "sip",
            {{"call", number_},
             {"leg", to_string(side)},
             {"dir", direction},
             {"message", text},
             {"cseq", cseq ? std::to_string(cseq->number) + " " + std::string(cseq->method_name) : ""},
             {"peer", proto::to_string(path.hop.remote)}});
}

}  // namespace weir::controlplane
