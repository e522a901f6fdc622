#include "controlplane/chance.h"

#include <random>

namespace weir::controlplane {

std::uint32_t draw_by_chance(std::uint32_t max) {
  static thread_local std::minstd_rand engine{std::random_device{}()};
  return std::uniform_int_distribution<std::uint32_t>(0, max)(engine);
}

}  // namespace weir::controlplane
