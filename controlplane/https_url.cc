#include "controlplane/https_url.h"

#include <algorithm>

#include "controlplane/dns_answer.h"
#include "sip/text.h"

namespace weir::controlplane {

using proto::Error;
using proto::Result;

namespace {

constexpr std::string_view kScheme = "https:";

bool has_scheme(std::string_view text) {
  return sip::equals_without_case(text.substr(0, kScheme.size()), kScheme);
}

/// RFC 3986 section 3.3: pchar, and what may stand beside it in a path and query.
bool is_target_character(char c) {
  return sip::is_alpha(c) || sip::is_digit(c) ||
         std::string_view("-._~!$&'()*+,;=:@/?").find(c) != std::string_view::npos;
}

bool is_target(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_target_character(text[i])) continue;
    if (text[i] != '%' || i + 2 >= text.size()) return false;
    if (!sip::hex_value(text[i + 1]) || !sip::hex_value(text[i + 2])) return false;
    i += 2;
  }
  return true;
}

/// A name whose last label is a number is how some write an address, and others read it.
bool ends_in_a_number(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return std::all_of(last.begin(), last.end(), sip::is_digit) || last.starts_with("0x");
}

proto::Status set_host(HttpsUrl& url, std::string_view host) {
  const bool bracketed = host.starts_with('[');
  if (bracketed && !host.ends_with(']')) return Error{"its host is malformed"};
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (const Result<proto::IpAddress> address = proto::parse_ip_address(host)) {
    if (bracketed != (address->family == proto::Family::kIpv6)) return Error{"its host is malformed"};
    url.address = *address;
    url.host = proto::to_string(*address);
    return proto::success();
  }
  const std::optional<std::string> name = bracketed ? std::nullopt : dns_name(host);
  if (!name || ends_in_a_number(*name)) return Error{"its host is neither a name nor an address"};
  url.host = *name;
  return proto::success();
}

proto::Status set_authority(HttpsUrl& url, std::string_view authority) {
  if (authority.find('@') != std::string_view::npos) return Error{"it has a user in it"};
  const std::size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    const std::optional<std::uint16_t> port = sip::parse_number<std::uint16_t>(authority.substr(colon + 1));
    if (port.value_or(0) == 0) return Error{"its port is none"};
    url.port = *port;
    authority = authority.substr(0, colon);
  }
  return set_host(url, authority);
}

/// `rest` is what follows the authority.
proto::Status set_target(HttpsUrl& url, std::string_view rest) {
  rest = rest.substr(0, rest.find('#'));
  if (!is_target(rest)) return Error{"it has characters that no URL has"};
  url.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  return proto::success();
}

/// RFC 3986 section 5.2.4, of an absolute path.
std::string without_dot_segments(std::string_view path) {
  std::string out;
  path.remove_prefix(1);
  for (bool more = true; more;) {
    more = path.find('/') != std::string_view::npos;
    const std::string_view segment = sip::take_until(path, '/');
    if (segment == "..") out.erase(std::min(out.rfind('/'), out.size()));
    const bool dots = segment == "." || segment == "..";
    if (!dots) out += "/" + std::string(segment);
    if (dots && !more) out += "/";
  }
  return out;
}

/// RFC 3986 section 5.2.3: `reference` has neither scheme nor authority.
std::string merged(std::string_view base, std::string_view reference) {
  const std::string_view base_path = base.substr(0, base.find('?'));
  const std::size_t query = std::min(reference.find('?'), reference.size());
  const std::string_view path = reference.substr(0, query);
  if (path.empty()) return std::string(query == reference.size() ? base : base_path) + std::string(reference);
  const std::string whole = path.starts_with('/')
                                ? std::string(path)
                                : std::string(base_path.substr(0, base_path.rfind('/') + 1)) + std::string(path);
  return without_dot_segments(whole) + std::string(reference.substr(query));
}

/// RFC 3986 section 3.1: whether a colon comes before any of '/', '?' and '#'.
bool has_any_scheme(std::string_view reference) {
  const std::size_t end = reference.find_first_of(":/?#");
  return end != std::string_view::npos && reference[end] == ':';
}

}  // namespace

std::string HttpsUrl::authority() const {
  const bool bracketed = address && address->family == proto::Family::kIpv6;
  const std::string name = bracketed ? "[" + host + "]" : host;
  return port == kHttpsPort ? name : name + ":" + std::to_string(port);
}

std::string to_string(const HttpsUrl& url) {
  return "https://" + url.authority() + url.target;
}

Result<HttpsUrl> parse_https_url(std::string_view text) {
  if (text.size() > kUrlBytesMax) return Error{"it is too long"};
  if (!has_scheme(text) || !text.substr(kScheme.size()).starts_with("//")) return Error{"it is not https"};
  text.remove_prefix(kScheme.size() + 2);
  const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
  HttpsUrl url;
  if (proto::Status status = set_authority(url, text.substr(0, end)); !status) return Error{status.error()};
  if (proto::Status status = set_target(url, text.substr(end)); !status) return Error{status.error()};
  return url;
}

Result<HttpsUrl> resolve_reference(const HttpsUrl& base, std::string_view reference) {
  if (reference.size() > kUrlBytesMax) return Error{"it is too long"};
  if (has_any_scheme(reference)) return parse_https_url(reference);
  if (reference.starts_with("//")) return parse_https_url(std::string(kScheme) + std::string(reference));
  HttpsUrl url = base;
  const std::string target = merged(base.target, reference.substr(0, reference.find('#')));
  if (target.size() > kUrlBytesMax) return Error{"it is too long"};
  if (proto::Status status = set_target(url, target); !status) return Error{status.error()};
  return url;
}

}  // namespace weir::controlplane
