// Result: a value, or the reason there is none. For operations that can fail for reasons outside our control.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace weir::proto {

/// Why an operation failed: one sentence for people, without a trailing full stop.
struct Error {
  std::string reason;
};

/// A T, or an Error. `value()` on an error, and `error()` on a value, are our own bugs: std::get throws.
template <typename T>
class Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(Error error) : state_(std::move(error)) {}

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  [[nodiscard]] const std::string& error() const { return std::get<1>(state_).reason; }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Error> state_;
};

/// Success, or the reason of the failure.
using Status = Result<std::monostate>;
inline Status success() {
  return std::monostate{};
}

}  // namespace weir::proto
