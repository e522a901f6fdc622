// A call slot: one call's place among those that a limit allows at once. Given back when the last of it goes.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

namespace weir::controlplane {

/// How many slots are taken now. Shared, so that a slot outlives the realm or trunk it was taken from.
using Occupancy = std::shared_ptr<std::uint32_t>;

/// Move-only; an empty one holds no place.
class CallSlot {
 public:
  CallSlot() = default;
  explicit CallSlot(Occupancy occupancy) : occupancy_(std::move(occupancy)) { ++*occupancy_; }
  CallSlot(CallSlot&& other) noexcept : occupancy_(std::exchange(other.occupancy_, nullptr)) {}
  CallSlot& operator=(CallSlot&& other) noexcept {
    std::swap(occupancy_, other.occupancy_);
    return *this;
  }
  ~CallSlot() {
    if (occupancy_) --*occupancy_;
  }

 private:
  Occupancy occupancy_;
};

}  // namespace weir::controlplane
