// The INVITE client transaction: RFC 3261 section 17.1.1 and figure 5, as RFC 6026 section 7.2 corrects it.
#pragma once

#include "sip/actions.h"
#include "sip/timers.h"

namespace weir::sip {

/// A pure state machine: each call is one event, what it returns is what that event's arrow asks for.
class ClientInviteTransaction {
 public:
  enum class State : std::uint8_t { kCalling, kProceeding, kCompleted, kAccepted, kTerminated };

  ClientInviteTransaction(const TimerSettings& settings, Reliability transport)
      : settings_(settings), transport_(transport), interval_ns_(settings.first_interval_ns()) {}

  /// The user's INVITE: the first event.
  Actions start();
  /// `status` 100..699.
  Actions on_response(std::uint16_t status);
  Actions on_timer(Timer timer);
  Actions on_transport_error();
  /// A CANCEL was sent: from now on the final response must come within 64*T1 (section 9.1).
  Actions on_cancel_sent();
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool terminated() const { return state_ == State::kTerminated; }

 private:
  Actions on_provisional();
  Actions on_success();
  Actions on_rejection();
  Actions fail(ActionKind why);

  TimerSettings settings_;
  Reliability transport_;
  State state_ = State::kCalling;
  std::uint64_t interval_ns_;  ///< of timer A
};

}  // namespace weir::sip
