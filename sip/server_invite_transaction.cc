#include "sip/server_invite_transaction.h"

namespace weir::sip {

Actions ServerInviteTransaction::start() {
  if (settings_.trying_ns == 0) {
    latest_ = Latest::kTrying;
    return Actions().send(ActionKind::kSendTrying).pass_up();
  }
  return Actions().start(Timer::kTrying, settings_.trying_ns).pass_up();
}

Actions ServerInviteTransaction::on_request() {
  switch (state_) {
    case State::kProceeding:
      if (latest_ == Latest::kNone) {
        return {};
      }
      return Actions().send(latest_ == Latest::kTrying ? ActionKind::kSendTrying : ActionKind::kSendResponse);
    case State::kCompleted:
      return Actions().send(ActionKind::kSendResponse);
    case State::kConfirmed:
    case State::kAccepted:  // the 2xx is the user's to repeat
    case State::kTerminated:
      return {};
  }
  return {};
}

Actions ServerInviteTransaction::on_ack() {
  switch (state_) {
    case State::kCompleted:
      state_ = State::kConfirmed;
      return Actions().stop(Timer::kG).stop(Timer::kH).start(Timer::kI, settings_.i_ns(transport_));
    case State::kAccepted:  // a client that gave the ACK for a 2xx its INVITE's branch
      return Actions().pass_up();
    case State::kProceeding:
    case State::kConfirmed:
    case State::kTerminated:
      return {};
  }
  return {};
}

Actions ServerInviteTransaction::respond(std::uint16_t status) {
  switch (state_) {
    case State::kProceeding:
      return respond_in_proceeding(status);
    case State::kAccepted:
      return status / 100 == 2 ? Actions().send(ActionKind::kSendResponse) : Actions();
    case State::kCompleted:
    case State::kConfirmed:
    case State::kTerminated:
      return {};
  }
  return {};
}

Actions ServerInviteTransaction::respond_in_proceeding(std::uint16_t status) {
  latest_ = Latest::kResponse;
  Actions actions;
  actions.send(ActionKind::kSendResponse).stop(Timer::kTrying);
  if (status < 200) {
    return actions;
  }
  if (status < 300) {
    state_ = State::kAccepted;
    return actions.start(Timer::kL, settings_.timeout_ns());
  }
  state_ = State::kCompleted;
  if (transport_ == Reliability::kUnreliable) {
    actions.start(Timer::kG, interval_ns_);
  }
  return actions.start(Timer::kH, settings_.timeout_ns());
}

Actions ServerInviteTransaction::on_timer(Timer timer) {
  if (timer == Timer::kTrying && state_ == State::kProceeding && latest_ == Latest::kNone) {
    latest_ = Latest::kTrying;
    return Actions().send(ActionKind::kSendTrying);
  }
  if (timer == Timer::kG && state_ == State::kCompleted) {
    interval_ns_ = next_interval_ns(interval_ns_, settings_.t2_ns);
    return Actions().send(ActionKind::kSendResponse).start(Timer::kG, interval_ns_);
  }
  if (timer == Timer::kH && state_ == State::kCompleted) {
    state_ = State::kTerminated;
    return Actions().tell(ActionKind::kTellTimeout).terminate();
  }
  if ((timer == Timer::kI && state_ == State::kConfirmed) || (timer == Timer::kL && state_ == State::kAccepted)) {
    state_ = State::kTerminated;
    return Actions().terminate();
  }
  return {};
}

Actions ServerInviteTransaction::on_transport_error() {
  switch (state_) {
    case State::kProceeding:  // RFC 6026: it stays; what the peer repeats may still get its answer
    case State::kCompleted:
    case State::kAccepted:
      return Actions().tell(ActionKind::kTellTransportError);
    case State::kConfirmed:
    case State::kTerminated:
      return {};
  }
  return {};
}

}  // namespace weir::sip
