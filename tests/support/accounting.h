// What every media plane checks at its end; tests that know how many frames they saw leave check that too.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <vector>

#include "tests/support/media_plane.h"

namespace weir::tests {

/// received + returned == forwarded + punted + answered + absorbed + sum(dropped), and what was sent is what left the
/// ports.
inline void expect_every_frame_accounted_for(const MediaPlane& plane, std::uint64_t arrived, std::uint64_t departed) {
  const proto::WorkerCounters sum = plane.totals();
  const std::uint64_t dropped = std::accumulate(sum.dropped.begin(), sum.dropped.end(), std::uint64_t{0});
  EXPECT_EQ(sum.received, arrived);
  EXPECT_EQ(sum.received + sum.returned, sum.forwarded + sum.punted + sum.answered + sum.absorbed + dropped);
  EXPECT_EQ(sum.forwarded + sum.answered + sum.injected + sum.originated, departed);
}

inline std::vector<proto::EventKind> kinds(const std::vector<proto::Event>& events) {
  std::vector<proto::EventKind> found;
  for (const proto::Event& event : events) found.push_back(event.kind);
  return found;
}

}  // namespace weir::tests
