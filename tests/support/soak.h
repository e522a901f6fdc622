// How much of a long test runs: a tenth in tests/run, all of it with WEIR_SOAK=1 in the environment, e.g.
//   WEIR_SOAK=1 build/tests/dataplane/dataplane_test --gtest_filter='*Hostile*'
#pragma once

#include <cstdint>
#include <cstdlib>

namespace weir::tests {

inline std::uint32_t soak(std::uint32_t whole) {
  return std::getenv("WEIR_SOAK") != nullptr ? whole : whole / 10;
}

}  // namespace weir::tests
