// The order in which the members of a trunk are tried: RFC 2782, "Usage rules", on priorities and weights from the
// configuration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "controlplane/chance.h"

namespace weir::controlplane {

struct Ranked {
  std::uint16_t priority = 0;  ///< lowest first
  std::uint16_t weight = 0;
};

/// Indexes into `members`, each once: by priority; among equals drawn one after the other, each with the likelihood of
/// its weight. A weight of 0 has a small chance.
std::vector<std::size_t> draw_order(const std::vector<Ranked>& members, const Chance& chance);

}  // namespace weir::controlplane
