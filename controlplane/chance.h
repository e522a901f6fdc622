// Chance, where nobody gains from guessing it: the order of servers and targets by their weights (RFC 2782),
// when of what is due for many comes first.
#pragma once

#include <cstdint>
#include <functional>

namespace weir::controlplane {

/// A whole number from 0 to `max`, both possible, all as likely.
using Chance = std::function<std::uint32_t(std::uint32_t max)>;

std::uint32_t draw_by_chance(std::uint32_t max);

}  // namespace weir::controlplane
