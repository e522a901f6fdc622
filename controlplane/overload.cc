#include "controlplane/overload.h"

#include <algorithm>

namespace weir::controlplane {

namespace {

constexpr double kSecondNs = 1e9;
/// Down by a twentieth while there is too much, up by a fortieth while there is not: goodput stays within a few per
/// cent of what the loop can carry, and is found again within seconds when that changes.
constexpr double kDecrease = 0.95;
constexpr double kIncrease = 1.025;
/// So that the rate climbs from nothing.
constexpr double kIncreasePerS = 5;
/// Never fewer: one call a second keeps asking whether there is room.
constexpr double kRatePerSMin = 1;
/// How long a pause may be made up for at once.
constexpr double kCreditS = 0.02;

}  // namespace

void Overload::observe(std::uint64_t now_ns, std::uint64_t lag_ns) {
  if (options_.target_ns == 0) return;
  if (now_ns >= interval_start_ns_ + options_.interval_ns) end_interval(now_ns);
  lag_min_ns_ = std::min(lag_min_ns_, lag_ns);
  if (lag_ns >= options_.alarm_ns) {
    alarmed_ = true;
  } else if (lag_ns <= options_.target_ns) {
    alarmed_ = false;
  }
}

/// What the interval has shown. An interval in which nothing was handled shows nothing.
void Overload::end_interval(std::uint64_t now_ns) {
  const bool seen = lag_min_ns_ != UINT64_MAX && interval_start_ns_ != 0;
  const double seconds = static_cast<double>(now_ns - interval_start_ns_) / kSecondNs;
  const double offered_per_s = offered_ / seconds;
  const double admitted_per_s = admitted_ / seconds;
  if (seen && lag_min_ns_ > options_.target_ns) {
    if (!limiting_) {
      ++counters_.episodes;
      rate_per_s_ = admitted_per_s;
      earned_ns_ = now_ns;
    }
    limiting_ = true;
    rate_per_s_ = std::max(kRatePerSMin, std::min(rate_per_s_, admitted_per_s) * kDecrease);
  } else if (limiting_) {
    rate_per_s_ = rate_per_s_ * kIncrease + kIncreasePerS * seconds;
    limiting_ = rate_per_s_ < 2 * offered_per_s;
  }
  interval_start_ns_ = now_ns;
  lag_min_ns_ = UINT64_MAX;
  offered_ = 0;
  admitted_ = 0;
}

void Overload::earn(std::uint64_t now_ns) {
  const double seconds = static_cast<double>(now_ns - std::min(now_ns, earned_ns_)) / kSecondNs;
  credit_ = std::min(credit_ + seconds * rate_per_s_, std::max(1.0, rate_per_s_ * kCreditS));
  earned_ns_ = now_ns;
}

bool Overload::admit(std::uint64_t now_ns) {
  if (options_.target_ns == 0) return true;
  ++offered_;
  bool may = !alarmed_;
  if (limiting_) {
    earn(now_ns);
    may = may && credit_ >= 1;
    if (may) credit_ -= 1;
  }
  admitted_ += may ? 1 : 0;
  counters_.refused += may ? 0 : 1;
  return may;
}

std::optional<double> Overload::rate_per_s() const {
  if (alarmed_) return 0.0;
  return limiting_ ? std::optional<double>(rate_per_s_) : std::nullopt;
}

}  // namespace weir::controlplane
