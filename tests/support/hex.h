// Bytes written as hexadecimal digits, spaces allowed: how RFCs print their vectors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/assert.h"
#include "proto/bytes.h"

namespace weir::tests {

inline std::vector<std::uint8_t> from_hex(std::string_view digits) {
  std::vector<std::uint8_t> bytes;
  int high = -1;
  for (const char digit : digits) {
    if (digit == ' ' || digit == '\n') continue;
    const bool decimal = digit >= '0' && digit <= '9';
    const int value = decimal ? digit - '0' : (digit | 0x20) - 'a' + 10;
    WEIR_ASSERT(value >= 0 && value < 16);
    if (high < 0) {
      high = value;
    } else {
      bytes.push_back(static_cast<std::uint8_t>(high << 4 | value));
      high = -1;
    }
  }
  WEIR_ASSERT(high < 0);
  return bytes;
}

inline std::string to_hex(proto::Bytes bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string digits;
  for (const std::uint8_t byte : bytes) {
    digits += kDigits[byte >> 4];
    digits += kDigits[byte & 15];
  }
  return digits;
}

}  // namespace weir::tests
