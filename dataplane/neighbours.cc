#include "dataplane/neighbours.h"

#include <algorithm>

#include "dataplane/arp.h"
#include "proto/assert.h"

namespace weir::dataplane {
namespace {

/// Neighbours looked at in one call of next_question.
constexpr std::size_t kLookedAtMax = 32;
constexpr std::uint64_t kGatewaysEveryNs = kSecondNs / 10;

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

/// One writer: no read-modify-write is needed. The word is invalid while the address changes.
void NeighbourTable::put(std::size_t at, const Address& address, std::uint64_t mac) {
  Slot& slot = slots_[at];
  const std::uint64_t changes = ((slot.word.load(std::memory_order_relaxed) >> 48) + 1) << 48;
  slot.word.store(changes, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);  // pairs with find()'s fence
  slot.high.store(address.high, std::memory_order_relaxed);
  slot.low.store(address.low, std::memory_order_relaxed);
  slot.word.store(changes | mac, std::memory_order_release);  // pairs with find()
}

Neighbours::Neighbours(const Network& network, std::uint64_t seed) : table_(seed) {
  for (const Address& gateway : network.gateways) {
    if (!gateway.is_none()) gateways_.push_back(gateway);
  }
  silent_.assign(gateways_.size(), false);
  owner_.assign(NeighbourTable::kSlots, kNobody);
  tracked_.reserve(kNeighboursMax);
}

void Neighbours::note_gateway(const Address& address, bool silent) {
  for (std::size_t i = 0; i < gateways_.size(); ++i) {
    if (gateways_[i] == address) silent_[i] = silent;
  }
}

std::uint16_t Neighbours::tracked_of(const Address& address) const {
  const std::size_t first = table_.first_slot(address);
  for (std::size_t slot = first; slot < first + NeighbourTable::kWays; ++slot) {
    const std::uint16_t owner = owner_[slot];
    if (owner < kStatic && tracked_[owner].address == address) return owner;
  }
  return kNobody;
}

/// Only where there is one to change to.
bool Neighbours::is_watched_gateway(const Address& address) const {
  return gateways_.size() > 1 && std::find(gateways_.begin(), gateways_.end(), address) != gateways_.end();
}

void Neighbours::add_static(const Address& address, const proto::MacAddress& mac) {
  const std::optional<std::size_t> slot = free_slot(address);
  WEIR_ASSERT(slot);  // settings allow fewer than a set has slots, and before the workers run no other is in use
  table_.put(*slot, address, to_word(mac));
  owner_[*slot] = kStatic;
}

/// A slot for this host: a free one, else that of the neighbour not wanted for the longest time.
std::optional<std::size_t> Neighbours::free_slot(const Address& address) {
  const std::size_t first = table_.first_slot(address);
  std::optional<std::size_t> oldest;
  for (std::size_t slot = first; slot < first + NeighbourTable::kWays; ++slot) {
    if (owner_[slot] == kNobody) return slot;
    if (owner_[slot] == kStatic) continue;
    if (!oldest || tracked_[owner_[slot]].wanted_ns < tracked_[owner_[*oldest]].wanted_ns) oldest = slot;
  }
  if (oldest) forget(owner_[*oldest]);
  return oldest;
}

Neighbours::Tracked* Neighbours::track(const Address& address) {
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
                      .fresh_ns = is_watched_gateway(address) ? kGatewayFreshNs : kNeighbourFreshNs,
                      .confirmed_ns = 0,
                      .asked_ns = 0,
                      .wanted_ns = 0});
  return &tracked_.back();
}

/// One writer: no read-modify-write is needed.
void Neighbours::changed() {
  const std::uint32_t next = shared_->version.load(std::memory_order_relaxed) + 1;
  shared_->version.store(next == 0 ? 1 : next, std::memory_order_release);  // pairs with version()
}

void Neighbours::forget(std::uint16_t at) {
  table_.put(tracked_[at].slot, Address(), 0);
  changed();
  owner_[tracked_[at].slot] = kNobody;
  if (at + 1u != tracked_.size()) {
    tracked_[at] = tracked_.back();
    owner_[tracked_[at].slot] = at;
  }
  tracked_.pop_back();
}

std::optional<Neighbours::Question> Neighbours::want(const Address& address, std::uint64_t now_ns) {
  const std::uint16_t at = tracked_of(address);
  if (at == kNobody && find(address) != 0) return std::nullopt;  // static
  Tracked* neighbour = at == kNobody ? track(address) : &tracked_[at];
  if (neighbour == nullptr) return std::nullopt;
  neighbour->wanted_ns = now_ns;
  return neighbour->tries == 0 && neighbour->state == State::kAsking ? ask(*neighbour, now_ns) : std::nullopt;
}

std::optional<Neighbours::Question> Neighbours::ask(Tracked& neighbour, std::uint64_t now_ns) {
  const std::uint64_t known = table_.mac_at(neighbour.slot);
  const bool to_all = known == 0 || neighbour.tries > 0;
  neighbour.state = State::kAsking;
  neighbour.asked_ns = now_ns;
  ++neighbour.tries;
  return Question{neighbour.address, to_all ? kBroadcastMac : to_mac(known)};
}

bool Neighbours::heard(Heard how, const Address& sender, const proto::MacAddress& mac, std::uint64_t now_ns) {
  const std::uint16_t at = tracked_of(sender);
  if (at == kNobody) return false;
  Tracked& neighbour = tracked_[at];
  if (how == Heard::kReply && neighbour.state == State::kAsking && neighbour.tries > 0) {
    if (table_.mac_at(neighbour.slot) != to_word(mac)) {
      table_.put(neighbour.slot, sender, to_word(mac));
      changed();
    }
    neighbour.state = State::kFresh;
    neighbour.tries = 0;
    neighbour.confirmed_ns = now_ns;
    note_gateway(sender, false);
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
    if (neighbour.state == State::kFresh && now_ns - neighbour.confirmed_ns < neighbour.fresh_ns) continue;
    if (neighbour.tries == kNeighbourTriesMax) {
      note_gateway(neighbour.address, true);
      forget(static_cast<std::uint16_t>(cursor_));
      continue;
    }
    return ask(neighbour, now_ns);
  }
  return std::nullopt;
}

std::optional<Neighbours::Question> Neighbours::watch_gateways(std::uint64_t now_ns, bool& moved) {
  moved = false;
  if (gateways_.size() < 2 || now_ns - gateways_watched_ns_ < kGatewaysEveryNs) return std::nullopt;
  gateways_watched_ns_ = now_ns;
  const auto best = std::find(silent_.begin(), silent_.end(), false) - silent_.begin();
  moved = best != static_cast<std::ptrdiff_t>(gateways_.size()) && best != static_cast<std::ptrdiff_t>(gateway());
  if (moved) {  // if none answers, the one that was in force stays
    shared_->gateway.store(static_cast<std::uint32_t>(best), std::memory_order_relaxed);
    changed();
  }
  gateway_cursor_ = (gateway_cursor_ + 1) % gateways_.size();
  return want(gateways_[gateway_cursor_], now_ns);
}

}  // namespace weir::dataplane
