#include "sip/uri.h"

#include "sip/scan.h"

namespace weir::sip {
namespace {

/// The parts of a URI where they stand in its text.
struct UriParts {
  Scheme scheme = Scheme::kOther;
  std::string_view user;
  std::optional<std::string_view> password;
  scan::HostPort host;
  std::string_view parameters;  ///< with its first semicolon
  std::string_view headers;
  std::string_view opaque;
};

Scheme scheme_by_name(std::string_view name) {
  if (equals_without_case(name, "sip")) return Scheme::kSip;
  if (equals_without_case(name, "sips")) return Scheme::kSips;
  if (equals_without_case(name, "tel")) return Scheme::kTel;
  return Scheme::kOther;
}

/// userinfo, without its "@" (section 25.1). The user may hold semicolons and question marks, so it must be cut off
/// before the parameters are looked for.
bool scan_userinfo(std::string_view text, UriParts& parts) {
  const std::size_t colon = text.find(':');
  parts.user = text.substr(0, colon);
  if (parts.user.empty() || !scan::all_or_escaped(parts.user, scan::kUser)) return false;
  if (colon == std::string_view::npos) return true;
  parts.password = text.substr(colon + 1);
  return scan::all_or_escaped(*parts.password, scan::kPassword);
}

bool scan_sip(std::string_view text, UriParts& parts) {
  const std::size_t at = text.find('@');
  if (at != std::string_view::npos) {
    if (!scan_userinfo(text.substr(0, at), parts)) return false;
    text.remove_prefix(at + 1);
  }
  scan::Scanner scanner(text);
  const std::optional<scan::HostPort> host = scan::host_port(scanner, false);
  if (!host) return false;
  parts.host = *host;
  parts.parameters = scanner.rest();
  if (!scan::uri_parameters(scanner, scan::kIgnore)) return false;
  parts.parameters.remove_suffix(scanner.rest().size());
  if (!scanner.eat('?')) return scanner.done();
  parts.headers = scanner.run_or_escaped(scan::kUriHeader);
  return scanner.done() && !parts.headers.empty();
}

std::optional<UriParts> scan_uri(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || !scan::is(text.front(), scan::kAlpha)) return std::nullopt;
  for (const char c : text.substr(0, colon)) {
    if (!scan::is(c, scan::kAlpha | scan::kDigit) && c != '+' && c != '-' && c != '.') return std::nullopt;
  }
  UriParts parts;
  parts.scheme = scheme_by_name(text.substr(0, colon));
  const std::string_view rest = text.substr(colon + 1);
  if (parts.scheme == Scheme::kSip || parts.scheme == Scheme::kSips) {
    if (!scan_sip(rest, parts)) return std::nullopt;
    return parts;
  }
  if (rest.empty() || !scan::all_or_escaped(rest, scan::kUriAny)) return std::nullopt;
  parts.opaque = parts.scheme == Scheme::kTel ? rest : text;
  return parts;
}

std::string_view scheme_text(Scheme scheme) {
  switch (scheme) {
    case Scheme::kSip:
      return "sip:";
    case Scheme::kSips:
      return "sips:";
    case Scheme::kTel:
      return "tel:";
    case Scheme::kOther:
      return "";
  }
  return "";
}

}  // namespace

std::string Uri::user_text() const {
  if (scheme == Scheme::kTel) return unescape(std::string_view{opaque}.substr(0, opaque.find(';')));
  return unescape(user);
}

Uri make_sip_uri(std::string_view user_text, std::string_view host, std::optional<std::uint16_t> port) {
  Uri uri;
  uri.user = escape_user(user_text);
  uri.host = host;
  uri.port = port;
  return uri;
}

std::optional<Uri> parse_uri(std::string_view text) {
  const std::optional<UriParts> parts = scan_uri(text);
  if (!parts) return std::nullopt;
  Uri uri;
  uri.scheme = parts->scheme;
  uri.user = parts->user;
  if (parts->password) uri.password = *parts->password;
  uri.host = scan::host_text(parts->host.host);
  uri.port = parts->host.port;
  uri.headers = parts->headers;
  uri.opaque = parts->opaque;
  scan::Scanner scanner(parts->parameters);
  scan::uri_parameters(scanner, scan::KeepIn{uri.parameters});
  return uri;
}

bool is_uri(std::string_view text) {
  return scan_uri(text).has_value();
}

bool is_request_uri(std::string_view text) {
  const std::optional<UriParts> parts = scan_uri(text);
  return parts && parts->headers.empty();
}

void append(std::string& out, const Uri& uri) {
  out += scheme_text(uri.scheme);
  if (!uri.is_sip()) {
    out += uri.opaque;
    return;
  }
  if (!uri.user.empty()) {
    out += uri.user;
    if (uri.password) {
      out += ':';
      out += *uri.password;
    }
    out += '@';
  }
  append_host_port(out, uri.host, uri.port);
  append(out, uri.parameters);
  if (uri.headers.empty()) return;
  out += '?';
  out += uri.headers;
}

void append_host_port(std::string& out, std::string_view host, std::optional<std::uint16_t> port) {
  const bool ipv6 = host.find(':') != std::string_view::npos;
  if (ipv6) out += '[';
  out += host;
  if (ipv6) out += ']';
  if (!port) return;
  out += ':';
  out += std::to_string(*port);
}

std::string write(const Uri& uri) {
  std::string out;
  append(out, uri);
  return out;
}

std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped =
        text[i] == '%' && text.size() - i > 2 && scan::is(text[i + 1], scan::kHex) && scan::is(text[i + 2], scan::kHex);
    if (!escaped) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(*hex_value(text[i + 1]) << 4 | *hex_value(text[i + 2]));
    i += 2;
  }
  return out;
}

std::string escape_user(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (scan::is(c, scan::kUser)) {
      out += c;
    } else {
      scan::append_escaped(out, c);
    }
  }
  return out;
}

}  // namespace weir::sip
