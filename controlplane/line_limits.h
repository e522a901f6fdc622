// Lines in the log that others can cause as often as they like: so many of each kind a second, and one that says how
// many were left out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "controlplane/admission.h"

namespace weir::controlplane {

enum class LineKind : std::uint8_t { kMalformed, kInviteRefused, kOfferRefused, kReferRefused, kOutsideRefused };
inline constexpr std::size_t kLineKindCount = 5;

/// One shard's. Time comes in as now_ns, CLOCK_MONOTONIC.
class LineLimits {
 public:
  static constexpr std::uint32_t kLinesPerS = 5;

  /// Whether a line of this kind is to be written; else it is counted.
  [[nodiscard]] bool may(std::uint64_t now_ns, LineKind kind);
  /// Says how many of each kind were left out since the last time. Call once a second.
  void report();
  [[nodiscard]] std::uint64_t left_out(LineKind kind) const { return kinds_[static_cast<std::size_t>(kind)].left_out; }

 private:
  struct Kind {
    RateLimit rate;
    std::uint64_t left_out = 0;
    std::uint64_t reported = 0;
  };
  std::array<Kind, kLineKindCount> kinds_;
};

}  // namespace weir::controlplane
