#include "sip/crypto_attribute.h"

#include <algorithm>
#include <bit>

#include "sip/base64.h"
#include "sip/text.h"

namespace weir::sip {
namespace {

using proto::SrtpProfile;
using Kind = CryptoFault::Kind;
using Fault = std::optional<CryptoFault>;

constexpr std::size_t kKeySaltBytesMax = proto::kSessionKeyBytesMax + proto::kSessionSaltBytesMax;
constexpr std::uint8_t kLifetimeLog2Max = 48;  ///< RFC 3711 section 9.2
constexpr std::uint32_t kMkiLengthMax = 128;   ///< RFC 4568 section 6.1
constexpr std::uint32_t kWindowMin = 64;       ///< RFC 4568 section 6.3.6

CryptoFault syntax(std::string_view what) {
  return {Kind::kSyntax, "the crypto attribute " + std::string(what)};
}
CryptoFault not_usable(std::string_view what) {
  return {Kind::kNotUsable, "the crypto attribute " + std::string(what)};
}

/// Words of RFC 4568 are separated by spaces or tabs.
std::string_view take_token(std::string_view& rest) {
  constexpr std::string_view kBlank = " \t";
  rest.remove_prefix(std::min(rest.find_first_not_of(kBlank), rest.size()));
  const std::string_view token = rest.substr(0, rest.find_first_of(kBlank));
  rest.remove_prefix(token.size());
  return token;
}

bool is_suite_name(std::string_view name) {
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '_'; });
}

Fault read_suite(std::string_view name, SrtpProfile& suite) {
  if (!is_suite_name(name)) return syntax("names no suite");
  const std::optional<SrtpProfile> known = proto::srtp_profile_by_name(name);
  if (!known || *known == SrtpProfile::kNone) return not_usable("names a suite that is not carried");
  suite = *known;
  return std::nullopt;
}

Fault read_key_salt(std::string_view text, SrtpProfile suite, CryptoKey& key) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(suite);
  proto::Secret<std::array<std::uint8_t, kKeySaltBytesMax>> bytes;
  const std::optional<std::size_t> count = decode_base64(text, *bytes);
  if (!count) return syntax("has a key that is not base64");
  if (*count != std::size_t{info.key_bytes} + info.salt_bytes) return syntax("has a key of the wrong length");
  std::copy_n(bytes->begin(), info.key_bytes, key.key.begin());
  std::copy_n(bytes->begin() + info.key_bytes, info.salt_bytes, key.salt.begin());
  return std::nullopt;
}

/// "2^20" or "1048576".
Fault read_lifetime(std::string_view text, CryptoKey& key) {
  std::optional<std::uint8_t> log2;
  if (text.starts_with("2^")) {
    log2 = parse_number<std::uint8_t>(text.substr(2));
    if (!log2) return syntax("has a malformed lifetime");
  } else {
    const std::optional<std::uint64_t> packets = parse_number<std::uint64_t>(text);
    if (!packets || *packets == 0) return syntax("has a malformed lifetime");
    log2 = static_cast<std::uint8_t>(std::bit_width(*packets) - 1);
  }
  if (*log2 > kLifetimeLog2Max) return syntax("has a lifetime beyond 2^48");
  if (*log2 < kCryptoLifetimeLog2Min) return not_usable("has a lifetime too short to be kept");
  key.lifetime_log2 = *log2;
  return std::nullopt;
}

/// "1:4": a number, and in how many bytes it stands in each packet, big-endian.
Fault read_mki(std::string_view text, CryptoKey& key) {
  const std::string_view value_text = take_until(text, ':');
  const std::optional<std::uint32_t> bytes = parse_number<std::uint32_t>(text, kMkiLengthMax);
  const bool digits = !value_text.empty() && std::all_of(value_text.begin(), value_text.end(), is_digit);
  if (!digits || !bytes || *bytes == 0) return syntax("has a malformed MKI");
  if (*bytes > proto::kMkiBytesMax) return not_usable("has an MKI longer than is carried");
  const std::optional<std::uint64_t> value = parse_number<std::uint64_t>(value_text);
  if (!value || *value >> (8 * *bytes) != 0) return syntax("has an MKI that its length cannot hold");
  key.mki_bytes = static_cast<std::uint8_t>(*bytes);
  for (std::uint32_t i = 0; i < *bytes; ++i) {
    key.mki[i] = static_cast<std::uint8_t>(*value >> (8 * (*bytes - 1 - i)));
  }
  return std::nullopt;
}

/// "inline:KEYSALT|LIFETIME|MKI:LENGTH"; lifetime and MKI may each be left out.
Fault read_key(std::string_view text, SrtpProfile suite, CryptoKey& key) {
  if (text.ends_with('|')) return syntax("ends in the middle");
  if (!equals_without_case(take_until(text, ':'), "inline")) return not_usable("has a key method other than inline");
  if (Fault fault = read_key_salt(take_until(text, '|'), suite, key)) return fault;
  if (text.empty()) return std::nullopt;
  std::string_view part = take_until(text, '|');
  if (part.find(':') == std::string_view::npos) {
    if (Fault fault = read_lifetime(part, key)) return fault;
    if (text.empty()) return std::nullopt;
    part = take_until(text, '|');
  }
  if (Fault fault = read_mki(part, key)) return fault;
  return text.empty() ? Fault{} : syntax("has more behind its MKI");
}

bool same_mki(const CryptoKey& a, const CryptoKey& b) {
  return a.mki_bytes == b.mki_bytes && a.mki == b.mki;
}

/// RFC 4568 section 6.1: several keys need MKIs of one length, each its own.
bool mkis_tell_apart(const std::vector<proto::Secret<CryptoKey>>& keys) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i]->mki_bytes == 0 || keys[i]->mki_bytes != keys[0]->mki_bytes) return false;
    for (std::size_t j = 0; j < i; ++j) {
      if (same_mki(*keys[i], *keys[j])) return false;
    }
  }
  return true;
}

Fault read_keys(std::string_view text, CryptoAttribute& crypto) {
  if (text.ends_with(';')) return syntax("ends in the middle");
  while (!text.empty()) {
    if (crypto.keys.size() == kCryptoKeysMax) return not_usable("has more keys than are carried");
    if (Fault fault = read_key(take_until(text, ';'), crypto.suite, *crypto.keys.emplace_back())) return fault;
  }
  if (crypto.keys.empty()) return syntax("has no key");
  return crypto.keys.size() == 1 || mkis_tell_apart(crypto.keys) ? Fault{} : syntax("has keys that no MKI tells apart");
}

/// RFC 4568 section 6.3: what a session parameter asks for has to be done, or the line is not taken.
Fault read_parameter(std::string_view parameter) {
  if (parameter.starts_with('-')) return std::nullopt;  // section 6.3.7: may be passed over
  const std::string_view name = parameter.substr(0, parameter.find('='));
  if (name != "WSH") return not_usable("asks for a session parameter that is not done");
  const auto window = parse_number<std::uint32_t>(parameter.substr(std::min(name.size() + 1, parameter.size())));
  return window && *window >= kWindowMin ? Fault{} : syntax("has a malformed window size hint");
}

}  // namespace

std::variant<CryptoAttribute, CryptoFault> parse_crypto(std::string_view value) {
  CryptoAttribute crypto;
  const std::string_view tag_text = take_token(value);
  const std::optional<std::uint32_t> tag = parse_number<std::uint32_t>(tag_text, kCryptoTagMax);
  if (!tag || tag_text.size() > 9) return syntax("has no tag");
  crypto.tag = *tag;
  if (Fault fault = read_suite(take_token(value), crypto.suite)) return *std::move(fault);
  if (Fault fault = read_keys(take_token(value), crypto)) return *std::move(fault);
  for (std::string_view word = take_token(value); !word.empty(); word = take_token(value)) {
    if (Fault fault = read_parameter(word)) return *std::move(fault);
  }
  return crypto;
}

std::string write_crypto(const CryptoAttribute& crypto) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(crypto.suite);
  std::string text = std::to_string(crypto.tag) + " " + std::string(info.name) + " ";
  for (std::size_t i = 0; i < crypto.keys.size(); ++i) {
    const CryptoKey& key = *crypto.keys[i];
    proto::Secret<std::array<std::uint8_t, kKeySaltBytesMax>> bytes;
    std::copy_n(key.key.begin(), info.key_bytes, bytes->begin());
    std::copy_n(key.salt.begin(), info.salt_bytes, bytes->begin() + info.key_bytes);
    text += i == 0 ? "inline:" : ";inline:";
    text += encode_base64({bytes->data(), std::size_t{info.key_bytes} + info.salt_bytes});
    if (key.lifetime_log2 != 0) text += "|2^" + std::to_string(key.lifetime_log2);
    if (key.mki_bytes == 0) continue;
    std::uint64_t mki = 0;
    for (std::size_t at = 0; at < key.mki_bytes; ++at) mki = mki << 8 | key.mki[at];
    text += "|" + std::to_string(mki) + ":" + std::to_string(key.mki_bytes);
  }
  return text;
}

std::variant<CryptoAttribute, CryptoFault> choose_crypto(const MediaSection& section,
                                                         std::span<const SrtpProfile> suites) {
  std::vector<std::uint32_t> tags;
  Fault first;
  const auto pass_over = [&](CryptoFault fault) {
    if (!first) first = std::move(fault);
  };
  for (const std::string_view line : crypto_lines(section)) {
    auto parsed = parse_crypto(line);
    if (auto* fault = std::get_if<CryptoFault>(&parsed)) {
      pass_over(std::move(*fault));
      continue;
    }
    CryptoAttribute& crypto = std::get<CryptoAttribute>(parsed);
    const bool again = std::find(tags.begin(), tags.end(), crypto.tag) != tags.end();
    tags.push_back(crypto.tag);
    if (again) {
      pass_over(syntax("has a tag that stood before"));
    } else if (std::find(suites.begin(), suites.end(), crypto.suite) == suites.end()) {
      pass_over(not_usable("names a suite that policy does not allow"));
    } else {
      return std::move(crypto);
    }
  }
  return first ? *std::move(first) : not_usable("is missing");
}

std::optional<CryptoAttribute> find_crypto(const MediaSection& section, std::uint32_t tag) {
  for (const std::string_view line : crypto_lines(section)) {
    auto parsed = parse_crypto(line);
    auto* crypto = std::get_if<CryptoAttribute>(&parsed);
    if (crypto != nullptr && crypto->tag == tag) return std::move(*crypto);
  }
  return std::nullopt;
}

}  // namespace weir::sip
