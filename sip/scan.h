// The grammar's small pieces: character classes, and a scanner over one value. RFC 3261 section 25.1. For the parsers
// of this folder only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sip/limits.h"
#include "sip/parameters.h"
#include "sip/text.h"

namespace weir::sip::scan {

/// One bit a class, so that one table lookup answers for all of them.
enum Class : std::uint16_t {
  kAlpha = 1 << 0,
  kDigit = 1 << 1,
  kHex = 1 << 2,
  kToken = 1 << 3,      ///< token
  kWord = 1 << 4,       ///< word: what a Call-ID is made of
  kUser = 1 << 5,       ///< user, escapes aside
  kPassword = 1 << 6,   ///< password, escapes aside
  kUriParam = 1 << 7,   ///< paramchar, escapes aside
  kUriHeader = 1 << 8,  ///< hname and hvalue with their `=` and `&`, escapes aside
  kHost = 1 << 9,       ///< hostname; `_` too, which names in use have
  kGenValue = 1 << 10,  ///< gen-value that is a token or a host: IPv6 in `received` has no brackets in practice
  kUriAny = 1 << 11,    ///< uric: what any URI is made of, escapes aside
  kSpace = 1 << 12,     ///< SP and HTAB
};

consteval std::array<std::uint16_t, 256> class_table() {
  std::array<std::uint16_t, 256> table{};
  const auto mark = [&table](std::string_view characters, unsigned classes) {
    for (const char c : characters) {
      auto& entry = table[static_cast<std::uint8_t>(c)];
      entry = static_cast<std::uint16_t>(entry | classes);
    }
  };
  constexpr unsigned kUnreserved = kUser | kPassword | kUriParam | kUriHeader | kUriAny;
  mark("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
       kAlpha | kToken | kWord | kHost | kGenValue | kUnreserved);
  mark("0123456789", kDigit | kHex | kToken | kWord | kHost | kGenValue | kUnreserved);
  mark("abcdefABCDEF", kHex);
  mark("-.!%*_+`'~", kToken | kWord | kGenValue);
  mark("()<>:\\\"/[]?{}", kWord);
  mark("[]:", kGenValue);
  mark("-._", kHost);
  mark("-_.!~*'()", kUnreserved);
  mark("&=+$,;?/", kUser);
  mark("&=+$,", kPassword);
  mark("[]/:&+$", kUriParam);
  mark("[]/?:+$=&", kUriHeader);
  mark(";/?:@&=+$,[]", kUriAny);
  mark(" \t", kSpace);
  return table;
}
inline constexpr std::array<std::uint16_t, 256> kClasses = class_table();

constexpr bool is(char c, unsigned classes) {
  return (kClasses[static_cast<std::uint8_t>(c)] & classes) != 0;
}

constexpr bool all(std::string_view text, unsigned classes) {
  for (const char c : text) {
    if (!is(c, classes)) return false;
  }
  return true;
}

/// All of `classes` or a whole %HH (section 25.1, escaped).
constexpr bool all_or_escaped(std::string_view text, unsigned classes) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is(text[i], classes)) continue;
    if (text[i] != '%' || text.size() - i < 3 || !is(text[i + 1], kHex) || !is(text[i + 2], kHex)) return false;
    i += 2;
  }
  return true;
}

/// Appends %HH.
void append_escaped(std::string& out, char c);

/// A cursor over one value. Every step either consumes what it names or says no and stays.
class Scanner {
 public:
  explicit constexpr Scanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  [[nodiscard]] constexpr bool done() const { return at_ == end_; }
  [[nodiscard]] constexpr bool next_is(char c) const { return at_ != end_ && *at_ == c; }
  [[nodiscard]] constexpr std::string_view rest() const { return {at_, static_cast<std::size_t>(end_ - at_)}; }
  constexpr void skip(std::size_t bytes) { at_ += bytes; }

  /// LWS; true if there was some.
  constexpr bool space() {
    const char* const from = at_;
    while (at_ != end_ && is(*at_, kSpace)) ++at_;
    return at_ != from;
  }

  constexpr bool eat(char c) {
    if (!next_is(c)) return false;
    ++at_;
    return true;
  }

  /// SWS c SWS.
  constexpr bool separator(char c) {
    const char* const from = at_;
    space();
    if (eat(c)) {
      space();
      return true;
    }
    at_ = from;
    return false;
  }

  /// The longest run of `classes`, which may be empty.
  constexpr std::string_view run(unsigned classes) {
    const char* const from = at_;
    while (at_ != end_ && is(*at_, classes)) ++at_;
    return {from, static_cast<std::size_t>(at_ - from)};
  }

  /// The longest run of `classes` and whole escapes.
  constexpr std::string_view run_or_escaped(unsigned classes) {
    const char* const from = at_;
    while (at_ != end_) {
      if (is(*at_, classes)) {
        ++at_;
      } else if (*at_ == '%' && end_ - at_ >= 3 && is(at_[1], kHex) && is(at_[2], kHex)) {
        at_ += 3;
      } else {
        break;
      }
    }
    return {from, static_cast<std::size_t>(at_ - from)};
  }

  /// A quoted-string with its quotes; empty, and nothing consumed, if there is none or it does not end.
  constexpr std::string_view quoted() {
    if (!next_is('"')) return {};
    for (const char* c = at_ + 1; c != end_; ++c) {
      if (*c == '\\') {
        // A quoted-pair may be any of the first 128 but CR and LF.
        if (++c == end_ || *c == '\r' || *c == '\n') return {};
      } else if (*c == '"') {
        const std::string_view text{at_, static_cast<std::size_t>(c + 1 - at_)};
        at_ = c + 1;
        return text;
      } else if (static_cast<std::uint8_t>(*c) < 0x20 && *c != '\t') {
        return {};
      }
    }
    return {};
  }

 private:
  const char* at_;
  const char* end_;
};

/// Host and port as views. IPv6 without its brackets.
struct HostPort {
  std::string_view host;
  std::optional<std::uint16_t> port;
};

/// host [":" port]; SWS around the colon if `spaced` (sent-by has it, URIs do not). nullopt if malformed.
std::optional<HostPort> host_port(Scanner& scanner, bool spaced);

/// A host that host_port() found, as text that every reader of addresses takes: without the third colon of RFC 5118
/// section 4.10.
std::string host_text(std::string_view host);

/// callid: word ["@" word]; empty if there is none. What follows a malformed one is left to the caller.
std::string_view call_id(Scanner& scanner);

/// Walks `*( ";" name [ "=" value ] )` of a header, LWS where the grammar has it, and calls on(name, value) for each;
/// `value` is a nullopt for flags. Stops before anything else. False if malformed or more than kParametersMax.
template <typename On>
bool header_parameters(Scanner& scanner, On on) {
  for (std::size_t count = 0; scanner.separator(';'); ++count) {
    const std::string_view name = scanner.run(kToken);
    if (name.empty() || count == kParametersMax) return false;
    std::optional<std::string_view> value;
    if (scanner.separator('=')) {
      value = scanner.next_is('"') ? scanner.quoted() : scanner.run(kGenValue);
      if (value->empty()) return false;
    }
    on(name, value);
  }
  return true;
}

/// The same for a URI: no LWS, paramchar on both sides.
template <typename On>
bool uri_parameters(Scanner& scanner, On on) {
  for (std::size_t count = 0; scanner.eat(';'); ++count) {
    const std::string_view name = scanner.run_or_escaped(kUriParam);
    if (name.empty() || count == kParametersMax) return false;
    std::optional<std::string_view> value;
    if (scanner.eat('=')) value = scanner.run_or_escaped(kUriParam);
    on(name, value);
  }
  return true;
}

/// An `on` that keeps them all.
struct KeepIn {
  Parameters& list;
  void operator()(std::string_view name, std::optional<std::string_view> value) const { list.append(name, value); }
};

/// All of the rest is parameters of a header; nullopt if malformed.
std::optional<Parameters> rest_as_parameters(Scanner& scanner);

/// Takes the number of that name out of the list, if it is there; false if it is malformed or there are two of it.
bool take_number(Parameters& parameters, std::string_view name, std::optional<std::uint32_t>& number);

/// An `on` for those who only check.
inline constexpr auto kIgnore = [](std::string_view, std::optional<std::string_view>) {};

}  // namespace weir::sip::scan
