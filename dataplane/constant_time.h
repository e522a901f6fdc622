// Comparing secrets: in a time that depends on their length alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/bytes.h"

namespace weir::dataplane {

/// Equal, in a time that depends on `bytes` alone. 4 bytes or more: a tag or a key.
inline bool equal_constant_time(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes) {
  std::uint64_t difference = 0;
  if (bytes < 8) {
    difference = (proto::load_be32(a) ^ proto::load_be32(b)) |
                 (proto::load_be32(a + bytes - 4) ^ proto::load_be32(b + bytes - 4));
  } else {
    for (std::size_t i = 0; i + 8 < bytes; i += 8)
      difference |= proto::load_native64(a + i) ^ proto::load_native64(b + i);
    difference |= proto::load_native64(a + bytes - 8) ^ proto::load_native64(b + bytes - 8);
  }
  asm volatile("" : "+r"(difference));  // the compiler may not turn the loop into an early exit
  return difference == 0;
}

}  // namespace weir::dataplane
