// What few flows need at a time, beside the flow table: a bounded number of places in weir-media's private memory, each
// held by one flow. Workers share a pool; what lies in a place belongs to the worker that owns the flow.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "proto/assert.h"
#include "proto/bytes.h"

namespace weir::dataplane {

/// Names a place of a pool; 0: none.
using Place = std::uint16_t;
inline constexpr std::uint32_t kPlacesMax = 0xffff;

template <typename T>
class SidePool {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) == 64);

 public:
  /// Places looked at for a free one: eight cache lines, so that a full pool costs a worker next to nothing. With nine
  /// places of ten taken it is in vain once in 10^5 times.
  static constexpr std::uint32_t kTries = 128;

  /// `before`: bytes that belong to a place before its T, a multiple of 64.
  static std::uint64_t bytes(std::uint32_t places, std::uint32_t before = 0) {
    return holders_bytes(places) + std::uint64_t{places} * (before + sizeof(T));
  }

  /// `memory`: bytes(places, before) of it, 64-byte aligned, zeroed or left by an earlier incarnation.
  SidePool(void* memory, std::uint32_t places, std::uint32_t before = 0)
      : holders_(static_cast<std::uint32_t*>(memory)),
        contents_(static_cast<std::uint8_t*>(memory) + holders_bytes(places)),
        places_(places),
        before_(before) {
    WEIR_ASSERT(places <= kPlacesMax && before % 64 == 0);
  }

  [[nodiscard]] std::uint32_t places() const { return places_; }

  /// A free place for a flow, its content zero, or 0 if none was found.
  Place claim(std::uint32_t flow) {
    const std::uint32_t first = first_of(flow);
    for (std::uint32_t i = 0; i < kTries && i < places_; ++i) {
      const std::uint32_t at = (first + i) % places_;
      std::uint32_t nobody = 0;
      // Acquire pairs with the release in release(): the former holder's wiping comes before anything written here.
      if (std::atomic_ref(holders_[at]).compare_exchange_strong(nobody, flow + 1, std::memory_order_acquire)) {
        return static_cast<Place>(at + 1);
      }
    }
    return 0;
  }

  /// The place that claim() gave a flow, or 0: for who has no room to note it.
  [[nodiscard]] Place find(std::uint32_t flow) const {
    const std::uint32_t first = first_of(flow);
    for (std::uint32_t i = 0; i < kTries && i < places_; ++i) {
      const std::uint32_t at = (first + i) % places_;
      if (std::atomic_ref(holders_[at]).load(std::memory_order_relaxed) == flow + 1) return static_cast<Place>(at + 1);
    }
    return 0;
  }

  /// Wipes the place, what belongs to it before its T too, and gives it back. 0 is nobody's.
  void release(Place place) {
    if (place == 0) return;
    proto::wipe(reinterpret_cast<std::uint8_t*>(&at(place)) - before_, before_ + sizeof(T));
    std::atomic_ref(holders_[place - 1]).store(0, std::memory_order_release);
  }

  T& at(Place place) {
    WEIR_ASSERT(place != 0 && place <= places_);
    return *reinterpret_cast<T*>(contents_ + (place - 1u) * (before_ + sizeof(T)) + before_);
  }

  /// The flow that holds a place, + 1; 0: nobody.
  [[nodiscard]] std::uint32_t holder(Place place) const { return std::atomic_ref(holders_[place - 1]).load(); }

 private:
  /// Fibonacci hashing: neighbours start apart.
  [[nodiscard]] std::uint32_t first_of(std::uint32_t flow) const { return flow * 0x9e3779b1u % places_; }
  static std::uint64_t holders_bytes(std::uint32_t places) { return (std::uint64_t{places} * 4 + 63) / 64 * 64; }

  std::uint32_t* holders_;  ///< [places]: flow + 1
  std::uint8_t* contents_;
  std::uint32_t places_;
  std::uint32_t before_;
};

}  // namespace weir::dataplane
