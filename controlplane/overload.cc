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
/// Of calls that are offered while new ones overflow one of so many is refused.
constexpr std::uint32_t kRefusedOneOf = 20;
/// How long a pause may be made up for at once.
constexpr double kCreditS = 0.02;

}  // namespace

void Overload::set_target(std::uint64_t target_ns) {
  options_.target_ns = target_ns;
  if (target_ns != 0) return;
  limiting_ = overflows_ = false;
  lag_before_ns_ = 0;
  queues_.clear();
}

void Overload::observe(std::uint64_t now_ns, std::uint64_t lag_ns, std::size_t queue) {
  if (options_.target_ns == 0) return;
  follow(now_ns);
  if (queue >= queues_.size()) queues_.resize(queue + 1);
  Queue& waited_in = queues_[queue];
  waited_in.lag_min_ns = std::min(waited_in.lag_min_ns, lag_ns);
  if (lag_ns >= options_.alarm_ns) {
    waited_in.alarmed = true;
  } else if (lag_ns <= options_.target_ns) {
    waited_in.alarmed = false;
  }
}

void Overload::observe_newcomer(std::uint64_t now_ns, std::uint64_t lag_ns) {
  if (options_.target_ns == 0) return;
  follow(now_ns);
  newcomers_lag_min_ns_ = std::min(newcomers_lag_min_ns_, lag_ns);
}

void Overload::follow(std::uint64_t now_ns) {
  if (now_ns >= interval_start_ns_ + options_.interval_ns) end_interval(now_ns);
}

/// The least that anything had to wait in the queue that is worst off; nullopt: nothing was handled.
std::optional<std::uint64_t> Overload::lag_ns() const {
  std::optional<std::uint64_t> worst;
  for (const Queue& queue : queues_) {
    if (queue.lag_min_ns != UINT64_MAX) worst = std::max(worst.value_or(0), queue.lag_min_ns);
  }
  return worst;
}

/// A queue that nothing came out of all through an interval is empty.
void Overload::begin_queues() {
  for (Queue& queue : queues_) {
    queue.alarmed = queue.alarmed && queue.lag_min_ns != UINT64_MAX;
    queue.lag_min_ns = UINT64_MAX;
  }
}

bool Overload::alarmed() const {
  return std::any_of(queues_.begin(), queues_.end(), [](const Queue& queue) { return queue.alarmed; });
}

/// What the interval has shown. An interval in which nothing was handled shows nothing.
void Overload::end_interval(std::uint64_t now_ns) {
  const std::uint64_t lag = interval_start_ns_ != 0 ? lag_ns().value_or(0) : 0;
  const double seconds = static_cast<double>(now_ns - interval_start_ns_) / kSecondNs;
  const double offered_per_s = offered_ / seconds;
  const double admitted_per_s = admitted_ / seconds;
  const bool before = limiting_ || overflows_;
  if (lag > options_.target_ns) {
    if (!limiting_) {
      rate_per_s_ = admitted_per_s;
      earned_ns_ = now_ns;
    }
    limiting_ = true;
    // What waits is getting less: the rate is low enough already.
    if (lag >= lag_before_ns_) rate_per_s_ = std::max(kRatePerSMin, rate_per_s_ * kDecrease);
  } else if (limiting_) {
    rate_per_s_ = rate_per_s_ * kIncrease + kIncreasePerS * seconds;
    limiting_ = rate_per_s_ < 2 * offered_per_s;
  }
  lag_before_ns_ = lag;
  overflows_ = newcomers_lag_min_ns_ != UINT64_MAX && newcomers_lag_min_ns_ > options_.target_ns;
  newcomers_lag_min_ns_ = UINT64_MAX;
  if (!before && (limiting_ || overflows_)) ++counters_.episodes;
  interval_start_ns_ = now_ns;
  begin_queues();
  offered_ = 0;
  admitted_ = 0;
}

void Overload::earn(std::uint64_t now_ns) {
  const double seconds = static_cast<double>(now_ns - std::min(now_ns, earned_ns_)) / kSecondNs;
  credit_ = std::min(credit_ + seconds * rate_per_s_, std::max(1.0, rate_per_s_ * kCreditS));
  earned_ns_ = now_ns;
}

bool Overload::has_room(std::uint64_t now_ns) {
  if (options_.target_ns == 0) return true;
  if (alarmed()) return false;
  if (overflows_ && overflowing_ % kRefusedOneOf == kRefusedOneOf - 1) return false;
  if (!limiting_) return true;
  earn(now_ns);
  return credit_ >= 1;
}

bool Overload::admit(std::uint64_t now_ns) {
  if (options_.target_ns == 0) return true;
  ++offered_;
  const bool may = has_room(now_ns);
  if (may && limiting_) credit_ -= 1;
  overflowing_ = overflows_ ? overflowing_ + 1 : 0;
  admitted_ += may ? 1 : 0;
  ++counters_.offered;
  counters_.refused += may ? 0 : 1;
  return may;
}

std::optional<double> Overload::rate_per_s() const {
  if (alarmed()) return 0.0;
  return limiting_ ? std::optional<double>(rate_per_s_) : std::nullopt;
}

}  // namespace weir::controlplane
