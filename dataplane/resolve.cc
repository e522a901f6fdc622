#include "dataplane/resolve.h"

namespace weir::dataplane {
namespace {

/// A hop as it crosses a ring of pointers.
void* pack(std::uint8_t network, std::uint32_t hop) {
  return reinterpret_cast<void*>(std::uintptr_t{network} << 32 | hop);
}

}  // namespace

Resolver::Resolver(std::span<const Network> networks, std::span<Neighbours> neighbours, rte_ring* wanted,
                   std::vector<rte_ring*> wanted_by)
    : networks_(networks), neighbours_(neighbours), wanted_(wanted), wanted_by_(std::move(wanted_by)) {}

void Resolver::want_hop(std::uint8_t network, std::uint32_t hop, std::uint64_t now_ns) {
  const std::uint64_t key = std::uint64_t{network} << 32 | hop;
  Lately& lately = lately_[(hop ^ network) % kLately];
  if (lately.key == key && now_ns - lately.wanted_ns < kLatelyNs) return;
  lately = {key, now_ns};
  if (wanted_ == nullptr) {
    want_here(network, hop, now_ns);
  } else {
    rte_ring_sp_enqueue(wanted_, pack(network, hop));  // full: the hop is wanted again with a later packet
  }
}

void Resolver::want_here(std::uint8_t network, std::uint32_t hop, std::uint64_t now_ns) {
  if (questions_count_ == kQuestionsMax) return;  // wanted again with a later packet
  const std::optional<Neighbours::Question> ask = neighbours_[network].want(hop, now_ns);
  if (ask) questions_[questions_count_++] = {network, *ask};
}

void Resolver::take_wanted(std::uint64_t now_ns) {
  for (rte_ring* ring : wanted_by_) {
    void* hop = nullptr;
    if (rte_ring_sc_dequeue(ring, &hop) != 0) continue;
    const auto packed = reinterpret_cast<std::uintptr_t>(hop);
    want_here(static_cast<std::uint8_t>(packed >> 32), static_cast<std::uint32_t>(packed), now_ns);
  }
}

std::optional<Resolver::Question> Resolver::next_question(std::uint64_t now_ns) {
  take_wanted(now_ns);
  if (questions_count_ > 0) return questions_[--questions_count_];
  cursor_ = cursor_ + 1 < neighbours_.size() ? cursor_ + 1 : 0;
  const std::optional<Neighbours::Question> ask = neighbours_[cursor_].next_question(now_ns);
  if (!ask) return std::nullopt;
  return Question{static_cast<std::uint8_t>(cursor_), *ask};
}

}  // namespace weir::dataplane
