#include "sip/accept_retransmitter.h"

namespace weir::sip {

Actions AcceptRetransmitter::start() {
  if (state_ != State::kIdle) {
    return {};
  }
  state_ = State::kWaiting;
  return Actions().start(Timer::kAccept, interval_ns_);
}

Actions AcceptRetransmitter::on_acknowledged() {
  if (state_ != State::kWaiting) {
    return {};
  }
  state_ = State::kDone;
  return Actions().stop(Timer::kAccept);
}

Actions AcceptRetransmitter::on_timer(Timer timer) {
  if (state_ != State::kWaiting) {
    return {};
  }
  if (timer == Timer::kAccept) {
    interval_ns_ = next_interval_ns(interval_ns_, t2_ns_);
    return Actions().send(ActionKind::kSendResponse).start(Timer::kAccept, interval_ns_);
  }
  if (timer == Timer::kL) {
    state_ = State::kDone;
    return Actions().stop(Timer::kAccept).tell(ActionKind::kTellAckMissing);
  }
  return {};
}

}  // namespace weir::sip
