#include "dataplane/resolve.h"

#include <rte_ring_elem.h>

namespace weir::dataplane {

Resolver::Resolver(std::span<const Network> networks, std::span<Neighbours> neighbours, rte_ring* wanted,
                   std::vector<rte_ring*> wanted_by)
    : networks_(networks), neighbours_(neighbours), wanted_(wanted), wanted_by_(std::move(wanted_by)) {}

void Resolver::want_hop(const WantedHop& hop, std::uint64_t now_ns) {
  Lately& lately = lately_[(hop.hop.low ^ hop.network) % kLately];
  if (lately.hop == hop && now_ns - lately.wanted_ns < kLatelyNs) return;
  lately = {hop, now_ns};
  if (wanted_ == nullptr) {
    want_here(hop, now_ns);
  } else {
    WantedHop copy = hop;                                   // DPDK takes it as not const
    rte_ring_sp_enqueue_elem(wanted_, &copy, sizeof copy);  // full: the hop is wanted again with a later packet
  }
}

void Resolver::want_here(const WantedHop& hop, std::uint64_t now_ns) {
  if (questions_count_ == kQuestionsMax) return;  // wanted again with a later packet
  const std::optional<Neighbours::Question> ask = neighbours_[hop.network].want(hop.hop, now_ns);
  if (ask) questions_[questions_count_++] = {static_cast<std::uint8_t>(hop.network), *ask};
}

void Resolver::take_wanted(std::uint64_t now_ns) {
  for (rte_ring* ring : wanted_by_) {
    WantedHop hop;
    if (rte_ring_sc_dequeue_elem(ring, &hop, sizeof hop) == 0) want_here(hop, now_ns);
  }
}

std::optional<Resolver::Question> Resolver::next_question(std::uint64_t now_ns, bool& gateway_changed) {
  gateway_changed = false;
  take_wanted(now_ns);
  if (questions_count_ > 0) return questions_[--questions_count_];
  cursor_ = cursor_ + 1 < neighbours_.size() ? cursor_ + 1 : 0;
  std::optional<Neighbours::Question> ask = neighbours_[cursor_].watch_gateways(now_ns, gateway_changed);
  if (!ask) ask = neighbours_[cursor_].next_question(now_ns);
  if (!ask) return std::nullopt;
  return Question{static_cast<std::uint8_t>(cursor_), *ask};
}

}  // namespace weir::dataplane
