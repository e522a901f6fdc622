// The INVITE server transaction: RFC 3261 section 17.2.1 and figure 7, as RFC 6026 section 7.1 corrects it.
#pragma once

#include "sip/actions.h"
#include "sip/timers.h"

namespace weir::sip {

/// A pure state machine: each call is one event, what it returns is what that event's arrow asks for.
class ServerInviteTransaction {
 public:
  enum class State : std::uint8_t { kProceeding, kCompleted, kConfirmed, kAccepted, kTerminated };

  ServerInviteTransaction(const TimerSettings& settings, Reliability transport)
      : settings_(settings), transport_(transport), interval_ns_(settings.first_interval_ns()) {}

  /// The INVITE came: the first event.
  Actions start();
  /// The INVITE came again.
  Actions on_request();
  /// An ACK with the INVITE's branch.
  Actions on_ack();
  /// The user gives a response, `status` 100..699. Empty: this state takes no such response.
  Actions respond(std::uint16_t status);
  Actions on_timer(Timer timer);
  Actions on_transport_error();
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool terminated() const { return state_ == State::kTerminated; }

 private:
  enum class Latest : std::uint8_t { kNone, kTrying, kResponse };  ///< what a repeated INVITE is answered with

  Actions respond_in_proceeding(std::uint16_t status);

  TimerSettings settings_;
  Reliability transport_;
  State state_ = State::kProceeding;
  Latest latest_ = Latest::kNone;
  std::uint64_t interval_ns_;  ///< of timer G
};

}  // namespace weir::sip
