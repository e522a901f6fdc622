#include "sip/client_invite_transaction.h"

namespace weir::sip {

Actions ClientInviteTransaction::start() {
  Actions actions;
  actions.send(ActionKind::kSendRequest);
  if (transport_ == Reliability::kUnreliable) {
    actions.start(Timer::kA, interval_ns_);
  }
  return actions.start(Timer::kB, settings_.timeout_ns());
}

Actions ClientInviteTransaction::on_response(std::uint16_t status) {
  if (status < 200) {
    return on_provisional();
  }
  return status < 300 ? on_success() : on_rejection();
}

Actions ClientInviteTransaction::on_provisional() {
  switch (state_) {
    case State::kCalling:
      state_ = State::kProceeding;
      return Actions().stop(Timer::kA).stop(Timer::kB).pass_up();
    case State::kProceeding:
      return Actions().pass_up();
    case State::kCompleted:
    case State::kAccepted:
    case State::kTerminated:
      return {};
  }
  return {};
}

Actions ClientInviteTransaction::on_success() {
  switch (state_) {
    case State::kCalling:
    case State::kProceeding:
      state_ = State::kAccepted;
      // Timer M has one value for every transport: the 2xx may have crossed an unreliable hop further away.
      return Actions()
          .stop(Timer::kA)
          .stop(Timer::kB)
          .stop(Timer::kCancelled)
          .start(Timer::kM, settings_.timeout_ns())
          .pass_up();
    case State::kAccepted:
      return Actions().pass_up();
    case State::kCompleted:
    case State::kTerminated:
      return {};
  }
  return {};
}

Actions ClientInviteTransaction::on_rejection() {
  switch (state_) {
    case State::kCalling:
    case State::kProceeding:
      state_ = State::kCompleted;
      return Actions()
          .send(ActionKind::kSendAck)
          .stop(Timer::kA)
          .stop(Timer::kB)
          .stop(Timer::kCancelled)
          .start(Timer::kD, settings_.d_ns(transport_))
          .pass_up();
    case State::kCompleted:
      return Actions().send(ActionKind::kSendAck);
    case State::kAccepted:
    case State::kTerminated:
      return {};
  }
  return {};
}

Actions ClientInviteTransaction::on_timer(Timer timer) {
  if (timer == Timer::kA && state_ == State::kCalling) {
    interval_ns_ = next_interval_ns(interval_ns_, kNoIntervalMax);
    return Actions().send(ActionKind::kSendRequest).start(Timer::kA, interval_ns_);
  }
  if (timer == Timer::kB && state_ == State::kCalling) {
    return fail(ActionKind::kTellTimeout);
  }
  if (timer == Timer::kCancelled && state_ == State::kProceeding) {
    return fail(ActionKind::kTellTimeout);
  }
  if ((timer == Timer::kD && state_ == State::kCompleted) || (timer == Timer::kM && state_ == State::kAccepted)) {
    state_ = State::kTerminated;
    return Actions().terminate();
  }
  return {};
}

Actions ClientInviteTransaction::on_transport_error() {
  switch (state_) {
    case State::kCalling:    // the INVITE
    case State::kCompleted:  // the ACK
      return fail(ActionKind::kTellTransportError);
    case State::kProceeding:  // nothing of ours is under way in these
    case State::kAccepted:
    case State::kTerminated:
      return {};
  }
  return {};
}

Actions ClientInviteTransaction::on_cancel_sent() {
  if (state_ != State::kProceeding) {
    return {};
  }
  return Actions().start(Timer::kCancelled, settings_.timeout_ns());
}

Actions ClientInviteTransaction::fail(ActionKind why) {
  state_ = State::kTerminated;
  return Actions().tell(why).terminate();
}

}  // namespace weir::sip
