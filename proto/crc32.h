// CRC-32 as Ethernet, zlib and STUN's FINGERPRINT have it (ISO/IEC 3309, ITU-T V.42; RFC 8489 section 14.7): eight
// bytes a step, one table for each.
#pragma once

#include <array>
#include <cstdint>

#include "proto/bytes.h"

namespace weir::proto {

/// Of table n, entry b is what a byte b followed by n zeros adds to the remainder.
inline constexpr std::array<std::array<std::uint32_t, 256>, 8> kCrc32Tables = [] {
  constexpr std::uint32_t kPolynomial = 0xedb88320;  // bits reversed
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t remainder = byte;
    for (int bit = 0; bit < 8; ++bit) remainder = remainder >> 1 ^ ((remainder & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = remainder;
  }
  for (std::size_t n = 1; n < tables.size(); ++n) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[n - 1][byte];
      tables[n][byte] = before >> 8 ^ tables[0][before & 0xff];
    }
  }
  return tables;
}();

/// The CRC-32 of so many bytes; of none it is 0.
inline std::uint32_t crc32(Bytes bytes) {
  std::uint32_t remainder = 0xffffffff;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  const auto& t = kCrc32Tables;
  for (; left >= 8; left -= 8, at += 8) {
    const std::uint32_t low = load_native32(at) ^ remainder;
    const std::uint32_t high = load_native32(at + 4);
    remainder = t[7][low & 0xff] ^ t[6][low >> 8 & 0xff] ^ t[5][low >> 16 & 0xff] ^ t[4][low >> 24] ^
                t[3][high & 0xff] ^ t[2][high >> 8 & 0xff] ^ t[1][high >> 16 & 0xff] ^ t[0][high >> 24];
  }
  for (; left > 0; --left, ++at) remainder = remainder >> 8 ^ t[0][(remainder ^ *at) & 0xff];
  return ~remainder;
}

}  // namespace weir::proto
