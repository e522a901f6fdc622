// The next control character of a text, 32 bytes at a time: line ends, and what has no business in a head. RFC 3261
// section 25.1 (CTL), HTAB aside. For this folder only.
#pragma once

#include <immintrin.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::sip {

constexpr bool is_control(char c) {
  return (static_cast<std::uint8_t>(c) < 0x20 && c != '\t') || c == 0x7f;
}

/// The place of the first control character from `from` on; npos if there is none. Reads nothing beyond `text`.
inline std::size_t find_control(std::string_view text, std::size_t from) {
  constexpr std::size_t kStep = 32;
  std::size_t at = from;
  const __m256i last_low = _mm256_set1_epi8(0x1f);
  const __m256i tab = _mm256_set1_epi8('\t');
  const __m256i del = _mm256_set1_epi8(0x7f);
  for (; text.size() - at >= kStep; at += kStep) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text.data() + at));
    const __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, last_low), bytes);
    const __m256i control =
        _mm256_or_si256(_mm256_andnot_si256(_mm256_cmpeq_epi8(bytes, tab), low), _mm256_cmpeq_epi8(bytes, del));
    const auto found = static_cast<std::uint32_t>(_mm256_movemask_epi8(control));
    if (found != 0) return at + static_cast<std::size_t>(std::countr_zero(found));
  }
  for (; at < text.size(); ++at) {
    if (is_control(text[at])) return at;
  }
  return std::string_view::npos;
}

}  // namespace weir::sip
