// Backing off while there is nothing to do, where the configuration allows it (media.idle_sleep_us_max): a worker that
// polls in vain sleeps between its polls, a little longer each time, and stops when something comes.
#pragma once

#include <algorithm>
#include <cstdint>

namespace weir::dataplane {

/// Passes in vain before the first sleep: some hundred microseconds, so that media that comes at all never meets a
/// sleeping worker.
inline constexpr std::uint32_t kIdlePassesBeforeSleep = 1024;

/// Of one worker.
class IdlePacer {
 public:
  /// `sleep_us_max` 0: never sleeps.
  explicit IdlePacer(std::uint32_t sleep_us_max) : sleep_us_max_(sleep_us_max) {}

  [[nodiscard]] bool sleeps() const { return sleep_us_max_ != 0; }

  /// Microseconds to sleep after a pass that did something (`busy`) or nothing.
  std::uint32_t after_pass(bool busy) {
    if (sleep_us_max_ == 0) return 0;
    if (busy) {
      passes_ = 0;
      sleep_us_ = 0;
      return 0;
    }
    if (passes_ < kIdlePassesBeforeSleep) {
      ++passes_;
      return 0;
    }
    sleep_us_ = std::min(std::max(2 * sleep_us_, 1u), sleep_us_max_);
    return sleep_us_;
  }

 private:
  std::uint32_t sleep_us_max_;
  std::uint32_t passes_ = 0;
  std::uint32_t sleep_us_ = 0;
};

}  // namespace weir::dataplane
