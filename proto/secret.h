// Key material that wipes itself: master keys, exporter output, cookie secrets, SDES keys (design, "What must always
// hold" 7).
#pragma once

#include <type_traits>

#include "proto/bytes.h"

namespace weir::proto {

/// A T whose bytes are overwritten when it goes. Copies wipe themselves too.
template <typename T>
class Secret {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Secret() = default;
  explicit Secret(const T& value) : value_(value) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret() { wipe(&value_, sizeof value_); }

  T& operator*() { return value_; }
  const T& operator*() const { return value_; }
  T* operator->() { return &value_; }
  const T* operator->() const { return &value_; }

 private:
  T value_{};
};

}  // namespace weir::proto
