#include "controlplane/admission.h"

#include <algorithm>

namespace weir::controlplane {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

}  // namespace

bool RateLimit::has(std::uint64_t now_ns, std::uint32_t rate_per_s) const {
  return rate_per_s == 0 || earned_ns_ + kSecondNs / rate_per_s <= now_ns + kSecondNs;
}

void RateLimit::take(std::uint64_t now_ns, std::uint32_t rate_per_s) {
  if (rate_per_s != 0) earned_ns_ = std::max(earned_ns_, now_ns) + kSecondNs / rate_per_s;
}

sip::AdmissionVerdict Admission::decide(std::uint64_t now_ns, const proto::IpAddress& source) {
  Limits* const own = limits_of(now_ns, source);
  const auto may = [&](RateLimit Limits::*limit) {
    if (own != nullptr && !(own->*limit).has(now_ns, per_s_per_source_max_)) return false;
    if (!(all_.*limit).has(now_ns, per_s_max_)) return false;
    if (own != nullptr) (own->*limit).take(now_ns, per_s_per_source_max_);
    (all_.*limit).take(now_ns, per_s_max_);
    return true;
  };
  if (may(&Limits::admitted)) return sip::AdmissionVerdict::kAdmitted;
  if (may(&Limits::answered)) {
    ++counters_.invites_refused;
    return sip::AdmissionVerdict::kRefused;
  }
  ++counters_.invites_ignored;
  return sip::AdmissionVerdict::kIgnored;
}

/// Null: too many sources are known.
Admission::Limits* Admission::limits_of(std::uint64_t now_ns, const proto::IpAddress& address) {
  if (per_s_per_source_max_ == 0) return nullptr;
  if (now_ns >= turn_ns_) {
    older_ = now_ns >= turn_ns_ + kSecondNs ? Sources{} : std::move(recent_);
    recent_.clear();
    turn_ns_ = now_ns + kSecondNs;
  }
  const Source source = source_of(address);
  if (const auto found = recent_.find(source); found != recent_.end()) return &found->second;
  if (recent_.size() >= kSourcesMax) return nullptr;
  const auto before = older_.find(source);
  return &recent_.emplace(source, before != older_.end() ? before->second : Limits{}).first->second;
}

}  // namespace weir::controlplane
