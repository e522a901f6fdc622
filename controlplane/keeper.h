// Keeper: values as bytes and back, by one list of fields for both ways. For what a process leaves to the next one on
// the same machine (call_journal.h): the machine's own byte order, no versions, no gaps.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "proto/bytes.h"
#include "proto/inet.h"
#include "proto/secret.h"

namespace weir::controlplane {

/// Elements of one list: what is longer was not written by us.
inline constexpr std::uint32_t kKeptElementsMax = 1024;

/// Writes to `room`, as far as it goes.
class KeepWriter {
 public:
  static constexpr bool kReads = false;
  explicit KeepWriter(proto::MutableBytes room) : room_(room) {}

  /// Everything so far has found room.
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t bytes() const { return used_; }

  void raw(const void* from, std::size_t bytes) {
    ok_ = ok_ && bytes <= room_.size() - used_;
    if (!ok_) return;
    std::memcpy(room_.data() + used_, from, bytes);
    used_ += bytes;
  }
  void fail() { ok_ = false; }

 private:
  proto::MutableBytes room_;
  std::size_t used_ = 0;
  bool ok_ = true;
};

/// Reads what KeepWriter wrote. From the first fault on values stay as they were.
class KeepReader {
 public:
  static constexpr bool kReads = true;
  explicit KeepReader(proto::Bytes from) : from_(from) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return ok_ && from_.empty(); }

  void raw(void* to, std::size_t bytes) {
    ok_ = ok_ && bytes <= from_.size();
    if (!ok_) return;
    std::memcpy(to, from_.data(), bytes);
    from_ = from_.subspan(bytes);
  }
  [[nodiscard]] std::size_t left() const { return from_.size(); }
  void fail() { ok_ = false; }

 private:
  proto::Bytes from_;
  bool ok_ = true;
};

/// The highest value of an enumeration whose values have no gaps: specialised for each that is kept.
template <typename Enum>
inline constexpr Enum kKeptLast = Enum{};

template <typename Keeper, typename... Values>
void keep(Keeper& keeper, Values&... values);

template <typename Keeper, typename T>
void keep_one(Keeper& keeper, T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    std::uint8_t byte = value ? 1 : 0;
    keeper.raw(&byte, 1);
    if (byte > 1) keeper.fail();
    value = byte == 1;
  } else if constexpr (std::is_enum_v<T>) {
    auto number = static_cast<std::underlying_type_t<T>>(value);
    keeper.raw(&number, sizeof number);
    if (number > static_cast<std::underlying_type_t<T>>(kKeptLast<T>)) {
      keeper.fail();
    } else {
      value = static_cast<T>(number);
    }
  } else if constexpr (std::is_integral_v<T>) {
    keeper.raw(&value, sizeof value);
  } else {
    kept_fields(keeper, value);
  }
}

template <typename Keeper>
void keep_one(Keeper& keeper, std::string& text) {
  auto bytes = static_cast<std::uint32_t>(text.size());
  keeper.raw(&bytes, sizeof bytes);
  if constexpr (Keeper::kReads) {
    if (!keeper.ok() || bytes > keeper.left()) return keeper.fail();
    text.resize(bytes);
  }
  keeper.raw(text.data(), bytes);
}

template <typename Keeper, std::size_t kBytes>
void keep_one(Keeper& keeper, std::array<std::uint8_t, kBytes>& bytes) {
  keeper.raw(bytes.data(), kBytes);
}

template <typename Keeper, typename T>
void keep_one(Keeper& keeper, std::vector<T>& list) {
  auto count = static_cast<std::uint32_t>(list.size());
  keeper.raw(&count, sizeof count);
  if (count > kKeptElementsMax) return keeper.fail();
  if constexpr (Keeper::kReads) list.resize(keeper.ok() ? count : 0);
  for (T& each : list) keep_one(keeper, each);
}

template <typename Keeper, typename T>
void keep_one(Keeper& keeper, std::optional<T>& value) {
  bool there = value.has_value();
  keep_one(keeper, there);
  if (!keeper.ok() || !there) return;
  if (!value) value.emplace();
  keep_one(keeper, *value);
}

template <typename Keeper, typename T>
void keep_one(Keeper& keeper, proto::Secret<T>& secret) {
  keep_one(keeper, *secret);
}

template <typename Keeper>
void keep_one(Keeper& keeper, proto::Endpoint& place) {
  keep(keeper, place.address.bytes, place.port);
  auto family = static_cast<std::uint8_t>(place.address.family);
  keeper.raw(&family, 1);
  const auto is_one = [family](proto::Family known) { return family == static_cast<std::uint8_t>(known); };
  if (!is_one(proto::Family::kNone) && !is_one(proto::Family::kIpv4) && !is_one(proto::Family::kIpv6)) keeper.fail();
  if (keeper.ok()) place.address.family = static_cast<proto::Family>(family);
}

template <typename Keeper, typename... Values>
void keep(Keeper& keeper, Values&... values) {
  (keep_one(keeper, values), ...);
}

}  // namespace weir::controlplane
