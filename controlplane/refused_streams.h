// Who took no TCP connection: requests too long for a datagram go there by UDP all the same. RFC 3261 section 18.1.1.
#pragma once

#include <cstdint>
#include <map>

#include "proto/inet.h"

namespace weir::controlplane {

/// Time comes in as now_ns, CLOCK_MONOTONIC.
class RefusedStreams {
 public:
  /// How long it is remembered: a call does not wait for TCP that was not there a moment ago.
  static constexpr std::uint64_t kMemoryNs = 300'000'000'000;
  /// One more, and those that are no longer true are looked for; if there are none, it is forgotten at once.
  static constexpr std::size_t kEntriesMax = 4096;

  void note(const proto::Endpoint& remote, std::uint64_t now_ns) {
    if (entries_.size() >= kEntriesMax) {
      std::erase_if(entries_, [&](const auto& entry) { return now_ns >= entry.second; });
    }
    if (entries_.size() < kEntriesMax) entries_[proto::to_string(remote)] = now_ns + kMemoryNs;
  }

  [[nodiscard]] bool has(const proto::Endpoint& remote, std::uint64_t now_ns) const {
    const auto entry = entries_.find(proto::to_string(remote));
    return entry != entries_.end() && now_ns < entry->second;
  }

 private:
  std::map<std::string, std::uint64_t> entries_;  ///< until when
};

}  // namespace weir::controlplane
