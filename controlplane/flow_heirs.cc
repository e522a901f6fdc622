#include "controlplane/flow_heirs.h"

#include <vector>

namespace weir::controlplane {

void FlowHeirs::add(std::uint64_t gone, const sip::Hop& now) {
  remove(now.handle);  // whoever is there is no longer anywhere else
  std::vector<std::uint64_t> moved;
  const auto [first, last] = forbears_of_.equal_range(gone);
  for (auto each = first; each != last; ++each) moved.push_back(each->second);
  for (const std::uint64_t forbear : moved) put(forbear, now);
  put(gone, now);
  while (forbears_of_.count(now.handle) > kForbearsMax) remove(forbears_of_.lower_bound(now.handle)->second);
  while (heirs_.size() > kHeirsMax) remove(heirs_.begin()->first);
}

std::optional<sip::Hop> FlowHeirs::find(std::uint64_t gone) const {
  const auto found = heirs_.find(gone);
  return found == heirs_.end() ? std::nullopt : std::optional(found->second);
}

void FlowHeirs::put(std::uint64_t gone, const sip::Hop& now) {
  remove(gone);
  if (gone == now.handle) return;
  heirs_.emplace(gone, now);
  forbears_of_.emplace(now.handle, gone);
}

void FlowHeirs::remove(std::uint64_t gone) {
  const auto found = heirs_.find(gone);
  if (found == heirs_.end()) return;
  const auto [first, last] = forbears_of_.equal_range(found->second.handle);
  for (auto each = first; each != last; ++each) {
    if (each->second != gone) continue;
    forbears_of_.erase(each);
    break;
  }
  heirs_.erase(found);
}

}  // namespace weir::controlplane
