// URI: sip and sips in their parts, every other scheme (tel, im, ...) opaque. RFC 3261 sections 19.1 and 25.1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sip/parameters.h"

namespace weir::sip {

enum class Scheme : std::uint8_t { kSip, kSips, kTel, kOther };

/// A URI. A value type; every part is kept as it was written (escapes included), so write(parse(x)) is x but for the
/// case of the scheme, and the third colon of RFC 5118 section 4.10.
struct Uri {
  Scheme scheme = Scheme::kSip;
  std::string user;  ///< sip, sips: escaped; empty if there is none. user_text() decodes it
  std::optional<std::string> password;
  std::string host;                   ///< sip, sips: name or address; IPv6 without its brackets
  std::optional<std::uint16_t> port;  ///< host order; nullopt: the transport's default
  Parameters parameters;              ///< sip, sips
  std::string headers;                ///< sip, sips: what follows `?`, as written
  std::string opaque;                 ///< kTel: what follows `tel:`; kOther: the whole URI, scheme included

  [[nodiscard]] bool is_sip() const { return scheme == Scheme::kSip || scheme == Scheme::kSips; }
  /// The user with its escapes decoded; may hold any byte, NUL included (RFC 4475 section 3.1.1.4). tel: the number,
  /// without its parameters.
  [[nodiscard]] std::string user_text() const;
  /// The transport parameter, as written ("tcp"); nullopt if absent.
  [[nodiscard]] std::optional<std::string_view> transport() const { return parameters.value("transport"); }
  /// True for a loose router's URI (section 19.1.1).
  [[nodiscard]] bool has_lr() const { return parameters.has("lr"); }
};

/// A SIP or SIPS URI to `host` (IPv6 without brackets), user decoded: escapes what the grammar wants escaped.
Uri make_sip_uri(std::string_view user_text, std::string_view host, std::optional<std::uint16_t> port = std::nullopt);

/// Parses the whole of `text` as an absolute URI; nullopt if it is none, or one too many of its parts break a limit.
std::optional<Uri> parse_uri(std::string_view text);

/// The same check without building the value: what parse_message runs on every URI it meets.
bool is_uri(std::string_view text);
/// And that it may stand in a start line: a sip or sips URI with headers may not (section 19.1.1, table 1).
bool is_request_uri(std::string_view text);

std::string write(const Uri& uri);
void append(std::string& out, const Uri& uri);
/// Appends `host[:port]`, an IPv6 address in brackets.
void append_host_port(std::string& out, std::string_view host, std::optional<std::uint16_t> port);

/// RFC 3261 section 19.1.4 for sip and sips; other schemes compare as text, the scheme and, in tel, the visual
/// separators and case of RFC 3966 section 5 aside.
bool equivalent(const Uri& a, const Uri& b);

/// Decodes %HH; other bytes stay as they are, an incomplete escape too.
std::string unescape(std::string_view text);
/// Escapes what the user part may not hold in clear (section 25.1, user).
std::string escape_user(std::string_view text);

}  // namespace weir::sip
