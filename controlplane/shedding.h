// Shedding: what share of new INVITEs the kernel still hands over under overload. To refuse a call costs a tenth of
// what the call would have cost, so ten times as many as can be carried would leave nothing for those that are let in.
// Those beyond what is let in, and some refusals, are dropped unread: their senders ask again (RFC 3261
// section 17.1.1.2).
#pragma once

#include <cstdint>
#include <optional>

#include "controlplane/overload.h"

namespace weir::controlplane {

/// One shard's. Time comes in as now_ns, CLOCK_MONOTONIC.
class Shedding {
 public:
  static constexpr std::uint64_t kIntervalNs = 100'000'000;
  /// Some always come through, so that it is known how many there are.
  static constexpr double kShareMin = 0.005;
  /// For each call that is let in so many INVITEs are read.
  static constexpr double kSurplus = 1.2;

  /// The share from now on, in (0, 1]; nullopt: as it is. `read`: new INVITEs that the kernel has handed over so far.
  std::optional<double> follow(std::uint64_t now_ns, const Overload& overload, std::uint64_t read);
  [[nodiscard]] double share() const { return share_; }

 private:
  [[nodiscard]] double wanted(const Overload& overload, double read_per_s) const;

  double share_ = 1;
  std::uint64_t began_ns_ = 0;     ///< the interval
  std::uint64_t read_before_ = 0;  ///< it
};

}  // namespace weir::controlplane
