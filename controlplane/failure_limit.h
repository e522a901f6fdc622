// How many wrong passwords a source may send: a guesser is slowed down to so many a minute.
#pragma once

#include <cstdint>
#include <map>

#include "controlplane/source.h"

namespace weir::controlplane {

/// One shard's. Only those who answered a challenge that was sent to their address are counted, so nobody can be locked
/// out by a forged source. Time comes in as now_ns, CLOCK_MONOTONIC.
class FailureLimit {
 public:
  /// Sources at once; those beyond it are not limited, and come from as many networks.
  static constexpr std::size_t kSourcesMax = 16'384;

  /// 0: no limit.
  explicit FailureLimit(std::uint32_t per_min_max) : per_min_max_(per_min_max) {}

  /// Whether this source has used up its failures; it has some again within a minute.
  [[nodiscard]] bool blocks(std::uint64_t now_ns, const Source& source);
  void note(std::uint64_t now_ns, const Source& source);

 private:
  using Counts = std::map<Source, std::uint32_t>;

  void turn(std::uint64_t now_ns);

  std::uint32_t per_min_max_;
  Counts recent_;  ///< of this minute
  std::uint64_t turn_ns_ = 0;
};

}  // namespace weir::controlplane
