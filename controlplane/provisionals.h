// Reliable provisional responses, the UAS's half: each is repeated until its PRACK comes, and the next one waits for
// that. RFC 3262 section 3.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string_view>

#include "controlplane/alarms.h"
#include "sip/message.h"
#include "sip/rack.h"
#include "sip/timers.h"

namespace weir::controlplane {

/// The RSeq of a provisional response that requires 100rel; nullopt if it is no reliable one.
std::optional<std::uint32_t> reliable_number(const sip::Message& response);

/// Those of one INVITE. Owned by its leg.
class Provisionals {
 public:
  struct Callbacks {
    std::function<void(const sip::Message& response)> send;
    std::function<void()> unacknowledged;  ///< 64*T1 have passed without PRACK: refuse the INVITE with 5xx
    std::function<std::uint64_t()> now_ns;
  };

  /// `rseq_first` is 1..2^31-1, chosen at random.
  Provisionals(Alarms& alarms, std::uint32_t invite_cseq, std::uint32_t rseq_first, Callbacks callbacks);

  /// Adds Require and RSeq and sends it, or keeps it until those before are acknowledged.
  void send(sip::Message response);
  /// A PRACK. False: it names no response that waits for one: answer 481.
  bool acknowledge(const sip::RAck& rack);
  /// One is out whose session description the peer has not acknowledged: no 2xx may go out (RFC 3262 section 3).
  [[nodiscard]] bool holds_back_answer() const;
  /// A PRACK has acknowledged a session description: the 2xx needs none.
  [[nodiscard]] bool session_delivered() const { return session_delivered_; }
  /// The final response goes out: nothing is repeated any more.
  void stop();

 private:
  void transmit();
  void repeat();

  Alarm alarm_;
  std::uint32_t invite_cseq_;
  std::uint32_t rseq_;  ///< of the front of waiting_
  Callbacks callbacks_;
  std::deque<sip::Message> waiting_;  ///< the front is on the wire
  std::uint64_t interval_ns_ = 0;
  std::uint64_t give_up_ns_ = 0;
  bool session_delivered_ = false;
};

}  // namespace weir::controlplane
