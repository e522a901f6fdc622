// The Internet checksum (RFC 1071), for IPv4, UDP and ICMP headers. Inline: the packet path sums every byte it sends.
// Sums are of 16-bit words as they lie in memory, and so is the result: one's complement addition does not care about
// byte order (RFC 1071 section 2), so nothing is swapped but numbers that are not in memory yet.
#pragma once

#include <immintrin.h>

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

/// checksum_words of what is shorter than one step, or of odd length.
inline std::uint32_t checksum_bytes(const std::uint8_t* at, std::size_t bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes; ++i) sum += std::uint32_t{at[i]} << (8 * (i % 2));
  return sum;
}

/// Sum of a part's words, not folded, to be added to those of other parts: room for 64 KiB in all. A part of odd length
/// is the last one, as if a zero followed.
inline std::uint32_t checksum_words(Bytes bytes) {
  constexpr std::size_t kStep = sizeof(__m256i);
  const std::uint8_t* at = bytes.data();
  const std::size_t left = bytes.size() % kStep;
  const std::uint8_t* whole_end = at + bytes.size() - left;
  const auto load = [](const std::uint8_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); };
  if (bytes.size() < kStep) return checksum_bytes(at, bytes.size());
  __m256i words = _mm256_setzero_si256();
  std::uint32_t sum = 0;
  if (left % 2 == 0) [[likely]] {
    // The last 32 bytes without those that belong to a whole step.
    words = _mm256_and_si256(load(whole_end + left - kStep), load(kLastBytes.data() + left));
  } else {
    sum = checksum_bytes(whole_end, left);
  }
  // The multiplication that adds words in pairs takes them for signed: each is made smaller by 2^15, and what is
  // missing is added in the end.
  const __m256i lower = _mm256_set1_epi16(-0x8000);
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sums = _mm256_madd_epi16(_mm256_xor_si256(words, lower), ones);
  for (; at != whole_end; at += kStep) {
    sums = _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_xor_si256(load(at), lower), ones));
  }
  __m128i halves = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  halves = _mm_add_epi32(halves, _mm_unpackhi_epi64(halves, halves));
  const auto both = static_cast<std::uint64_t>(_mm_cvtsi128_si64(halves));
  const auto steps = static_cast<std::uint32_t>(bytes.size() / kStep + 1);
  return sum + static_cast<std::uint32_t>(both) + static_cast<std::uint32_t>(both >> 32) +
         steps * std::uint32_t{kStep / 2 * 0x8000};
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
