// The clocks of a shard: CLOCK_MONOTONIC in nanoseconds, and the one on the wall in seconds since 1970.
#pragma once

#include <time.h>

#include <cstdint>

namespace weir::controlplane {

inline std::uint64_t clock_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

inline std::int64_t unix_s() {
  return time(nullptr);
}

}  // namespace weir::controlplane
