// What a transaction machine asks for in answer to one event: the lower half of an arrow's label in RFC 3261's figures.
// The machines decide, the transaction layer acts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/assert.h"
#include "sip/timers.h"

namespace weir::sip {

enum class ActionKind : std::uint8_t {
  kSendRequest,         ///< the request of a client transaction
  kSendAck,             ///< the ACK that a client builds for a 300..699 response (section 17.1.1.3)
  kSendTrying,          ///< 100 Trying, made by the server transaction itself
  kSendResponse,        ///< the latest response the user gave
  kStart,               ///< start `timer`, to fire after duration_ns; 0: at the next opportunity
  kStop,                ///< stop `timer`
  kPassUp,              ///< give the message at hand to the transaction user
  kTellTimeout,         ///< tell the user that the peer did not answer in time
  kTellTransportError,  ///< tell the user that a message could not be sent
  kTellAckMissing,      ///< tell the user that no ACK came for its 2xx
  kTerminate,           ///< the transaction has ended: forget it
};

struct Action {
  ActionKind kind = ActionKind::kTerminate;
  Timer timer = Timer::kNone;     ///< kStart, kStop
  std::uint64_t duration_ns = 0;  ///< kStart
  bool operator==(const Action&) const = default;
};

/// A short ordered list without allocation. Sends come before timers, timers before what the user is told.
class Actions {
 public:
  /// The longest there is: send, stop two timers, start one, tell.
  static constexpr std::size_t kMax = 6;

  Actions& send(ActionKind what) { return add({what, Timer::kNone, 0}); }
  Actions& start(Timer timer, std::uint64_t duration_ns) { return add({ActionKind::kStart, timer, duration_ns}); }
  Actions& stop(Timer timer) { return add({ActionKind::kStop, timer, 0}); }
  Actions& pass_up() { return add({ActionKind::kPassUp, Timer::kNone, 0}); }
  Actions& tell(ActionKind what) { return add({what, Timer::kNone, 0}); }
  Actions& terminate() { return add({ActionKind::kTerminate, Timer::kNone, 0}); }

  [[nodiscard]] const Action* begin() const { return list_.data(); }
  [[nodiscard]] const Action* end() const { return list_.data() + count_; }
  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] bool has(ActionKind kind) const {
    for (const Action& action : *this) {
      if (action.kind == kind) {
        return true;
      }
    }
    return false;
  }

 private:
  Actions& add(Action action) {
    WEIR_ASSERT(count_ < kMax);
    list_[count_++] = action;
    return *this;
  }

  std::array<Action, kMax> list_{};
  std::size_t count_ = 0;
};

}  // namespace weir::sip
