#include "dataplane/g711.h"

#include <array>
#include <bit>

#include "proto/assert.h"

namespace weir::dataplane {
namespace {

constexpr std::uint8_t kALawMask = 0x55;  // even bits are inverted on the line (section 3.1)
constexpr std::uint8_t kSign = 0x80;
constexpr int kMuLawBias = 33;    // of 14-bit values, which a sample holds in its upper bits
constexpr int kMuLawMax = 8'158;  // the last magnitude whose biased form fits 13 bits

/// 1 sign, 3 segment, 4 interval bits. Segment 0 and 1 have one step, each further one twice the step before.
constexpr std::int16_t decode_a_law(std::uint8_t code) {
  const unsigned bits = code ^ kALawMask;
  const int segment = (bits >> 4) & 7;
  const int interval = bits & 15;
  const int magnitude = segment == 0 ? (interval << 4) + 8 : ((interval << 4) + 0x108) << (segment - 1);
  return static_cast<std::int16_t>((bits & kSign) != 0 ? magnitude : -magnitude);
}

constexpr std::int16_t decode_mu_law(std::uint8_t code) {
  const unsigned bits = static_cast<std::uint8_t>(~code);
  const int segment = (bits >> 4) & 7;
  const int interval = bits & 15;
  const int magnitude = ((((interval << 1) + kMuLawBias) << segment) - kMuLawBias) << 2;
  return static_cast<std::int16_t>((bits & kSign) != 0 ? -magnitude : magnitude);
}

using Decoded = std::array<std::int16_t, 256>;

template <typename Decode>
constexpr Decoded make_table(Decode decode) {
  Decoded table{};
  for (unsigned code = 0; code < table.size(); ++code) table[code] = decode(static_cast<std::uint8_t>(code));
  return table;
}
constexpr Decoded kALawSamples = make_table(decode_a_law);
constexpr Decoded kMuLawSamples = make_table(decode_mu_law);

/// The place of the highest bit that is set, at least `lowest`, above it: the segment.
constexpr unsigned segment_of(unsigned magnitude, unsigned lowest) {
  const auto width = static_cast<unsigned>(std::bit_width(magnitude));
  return width > lowest ? width - lowest : 0;
}

constexpr std::uint8_t encode_a_law(std::int16_t sample) {
  const bool negative = sample < 0;
  // Towards the code whose interval holds the value: the complement is the magnitude less one.
  const unsigned magnitude = static_cast<unsigned>(negative ? ~sample : sample) >> 3;
  const unsigned segment = segment_of(magnitude, 5);
  const unsigned interval = (magnitude >> (segment == 0 ? 1 : segment)) & 15;
  const unsigned bits = (negative ? 0u : kSign) | segment << 4 | interval;
  return static_cast<std::uint8_t>(bits ^ kALawMask);
}

constexpr std::uint8_t encode_mu_law(std::int16_t sample) {
  const bool negative = sample < 0;
  const int magnitude = negative ? -(sample >> 2) : sample >> 2;
  const auto biased = static_cast<unsigned>((magnitude > kMuLawMax ? kMuLawMax : magnitude) + kMuLawBias);
  const unsigned segment = segment_of(biased, 6);
  const unsigned interval = (biased >> (segment + 1)) & 15;
  return static_cast<std::uint8_t>(~((negative ? kSign : 0u) | segment << 4 | interval));
}

}  // namespace

void decode_g711(G711 law, std::span<const std::uint8_t> codes, std::span<std::int16_t> samples) {
  WEIR_ASSERT(samples.size() == codes.size());
  const Decoded& table = law == G711::kALaw ? kALawSamples : kMuLawSamples;
  for (std::size_t i = 0; i < codes.size(); ++i) samples[i] = table[codes[i]];
}

void encode_g711(G711 law, std::span<const std::int16_t> samples, std::span<std::uint8_t> codes) {
  WEIR_ASSERT(samples.size() == codes.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    codes[i] = law == G711::kALaw ? encode_a_law(samples[i]) : encode_mu_law(samples[i]);
  }
}

}  // namespace weir::dataplane
