// TLS handshakes cost a signature each, before anybody has shown who it is: how many may be under way, and how many a
// second from one source.
#pragma once

#include <cstdint>
#include <map>

#include "controlplane/admission.h"
#include "controlplane/source.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

/// One shard's accepted handshakes. Time comes in as now_ns, CLOCK_MONOTONIC.
class HandshakeLimits {
 public:
  /// Sources remembered. They have shown that they can receive (TCP), so to be so many they must really be so many; who
  /// comes when so many are known waits for a second.
  static constexpr std::size_t kSourcesMax = 65'536;

  /// `limits` outlive this.
  explicit HandshakeLimits(const proto::settings::LimitSettings& limits) : limits_(limits) {}

  /// Whether a source may begin one more; if so, end() has to follow.
  bool begin(std::uint64_t now_ns, const Source& source);
  void end(const Source& source);

  [[nodiscard]] std::size_t under_way() const { return under_way_; }

 private:
  struct Entry {
    RateLimit rate;
    std::uint32_t under_way = 0;
  };

  void forget_the_quiet(std::uint64_t now_ns);

  const proto::settings::LimitSettings& limits_;
  std::map<Source, Entry> sources_;
  std::size_t under_way_ = 0;
  std::uint64_t forget_ns_ = 0;
};

}  // namespace weir::controlplane
