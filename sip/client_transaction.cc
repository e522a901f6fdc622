#include "sip/client_transaction.h"

namespace weir::sip {

Actions ClientTransaction::start() {
  Actions actions;
  actions.send(ActionKind::kSendRequest);
  if (transport_ == Reliability::kUnreliable) {
    actions.start(Timer::kE, interval_ns_);
  }
  return actions.start(Timer::kF, settings_.timeout_ns());
}

Actions ClientTransaction::on_response(std::uint16_t status) {
  switch (state_) {
    case State::kTrying:
    case State::kProceeding:
      if (status < 200) {
        state_ = State::kProceeding;
        return Actions().pass_up();
      }
      state_ = State::kCompleted;
      return Actions().stop(Timer::kE).stop(Timer::kF).start(Timer::kK, settings_.k_ns(transport_)).pass_up();
    case State::kCompleted:
    case State::kTerminated:
      return {};
  }
  return {};
}

Actions ClientTransaction::on_timer(Timer timer) {
  const bool waiting = state_ == State::kTrying || state_ == State::kProceeding;
  if (timer == Timer::kE && waiting) {
    return retransmit();
  }
  if (timer == Timer::kF && waiting) {
    return fail(ActionKind::kTellTimeout);
  }
  if (timer == Timer::kK && state_ == State::kCompleted) {
    state_ = State::kTerminated;
    return Actions().terminate();
  }
  return {};
}

Actions ClientTransaction::retransmit() {
  interval_ns_ = state_ == State::kTrying ? next_interval_ns(interval_ns_, settings_.t2_ns) : settings_.t2_ns;
  return Actions().send(ActionKind::kSendRequest).start(Timer::kE, interval_ns_);
}

Actions ClientTransaction::on_transport_error() {
  switch (state_) {
    case State::kTrying:
    case State::kProceeding:
      return fail(ActionKind::kTellTransportError);
    case State::kCompleted:  // nothing of ours is under way
    case State::kTerminated:
      return {};
  }
  return {};
}

Actions ClientTransaction::fail(ActionKind why) {
  state_ = State::kTerminated;
  return Actions().tell(why).terminate();
}

}  // namespace weir::sip
