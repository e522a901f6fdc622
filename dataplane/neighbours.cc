#include "dataplane/neighbours.h"

#include <algorithm>

#include "dataplane/arp.h"
#include "proto/assert.h"

namespace weir::dataplane {
namespace {

/// Neighbours looked at in one call of next_question.
constexpr std::size_t kLookedAtMax = 32;

}  // namespace

std::uint64_t to_word(const proto::MacAddress& mac) {
  std::uint64_t word = 0;
  for (const std::uint8_t byte : mac) word = word << 8 | byte;
  return word;
}

proto::MacAddress to_mac(std::uint64_t word) {
  proto::MacAddress mac;
  for (std::size_t i = mac.size(); i-- > 0; word >>= 8) mac[i] = static_cast<std::uint8_t>(word);
  return mac;
}

Neighbours::Neighbours(const Network& network)
    : index_mask_(~network.mask & 0xffff), ways_(~network.mask > 0xffff ? 4 : 1) {
  const std::size_t slots = (std::size_t{index_mask_} + 1) * ways_;
  entries_ = std::make_unique<std::atomic<std::uint64_t>[]>(slots);
  owner_.assign(slots, kNobody);
  tracked_.reserve(kNeighboursMax);
}

std::uint16_t Neighbours::tracked_of(std::uint32_t address) const {
  const std::size_t first = first_slot(address);
  for (std::size_t slot = first; slot < first + ways_; ++slot) {
    const std::uint16_t owner = owner_[slot];
    if (owner < kStatic && tracked_[owner].address == address) return owner;
  }
  return kNobody;
}

void Neighbours::add_static(std::uint32_t address, const proto::MacAddress& mac) {
  const std::optional<std::size_t> slot = free_slot(address);
  WEIR_ASSERT(slot);  // before the workers run, so all slots are static neighbours' or free
  entries_[*slot].store(std::uint64_t{address >> 16} << 48 | to_word(mac), std::memory_order_relaxed);
  owner_[*slot] = kStatic;
}

/// A slot for this host: a free one, else that of the neighbour not wanted for the longest time.
std::optional<std::size_t> Neighbours::free_slot(std::uint32_t address) {
  const std::size_t first = first_slot(address);
  std::optional<std::size_t> oldest;
  for (std::size_t slot = first; slot < first + ways_; ++slot) {
    if (owner_[slot] == kNobody) return slot;
    if (owner_[slot] == kStatic) continue;
    if (!oldest || tracked_[owner_[slot]].wanted_ns < tracked_[owner_[*oldest]].wanted_ns) oldest = slot;
  }
  if (oldest) forget(owner_[*oldest]);
  return oldest;
}

Neighbours::Tracked* Neighbours::track(std::uint32_t address) {
  const std::optional<std::size_t> slot = free_slot(address);
  if (!slot) return nullptr;
  if (tracked_.size() == kNeighboursMax) {
    const auto oldest = std::min_element(tracked_.begin(), tracked_.end(),
                                         [](const Tracked& a, const Tracked& b) { return a.wanted_ns < b.wanted_ns; });
    forget(static_cast<std::uint16_t>(oldest - tracked_.begin()));
  }
  owner_[*slot] = static_cast<std::uint16_t>(tracked_.size());
  tracked_.push_back({.address = address,
                      .slot = static_cast<std::uint32_t>(*slot),
                      .state = State::kAsking,
                      .tries = 0,
                      .confirmed_ns = 0,
                      .asked_ns = 0,
                      .wanted_ns = 0});
  return &tracked_.back();
}

/// One writer: no read-modify-write is needed.
void Neighbours::changed() {
  const std::uint32_t next = version_->load(std::memory_order_relaxed) + 1;
  version_->store(next == 0 ? 1 : next, std::memory_order_release);  // pairs with version()
}

void Neighbours::forget(std::uint16_t at) {
  entries_[tracked_[at].slot].store(0, std::memory_order_relaxed);
  changed();
  owner_[tracked_[at].slot] = kNobody;
  if (at + 1u != tracked_.size()) {
    tracked_[at] = tracked_.back();
    owner_[tracked_[at].slot] = at;
  }
  tracked_.pop_back();
}

std::optional<Neighbours::Question> Neighbours::want(std::uint32_t address, std::uint64_t now_ns) {
  const std::uint16_t at = tracked_of(address);
  if (at == kNobody && find(address) != 0) return std::nullopt;  // static
  Tracked* neighbour = at == kNobody ? track(address) : &tracked_[at];
  if (neighbour == nullptr) return std::nullopt;
  neighbour->wanted_ns = now_ns;
  return neighbour->tries == 0 && neighbour->state == State::kAsking ? ask(*neighbour, now_ns) : std::nullopt;
}

std::optional<Neighbours::Question> Neighbours::ask(Tracked& neighbour, std::uint64_t now_ns) {
  const std::uint64_t known = entries_[neighbour.slot].load(std::memory_order_relaxed) & kMacMask;
  const bool to_all = known == 0 || neighbour.tries > 0;
  neighbour.state = State::kAsking;
  neighbour.asked_ns = now_ns;
  ++neighbour.tries;
  return Question{neighbour.address, to_all ? kBroadcastMac : to_mac(known)};
}

bool Neighbours::heard(Heard how, std::uint32_t sender, const proto::MacAddress& mac, std::uint64_t now_ns) {
  const std::uint16_t at = tracked_of(sender);
  if (at == kNobody) return false;
  Tracked& neighbour = tracked_[at];
  if (how == Heard::kReply && neighbour.state == State::kAsking && neighbour.tries > 0) {
    const std::uint64_t entry = std::uint64_t{sender >> 16} << 48 | to_word(mac);
    if (entries_[neighbour.slot].exchange(entry, std::memory_order_relaxed) != entry) changed();
    neighbour.state = State::kFresh;
    neighbour.tries = 0;
    neighbour.confirmed_ns = now_ns;
    return true;
  }
  if (neighbour.state == State::kFresh && find(sender) != to_word(mac)) neighbour.confirmed_ns = 0;  // a hint
  return true;
}

std::optional<Neighbours::Question> Neighbours::next_question(std::uint64_t now_ns) {
  for (std::size_t looked = 0; looked < kLookedAtMax && !tracked_.empty(); ++looked) {
    cursor_ = cursor_ + 1 < tracked_.size() ? cursor_ + 1 : 0;
    Tracked& neighbour = tracked_[cursor_];
    if (now_ns - neighbour.asked_ns < kNeighbourAskNs) continue;
    if (neighbour.state == State::kFresh && now_ns - neighbour.confirmed_ns < kNeighbourFreshNs) continue;
    if (neighbour.tries == kNeighbourTriesMax) {
      forget(static_cast<std::uint16_t>(cursor_));
      continue;
    }
    return ask(neighbour, now_ns);
  }
  return std::nullopt;
}

}  // namespace weir::dataplane
