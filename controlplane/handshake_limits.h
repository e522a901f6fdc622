// TLS handshakes cost a signature each, before anybody has shown who it is: how many may be under way, and how many a
// second from one source.
#pragma once

#include <cstdint>
#include <map>

#include "controlplane/source.h"
#include "controlplane/source_rates.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

/// One shard's accepted handshakes. Time comes in as now_ns, CLOCK_MONOTONIC.
class HandshakeLimits {
 public:
  /// `limits` outlive this.
  explicit HandshakeLimits(const proto::settings::LimitSettings& limits) : limits_(limits) {}

  /// Whether a source may begin one more; if so, end() has to follow.
  bool begin(std::uint64_t now_ns, const Source& source);
  void end(const Source& source);

  [[nodiscard]] std::size_t under_way() const { return under_way_; }

 private:
  const proto::settings::LimitSettings& limits_;
  SourceRates rates_;  ///< sources have shown that they can receive (TCP): to seem many they must be many
  std::map<Source, std::uint32_t> of_source_;  ///< under way
  std::size_t under_way_ = 0;
};

}  // namespace weir::controlplane
