// A tone, and how much of what was heard is one: Goertzel's algorithm.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

namespace weir::tests {

/// `count` samples of a sine at half of full scale, from sample `first` on, 8,000 a second.
inline std::vector<std::int16_t> tone(double frequency_hz, std::size_t first, std::size_t count) {
  std::vector<std::int16_t> samples;
  for (std::size_t n = first; n < first + count; ++n) {
    const double phase = 2 * std::numbers::pi * frequency_hz * static_cast<double>(n) / 8000;
    samples.push_back(static_cast<std::int16_t>(std::lround(16000 * std::sin(phase))));
  }
  return samples;
}

/// The share of the energy that lies at a frequency, 0 to 1; 0 of what is next to silent.
inline double share_of_tone(std::span<const std::int16_t> samples, double frequency_hz) {
  const double turn = 2 * std::numbers::pi * frequency_hz / 8000;
  double energy = 0;
  double before = 0;
  double last = 0;
  for (const std::int16_t sample : samples) {
    energy += double{static_cast<double>(sample)} * sample;
    const double next = sample + 2 * std::cos(turn) * last - before;
    before = last;
    last = next;
  }
  const auto count = static_cast<double>(samples.size());
  if (energy < 300.0 * 300.0 * count) return 0;
  const double power = before * before + last * last - 2 * std::cos(turn) * before * last;
  return 2 * power / (count * energy);
}

}  // namespace weir::tests
