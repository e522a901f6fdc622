// The Internet checksum (RFC 1071), for IPv4, UDP and ICMP headers. Inline: the packet path sums every byte it sends.
// Sums are of 16-bit words as they lie in memory, and so is the result: one's complement addition does not care about
// byte order (RFC 1071 section 2), so nothing is swapped but numbers that are not in memory yet.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "proto/bytes.h"

namespace weir::proto {

/// Of 64 bytes from kLastBytes + n on, the first 32 - n are zero and the next n are ones.
alignas(64) inline constexpr std::array<std::uint8_t, 64> kLastBytes = [] {
  std::array<std::uint8_t, 64> mask{};
  for (std::size_t i = 32; i < mask.size(); ++i) mask[i] = 0xff;
  return mask;
}();

/// Sum of a part's words, not folded, to be added to those of other parts: room for 64 KiB in all. A part of odd length
/// is the last one, as if a zero followed.
inline std::uint32_t checksum_words(Bytes bytes) {
  typedef std::uint32_t Lanes __attribute__((vector_size(32)));  // each sums the words of one parity
  constexpr std::size_t kStep = sizeof(Lanes);
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  Lanes even{};
  Lanes odd{};
  Lanes words;
  for (; left >= kStep; at += kStep, left -= kStep) {
    std::memcpy(&words, at, kStep);
    even += words & 0xffff;
    odd += words >> 16;
  }
  std::uint32_t sum = 0;
  if (bytes.size() >= kStep && left % 2 == 0) {
    Lanes mask;  // the last 32 bytes once more, without those that are summed already
    std::memcpy(&words, at + left - kStep, kStep);
    std::memcpy(&mask, kLastBytes.data() + left, kStep);
    words &= mask;
    even += words & 0xffff;
    odd += words >> 16;
  } else {
    for (std::size_t i = 0; i < left; ++i) sum += std::uint32_t{at[i]} << (8 * (i % 2));
  }
  even += odd;
  const auto quarters =
      __builtin_shufflevector(even, even, 0, 1, 2, 3) + __builtin_shufflevector(even, even, 4, 5, 6, 7);
  const auto halves = quarters + __builtin_shufflevector(quarters, quarters, 2, 3, 0, 1);
  return sum + halves[0] + halves[1];
}

/// A number of a header, in host order, as a word of a sum.
inline std::uint16_t checksum_word(std::uint16_t value) {
  return __builtin_bswap16(value);
}

/// The checksum as it lies in the header: folded and complemented. 0 over a header with its checksum in place.
inline std::uint16_t checksum_fold(std::uint32_t sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

/// Sum of the pseudo header of what an IPv6 packet carries (RFC 8200 section 8.1): its addresses, as they lie in its
/// header, the payload's length and protocol.
inline std::uint32_t ipv6_pseudo_words(const std::uint8_t* header, std::uint16_t payload_bytes, std::uint8_t protocol) {
  return checksum_words({header + 8, 32}) + checksum_word(payload_bytes) + checksum_word(protocol);
}

/// Does an IPv4 header of 20 bytes, checksum in place, sum to zero?
inline bool ipv4_checksum_holds(const std::uint8_t* header) {
  const std::uint64_t first = load_native64(header);
  const std::uint64_t second = load_native64(header + 8);
  std::uint64_t sum =
      (first & 0xffffffff) + (first >> 32) + (second & 0xffffffff) + (second >> 32) + load_native32(header + 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return sum == 0xffff;  // below 2^17 now, and never 0: the only multiple of 0xffff left
}

}  // namespace weir::proto
