// The non-INVITE client transaction: RFC 3261 section 17.1.2 and figure 6.
#pragma once

#include "sip/actions.h"
#include "sip/timers.h"

namespace weir::sip {

/// A pure state machine: each call is one event, what it returns is what that event's arrow asks for.
class ClientTransaction {
 public:
  enum class State : std::uint8_t { kTrying, kProceeding, kCompleted, kTerminated };

  ClientTransaction(const TimerSettings& settings, Reliability transport)
      : settings_(settings), transport_(transport), interval_ns_(settings.first_interval_ns()) {}

  /// The user's request: the first event.
  Actions start();
  /// `status` 100..699.
  Actions on_response(std::uint16_t status);
  Actions on_timer(Timer timer);
  Actions on_transport_error();
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool terminated() const { return state_ == State::kTerminated; }

 private:
  Actions retransmit();
  Actions fail(ActionKind why);

  TimerSettings settings_;
  Reliability transport_;
  State state_ = State::kTrying;
  std::uint64_t interval_ns_;  ///< of timer E
};

}  // namespace weir::sip
