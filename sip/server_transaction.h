// The non-INVITE server transaction: RFC 3261 section 17.2.2 and figure 8.
#pragma once

#include "sip/actions.h"
#include "sip/timers.h"

namespace weir::sip {

/// A pure state machine: each call is one event, what it returns is what that event's arrow asks for.
class ServerTransaction {
 public:
  enum class State : std::uint8_t { kTrying, kProceeding, kCompleted, kTerminated };

  ServerTransaction(const TimerSettings& settings, Reliability transport)
      : settings_(settings), transport_(transport) {}

  /// The request came: the first event.
  Actions start();
  /// The request came again.
  Actions on_request();
  /// The user gives a response, `status` 100..699. Empty: this state takes no response.
  Actions respond(std::uint16_t status);
  Actions on_timer(Timer timer);
  Actions on_transport_error();
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool terminated() const { return state_ == State::kTerminated; }

 private:
  TimerSettings settings_;
  Reliability transport_;
  State state_ = State::kTrying;
};

}  // namespace weir::sip
