// Repeats a 2xx response to INVITE until its ACK comes: the UAS core's duty, over every transport, since hops further
// on may be unreliable. RFC 3261 section 13.3.1.4. Lives beside an INVITE server transaction that is Accepted.
#pragma once

#include "sip/actions.h"
#include "sip/timers.h"

namespace weir::sip {

/// A pure state machine, as the transactions are. It shares timer L with the transaction: both last 64*T1 from the 2xx.
class AcceptRetransmitter {
 public:
  explicit AcceptRetransmitter(const TimerSettings& settings)
      : t2_ns_(settings.t2_ns), interval_ns_(settings.first_interval_ns()) {}

  /// The 2xx was sent. A second one for the same INVITE changes nothing.
  Actions start();
  /// The ACK came.
  Actions on_acknowledged();
  Actions on_timer(Timer timer);
  [[nodiscard]] bool waiting() const { return state_ == State::kWaiting; }

 private:
  enum class State : std::uint8_t { kIdle, kWaiting, kDone };

  std::uint64_t t2_ns_;
  std::uint64_t interval_ns_;
  State state_ = State::kIdle;
};

}  // namespace weir::sip
