// How many TSC cycles each stage takes, so that the next slow thing is visible. A build option (-Dstage_cycles=true):
// without it nothing is measured, stored or compiled in.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#ifdef WEIR_STAGE_CYCLES
#include <rte_cycles.h>
#endif

namespace weir::dataplane {

/// What run_once does, in its order.
enum class Stage : std::uint8_t {
  kChores,  ///< commands, injected packets, housekeeping
  kReceive,
  kLookup,
  kUnprotect,
  kRewrite,  ///< with the admission's commit
  kProtect,
  kTransmit,
  kFlush,  ///< bursts to the ports
};

inline constexpr std::array<std::string_view, 8> kStageNames{"chores",  "receive", "lookup",   "unprotect",
                                                             "rewrite", "protect", "transmit", "flush"};
static_assert(static_cast<std::size_t>(Stage::kFlush) + 1 == kStageNames.size());

#ifdef WEIR_STAGE_CYCLES

class StageCycles {
 public:
  static constexpr bool kMeasured = true;

  /// From here on time belongs to the stage that the next lap names.
  void start() { last_ = rte_rdtsc(); }
  void lap(Stage stage) {
    const std::uint64_t now = rte_rdtsc();
    spent_[static_cast<std::size_t>(stage)] += now - last_;
    last_ = now;
  }
  /// Cycles since the worker was made.
  [[nodiscard]] std::uint64_t spent(Stage stage) const { return spent_[static_cast<std::size_t>(stage)]; }

 private:
  std::uint64_t last_ = 0;
  std::array<std::uint64_t, kStageNames.size()> spent_{};
};

#else

class StageCycles {
 public:
  static constexpr bool kMeasured = false;

  void start() {}
  void lap(Stage) {}
  [[nodiscard]] std::uint64_t spent(Stage) const { return 0; }
};

#endif

}  // namespace weir::dataplane
