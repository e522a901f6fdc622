// Loads and stores of big-endian integers at any alignment, and bounded views. Callers check lengths first.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace weir::proto {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

static_assert(std::endian::native == std::endian::little, "Weir runs on x86-64");

inline std::uint16_t load_be16(const std::uint8_t* at) {
  std::uint16_t raw;
  std::memcpy(&raw, at, sizeof raw);
  return __builtin_bswap16(raw);
}

inline std::uint32_t load_be24(const std::uint8_t* at) {
  return std::uint32_t{at[0]} << 16 | std::uint32_t{at[1]} << 8 | at[2];
}

inline std::uint32_t load_be32(const std::uint8_t* at) {
  std::uint32_t raw;
  std::memcpy(&raw, at, sizeof raw);
  return __builtin_bswap32(raw);
}

inline std::uint64_t load_be64(const std::uint8_t* at) {
  std::uint64_t raw;
  std::memcpy(&raw, at, sizeof raw);
  return __builtin_bswap64(raw);
}

/// In the machine's own order: for sums and comparisons that do not care.
inline std::uint32_t load_native32(const std::uint8_t* at) {
  std::uint32_t raw;
  std::memcpy(&raw, at, sizeof raw);
  return raw;
}

inline std::uint64_t load_native64(const std::uint8_t* at) {
  std::uint64_t raw;
  std::memcpy(&raw, at, sizeof raw);
  return raw;
}

inline void store_be16(std::uint8_t* at, std::uint16_t value) {
  value = __builtin_bswap16(value);
  std::memcpy(at, &value, sizeof value);
}

inline void store_be32(std::uint8_t* at, std::uint32_t value) {
  value = __builtin_bswap32(value);
  std::memcpy(at, &value, sizeof value);
}

inline void store_be64(std::uint8_t* at, std::uint64_t value) {
  value = __builtin_bswap64(value);
  std::memcpy(at, &value, sizeof value);
}

inline void store_native16(std::uint8_t* at, std::uint16_t value) {
  std::memcpy(at, &value, sizeof value);
}

/// Overwrites `bytes` in a way the compiler may not remove: for keys (design, "What must always hold" 7). `at` may be
/// null when there are none.
inline void wipe(void* at, std::size_t bytes) {
  if (bytes == 0) return;
  std::memset(at, 0, bytes);
  asm volatile("" : : "r"(at) : "memory");
}

}  // namespace weir::proto
