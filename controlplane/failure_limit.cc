#include "controlplane/failure_limit.h"

namespace weir::controlplane {
namespace {

constexpr std::uint64_t kMinuteNs = 60'000'000'000;

}  // namespace

void FailureLimit::turn(std::uint64_t now_ns) {
  if (now_ns < turn_ns_) return;
  recent_.clear();
  turn_ns_ = now_ns + kMinuteNs;
}

bool FailureLimit::blocks(std::uint64_t now_ns, const Source& source) {
  turn(now_ns);
  const auto found = recent_.find(source);
  return per_min_max_ != 0 && found != recent_.end() && found->second >= per_min_max_;
}

void FailureLimit::note(std::uint64_t now_ns, const Source& source) {
  turn(now_ns);
  if (per_min_max_ == 0) return;
  if (recent_.size() < kSourcesMax || recent_.count(source) != 0) ++recent_[source];
}

}  // namespace weir::controlplane
