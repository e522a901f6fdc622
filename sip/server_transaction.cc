#include "sip/server_transaction.h"

namespace weir::sip {

Actions ServerTransaction::start() {
  return Actions().pass_up();
}

Actions ServerTransaction::on_request() {
  switch (state_) {
    case State::kProceeding:
    case State::kCompleted:
      return Actions().send(ActionKind::kSendResponse);
    case State::kTrying:
    case State::kTerminated:
      return {};
  }
  return {};
}

Actions ServerTransaction::respond(std::uint16_t status) {
  switch (state_) {
    case State::kTrying:
    case State::kProceeding:
      if (status < 200) {
        state_ = State::kProceeding;
        return Actions().send(ActionKind::kSendResponse);
      }
      state_ = State::kCompleted;
      return Actions().send(ActionKind::kSendResponse).start(Timer::kJ, settings_.j_ns(transport_));
    case State::kCompleted:
    case State::kTerminated:
      return {};
  }
  return {};
}

Actions ServerTransaction::on_timer(Timer timer) {
  if (timer == Timer::kJ && state_ == State::kCompleted) {
    state_ = State::kTerminated;
    return Actions().terminate();
  }
  return {};
}

Actions ServerTransaction::on_transport_error() {
  switch (state_) {
    case State::kProceeding:
    case State::kCompleted:
      state_ = State::kTerminated;
      return Actions().tell(ActionKind::kTellTransportError).terminate();
    case State::kTrying:  // nothing was sent
    case State::kTerminated:
      return {};
  }
  return {};
}

}  // namespace weir::sip
