#include "sip/base64.h"

#include <array>
#include <cstdint>

namespace weir::sip {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_values() {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  }
  return values;
}
constexpr std::array<std::int8_t, 256> kValues = make_values();

/// Without the padding, if there is none or the right one.
std::optional<std::string_view> without_padding(std::string_view text) {
  if (text.empty() || text.back() != '=') return text;
  if (text.size() % 4 != 0) return std::nullopt;
  text.remove_suffix(1);
  if (text.back() == '=') text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<std::size_t> decode_base64(std::string_view text, proto::MutableBytes out) {
  const std::optional<std::string_view> digits = without_padding(text);
  if (!digits || digits->size() % 4 == 1) return std::nullopt;
  const std::size_t bytes = digits->size() * 6 / 8;
  if (bytes > out.size()) return std::nullopt;
  std::uint32_t bits = 0;
  unsigned held = 0;
  std::size_t at = 0;
  for (const char c : *digits) {
    const std::int8_t value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out[at++] = static_cast<std::uint8_t>(bits >> held);
  }
  return bytes;
}

std::string encode_base64(proto::Bytes bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = bytes.size() - at < 3 ? bytes.size() - at : 3;
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < count ? bytes[at + i] : 0u);
    for (std::size_t i = 0; i < 4; ++i) text += i <= count ? kAlphabet[group >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

}  // namespace weir::sip
