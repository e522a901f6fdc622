#include "controlplane/handshake_limits.h"

#include "proto/assert.h"

namespace weir::controlplane {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

}  // namespace

bool HandshakeLimits::begin(std::uint64_t now_ns, const Source& source) {
  if (now_ns >= forget_ns_) forget_the_quiet(now_ns);
  const auto known = sources_.find(source);
  if (known == sources_.end() && sources_.size() >= kSourcesMax) return false;
  Entry& entry = known != sources_.end() ? known->second : sources_[source];
  const std::uint32_t per_s = limits_.tls_handshakes_per_s_per_source_max;
  if (under_way_ >= limits_.tls_handshakes_max || entry.under_way >= limits_.tls_handshakes_per_source_max ||
      !entry.rate.has(now_ns, per_s)) {
    return false;
  }
  entry.rate.take(now_ns, per_s);
  ++entry.under_way;
  ++under_way_;
  return true;
}

void HandshakeLimits::end(const Source& source) {
  const auto known = sources_.find(source);
  WEIR_ASSERT(known != sources_.end() && known->second.under_way != 0);
  --known->second.under_way;
  --under_way_;
}

/// A source that had nothing under way for a second may do all that one never heard of may.
void HandshakeLimits::forget_the_quiet(std::uint64_t now_ns) {
  forget_ns_ = now_ns + kSecondNs;
  std::erase_if(sources_,
                [&](const auto& source) { return source.second.under_way == 0 && source.second.rate.rested(now_ns); });
}

}  // namespace weir::controlplane
