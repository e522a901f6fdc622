#include "proto/source_disguise.h"

#include <bit>
#include <string_view>

#include "proto/sip_hash.h"

namespace weir::proto {
namespace {

constexpr unsigned kRounds = 6;
constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;  // 2^64 divided by the golden ratio

/// One-way: the CNAME, which everybody sees, says nothing of how SSRCs are called.
std::uint64_t derive(std::uint64_t secret, std::string_view what) {
  return sip_hash({secret, ~secret}, what);
}

}  // namespace

SourceDisguise::SourceDisguise(std::uint64_t secret) : secret_(secret), key_(derive(secret, "ssrc")) {}

std::uint16_t SourceDisguise::mix(unsigned round, std::uint16_t half) const {
  const std::uint64_t with_key = (half + kOdd * (round + 1)) ^ std::rotl(key_, static_cast<int>(11 * round));
  const std::uint64_t once = (with_key ^ with_key >> 29) * (key_ | 1);
  return static_cast<std::uint16_t>((once ^ once >> 32) * kOdd >> 48);
}

// A Feistel network of two halves of 16 bits.
std::uint32_t SourceDisguise::hide(std::uint32_t ssrc) const {
  auto left = static_cast<std::uint16_t>(ssrc >> 16);
  auto right = static_cast<std::uint16_t>(ssrc);
  for (unsigned round = 0; round < kRounds; ++round) {
    const auto next = static_cast<std::uint16_t>(left ^ mix(round, right));
    left = right;
    right = next;
  }
  return std::uint32_t{left} << 16 | right;
}

std::uint32_t SourceDisguise::find(std::uint32_t hidden) const {
  auto left = static_cast<std::uint16_t>(hidden >> 16);
  auto right = static_cast<std::uint16_t>(hidden);
  for (unsigned round = kRounds; round-- > 0;) {
    const auto before = static_cast<std::uint16_t>(right ^ mix(round, left));
    right = left;
    left = before;
  }
  return std::uint32_t{left} << 16 | right;
}

std::array<std::uint8_t, kHiddenCnameBytes> SourceDisguise::cname() const {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<std::uint8_t, kHiddenCnameBytes> text;
  std::uint64_t bits = derive(secret_, "cname 1");
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == text.size() / 2) bits = derive(secret_, "cname 2");
    text[i] = static_cast<std::uint8_t>(kAlphabet[bits & 63]);
    bits >>= 6;
  }
  return text;
}

}  // namespace weir::proto
