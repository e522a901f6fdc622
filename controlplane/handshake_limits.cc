#include "controlplane/handshake_limits.h"

#include "proto/assert.h"

namespace weir::controlplane {

bool HandshakeLimits::begin(std::uint64_t now_ns, const Source& source) {
  const auto known = of_source_.find(source);
  const std::uint32_t has = known == of_source_.end() ? 0 : known->second;
  if (under_way_ >= limits_.tls_handshakes_max || has >= limits_.tls_handshakes_per_source_max) return false;
  if (!rates_.take(now_ns, source, limits_.tls_handshakes_per_s_per_source_max)) return false;
  ++of_source_[source];
  ++under_way_;
  return true;
}

void HandshakeLimits::end(const Source& source) {
  const auto known = of_source_.find(source);
  WEIR_ASSERT(known != of_source_.end());
  if (--known->second == 0) of_source_.erase(known);
  --under_way_;
}

}  // namespace weir::controlplane
