// How often a second each source does something that costs us more than it costs the source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "controlplane/admission.h"
#include "controlplane/source.h"

namespace weir::controlplane {

/// One shard's, of one thing. Time comes in as now_ns, CLOCK_MONOTONIC.
class SourceRates {
 public:
  /// Sources remembered; who comes when so many are known waits for a second.
  static constexpr std::size_t kSourcesMax = 65'536;

  /// Whether the source may do it once more; if so, it has.
  bool take(std::uint64_t now_ns, const Source& source, std::uint32_t per_s) {
    if (now_ns >= forget_ns_) forget_the_quiet(now_ns);
    const auto known = sources_.find(source);
    if (known == sources_.end() && sources_.size() >= kSourcesMax) return false;
    RateLimit& rate = known != sources_.end() ? known->second : sources_[source];
    if (!rate.has(now_ns, per_s)) return false;
    rate.take(now_ns, per_s);
    return true;
  }

 private:
  static constexpr std::uint64_t kSecondNs = 1'000'000'000;

  /// A source that has rested may do all that one never heard of may.
  void forget_the_quiet(std::uint64_t now_ns) {
    forget_ns_ = now_ns + kSecondNs;
    std::erase_if(sources_, [now_ns](const auto& source) { return source.second.rested(now_ns); });
  }

  std::map<Source, RateLimit> sources_;
  std::uint64_t forget_ns_ = 0;
};

}  // namespace weir::controlplane
