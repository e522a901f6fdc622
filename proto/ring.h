// A single-producer, single-consumer ring of fixed slots between two processes, one of which may be hostile.
// Slots and tail lie in the producer's segment, the head in the consumer's; each side maps the other's read-only.
// Indexes count up for ever; slot = index & (capacity - 1).
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "proto/bytes.h"

namespace weir::proto {

/// One published index, alone on its cache line.
struct alignas(64) RingIndex {
  std::atomic<std::uint64_t> value;
};
static_assert(sizeof(RingIndex) == 64 && std::atomic<std::uint64_t>::is_always_lock_free);

enum class RingState : std::uint8_t { kOk, kEmpty, kFull, kCorrupt };

/// The producing end. Not thread-safe: one thread.
template <typename Slot>
class RingProducer {
  static_assert(std::is_trivially_copyable_v<Slot>);

 public:
  RingProducer() = default;
  /// `capacity` is a power of two; `slots` and `tail` are writable here, `head` is read-only.
  RingProducer(Slot* slots, std::uint32_t capacity, RingIndex* tail, const RingIndex* head)
      : slots_(slots),
        tail_(tail),
        head_(head),
        capacity_(capacity),
        next_(tail->value.load(std::memory_order_relaxed)) {}

  /// The slot to fill next, or nullptr if the ring is full (state says so) or its head makes no sense. Nothing is
  /// visible to the consumer before publish().
  Slot* claim(RingState& state) {
    // Acquire pairs with the consumer's release in pop(): the slot is not written before it was read.
    const std::uint64_t head = head_->value.load(std::memory_order_acquire);
    const std::uint64_t used = next_ - head;
    if (used > capacity_) {
      state = RingState::kCorrupt;
      return nullptr;
    }
    if (used == capacity_) {
      state = RingState::kFull;
      return nullptr;
    }
    state = RingState::kOk;
    return &slots_[next_ & (capacity_ - 1)];
  }

  /// Makes the claimed slot visible.
  void publish() {
    ++next_;
    // Release pairs with the consumer's acquire of the tail in pop(): the slot's bytes come before its index.
    tail_->value.store(next_, std::memory_order_release);
  }

  /// Overwrites the slots the consumer is done with: for rings that carry keys. The consumer cannot, it maps them
  /// read-only.
  void wipe_consumed() {
    const std::uint64_t head = head_->value.load(std::memory_order_acquire);
    if (next_ - head > capacity_) return;
    if (head - wiped_ > capacity_) wiped_ = head - capacity_;
    for (; wiped_ != head; ++wiped_) wipe(&slots_[wiped_ & (capacity_ - 1)], sizeof(Slot));
  }

  RingState push(const Slot& slot) {
    RingState state;
    Slot* place = claim(state);
    if (place == nullptr) return state;
    std::memcpy(static_cast<void*>(place), &slot, sizeof slot);
    publish();
    return RingState::kOk;
  }

 private:
  Slot* slots_ = nullptr;
  RingIndex* tail_ = nullptr;
  const RingIndex* head_ = nullptr;
  std::uint32_t capacity_ = 0;
  std::uint64_t next_ = 0;
  std::uint64_t wiped_ = 0;
};

/// The consuming end. Not thread-safe: one thread.
template <typename Slot>
class RingConsumer {
  static_assert(std::is_trivially_copyable_v<Slot>);

 public:
  RingConsumer() = default;
  /// `head` is writable here, `slots` and `tail` are read-only.
  RingConsumer(const Slot* slots, std::uint32_t capacity, const RingIndex* tail, RingIndex* head)
      : slots_(slots),
        tail_(tail),
        head_(head),
        capacity_(capacity),
        next_(head->value.load(std::memory_order_relaxed)) {}

  /// Copies the oldest slot out, once: what the producer writes afterwards no longer matters.
  RingState pop(Slot& out) {
    // Acquire pairs with the producer's release in publish().
    const std::uint64_t tail = tail_->value.load(std::memory_order_acquire);
    const std::uint64_t waiting = tail - next_;
    if (waiting == 0) return RingState::kEmpty;
    if (waiting > capacity_) return RingState::kCorrupt;
    std::memcpy(static_cast<void*>(&out), &slots_[next_ & (capacity_ - 1)], sizeof out);
    ++next_;
    // Release pairs with the producer's acquire of the head in claim().
    head_->value.store(next_, std::memory_order_release);
    return RingState::kOk;
  }

 private:
  const Slot* slots_ = nullptr;
  const RingIndex* tail_ = nullptr;
  RingIndex* head_ = nullptr;
  std::uint32_t capacity_ = 0;
  std::uint64_t next_ = 0;
};

}  // namespace weir::proto
