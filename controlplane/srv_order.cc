#include "controlplane/srv_order.h"

#include <algorithm>

namespace weir::controlplane {

std::vector<SrvRecord> order_srv(std::vector<SrvRecord> records, const Chance& draw) {
  // Those of weight 0 come first among the candidates, so that they have a very small chance.
  std::stable_sort(records.begin(), records.end(), [](const SrvRecord& a, const SrvRecord& b) {
    return a.priority != b.priority ? a.priority < b.priority : a.weight == 0 && b.weight != 0;
  });
  for (auto next = records.begin(); next != records.end(); ++next) {
    const auto last =
        std::find_if(next, records.end(), [&](const SrvRecord& r) { return r.priority != next->priority; });
    std::uint32_t sum = 0;
    std::for_each(next, last, [&](const SrvRecord& record) { sum += record.weight; });
    const std::uint32_t drawn = draw(sum);
    std::uint32_t running = 0;
    const auto chosen = std::find_if(next, last, [&](const SrvRecord& record) {
      running += record.weight;
      return running >= drawn;
    });
    std::rotate(next, chosen, chosen + 1);  // the others keep their order
  }
  return records;
}

}  // namespace weir::controlplane
