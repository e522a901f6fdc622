// Bytes as hexadecimal text, and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/bytes.h"
#include "sip/text.h"

namespace weir::controlplane {

/// Lower case, two characters a byte.
inline std::string to_hex(proto::Bytes bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

/// Fills `into`; false if `text` is not exactly that many bytes.
inline bool from_hex(std::string_view text, proto::MutableBytes into) {
  if (text.size() != 2 * into.size()) return false;
  for (std::size_t i = 0; i < into.size(); ++i) {
    const auto high = sip::hex_value(text[2 * i]);
    const auto low = sip::hex_value(text[2 * i + 1]);
    if (!high || !low) return false;
    into[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return true;
}

}  // namespace weir::controlplane
