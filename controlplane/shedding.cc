#include "controlplane/shedding.h"

#include <algorithm>
#include <cmath>

namespace weir::controlplane {
namespace {

constexpr double kSecondNs = 1e9;
/// How far it opens or closes at once.
constexpr double kOpenMax = 1.1;
constexpr double kCloseMax = 0.7;
/// Changes smaller than this are not worth a system call for each socket.
constexpr double kChangeMin = 0.05;

}  // namespace

std::optional<double> Shedding::follow(std::uint64_t now_ns, const Overload& overload, std::uint64_t read) {
  if (now_ns < began_ns_ + kIntervalNs) return std::nullopt;
  const double seconds = static_cast<double>(now_ns - began_ns_) / kSecondNs;
  const double read_per_s = static_cast<double>(read - read_before_) / seconds;
  const bool first = began_ns_ == 0;
  began_ns_ = now_ns;
  read_before_ = read;
  if (first) return std::nullopt;
  const double share = wanted(overload, read_per_s);
  if (share == share_ || (share < 1 && std::abs(share - share_) < kChangeMin * share_)) return std::nullopt;
  share_ = share;
  return share;
}

/// `read_per_s`: of those that were handed over. What has waited comes in a burst, which is not taken at its word.
double Shedding::wanted(const Overload& overload, double read_per_s) const {
  const std::optional<double> rate = overload.rate_per_s();
  if (!rate) return std::min(1.0, share_ * kOpenMax);
  if (*rate == 0) return share_;  // all are refused for a moment: that says nothing of the next
  const double change =
      std::clamp(kSurplus * *rate / std::max(1.0, read_per_s), kCloseMax, overload.behind() ? 1.0 : kOpenMax);
  return std::clamp(share_ * change, kShareMin, 1.0);
}

}  // namespace weir::controlplane
