// The gate before call control: under overload it turns new INVITEs away before they are parsed. RFC 3261 sections
// 8.2.7 (stateless answers) and 21.5.4; after RFC 7339's first principle, that a refusal must cost far less than a
// call.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controlplane/admission.h"
#include "controlplane/overload.h"
#include "sip/early_refusal.h"
#include "sip/transaction_layer.h"

namespace weir::controlplane {

/// What work waits in: Overload's queues. Each UDP socket (Waited::socket) but those of newcomers is one
/// of its own, from kSockets on.
enum class WorkQueue : std::uint8_t { kTicks, kSockets };

/// One shard's. Time comes in as now_ns, CLOCK_MONOTONIC.
class OverloadGate {
 public:
  /// `transactions` and `sender` outlive the gate; `tag` is an unguessable token.
  OverloadGate(const proto::settings::LimitSettings& limits, sip::TransactionLayer& transactions,
               sip::MessageSender& sender, std::string_view tag);

  /// A timer fires, `lag_ns` late.
  void on_tick(std::uint64_t now_ns, std::uint64_t lag_ns);
  /// A datagram is about to be parsed. True: it was a new INVITE and has been refused, or the ACK of such a refusal:
  /// nothing is left to be done with it. Repeats of an INVITE whose transaction is alive, requests in dialogs and
  /// responses are never touched. `admission` still says whom no answer is due.
  [[nodiscard]] bool turn_away(std::uint64_t now_ns, std::string_view datagram, const sip::Hop& source,
                               const Waited& waited, Admission& admission);
  /// A new INVITE that was parsed asks to be let in.
  [[nodiscard]] bool admit(std::uint64_t now_ns) { return overload_.admit(now_ns); }

  /// Says in the log that new calls are being refused, or no more. Call once a second.
  void report();
  [[nodiscard]] const Overload& overload() const { return overload_; }
  /// The limits were read anew.
  void set(const proto::settings::LimitSettings& limits);

 private:
  void refuse(sip::EarlyInvite invite, const sip::Hop& source);

  Overload overload_;
  sip::TransactionLayer& transactions_;
  sip::MessageSender& sender_;
  std::string tag_;  ///< what the To tags of our refusals begin with
  bool reported_ = false;
  std::uint64_t refused_before_ = 0;  ///< the episode that is reported, or a second before now
};

}  // namespace weir::controlplane
