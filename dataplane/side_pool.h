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
using Place = std::uint32_t;

template <typename T>
class SidePool {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) == 64);

 public:
  /// Places looked at for a free one: eight cache lines, so that a full pool costs a worker next to nothing. With nine
  /// places of ten taken it is in vain once in 10^5 times.
  static constexpr std::uint32_t kTries = 128;

  static std::uint64_t bytes(std::uint32_t places) { return holders_bytes(places) + std::uint64_t{places} * sizeof(T); }

  /// `memory`: bytes(places) of it, 64-byte aligned, zeroed or left by an earlier incarnation.
  SidePool(void* memory, std::uint32_t places)
      : holders_(static_cast<std::uint32_t*>(memory)),
        contents_(reinterpret_cast<T*>(static_cast<std::uint8_t*>(memory) + holders_bytes(places))),
        places_(places) {}

  [[nodiscard]] std::uint32_t places() const { return places_; }

  /// A free place for a flow, its content zero, or 0 if none was found.
  Place claim(std::uint32_t flow) {
    const std::uint32_t first = flow * 0x9e3779b1u % places_;  // Fibonacci hashing: neighbours start apart
    for (std::uint32_t i = 0; i < kTries && i < places_; ++i) {
      const std::uint32_t at = (first + i) % places_;
      std::uint32_t nobody = 0;
      // Acquire pairs with the release in release(): the former holder's wiping comes before anything written here.
      if (std::atomic_ref(holders_[at]).compare_exchange_strong(nobody, flow + 1, std::memory_order_acquire)) {
        return at + 1;
      }
    }
    return 0;
  }

  /// Wipes the place and gives it back. 0 is nobody's.
  void release(Place place) {
    if (place == 0) return;
    proto::wipe(&at(place), sizeof(T));
    std::atomic_ref(holders_[place - 1]).store(0, std::memory_order_release);
  }

  T& at(Place place) {
    WEIR_ASSERT(place != 0 && place <= places_);
    return contents_[place - 1];
  }

  /// The flow that holds a place, + 1; 0: nobody.
  [[nodiscard]] std::uint32_t holder(Place place) const { return std::atomic_ref(holders_[place - 1]).load(); }

 private:
  static std::uint64_t holders_bytes(std::uint32_t places) { return (std::uint64_t{places} * 4 + 63) / 64 * 64; }

  std::uint32_t* holders_;  ///< [places]: flow + 1
  T* contents_;
  std::uint32_t places_;
};

}  // namespace weir::dataplane
