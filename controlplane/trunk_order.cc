#include "controlplane/trunk_order.h"

#include <algorithm>
#include <numeric>

namespace weir::controlplane {

namespace {

/// The position in `order`, from `first` to before `last`, of the member that is drawn.
std::size_t draw(const std::vector<Ranked>& members, const std::vector<std::size_t>& order, std::size_t first,
                 std::size_t last, const Chance& chance) {
  std::uint32_t sum = 0;
  for (std::size_t i = first; i < last; ++i) sum += members[order[i]].weight;
  const std::uint32_t drawn = chance(sum);
  std::uint32_t running = 0;
  for (std::size_t i = first; i < last; ++i) {
    running += members[order[i]].weight;
    if (running >= drawn) return i;
  }
  return first;
}

}  // namespace

std::vector<std::size_t> draw_order(const std::vector<Ranked>& members, const Chance& chance) {
  std::vector<std::size_t> order(members.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Weights of 0 first, as the RFC wants it: else they would never be drawn.
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (members[a].priority != members[b].priority) return members[a].priority < members[b].priority;
    return members[a].weight == 0 && members[b].weight != 0;
  });
  for (std::size_t first = 0; first < order.size(); ++first) {
    std::size_t last = first;
    while (last < order.size() && members[order[last]].priority == members[order[first]].priority) ++last;
    const std::size_t drawn = draw(members, order, first, last, chance);
    std::rotate(order.begin() + static_cast<std::ptrdiff_t>(first), order.begin() + static_cast<std::ptrdiff_t>(drawn),
                order.begin() + static_cast<std::ptrdiff_t>(drawn) + 1);
  }
  return order;
}

}  // namespace weir::controlplane
