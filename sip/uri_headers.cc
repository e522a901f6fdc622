#include "sip/uri_headers.h"

#include "sip/scan.h"
#include "sip/uri.h"

namespace weir::sip {
namespace {

void append_part(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (scan::is(c, scan::kUriHeader) && c != '=' && c != '&') {
      out += c;
    } else {
      scan::append_escaped(out, c);
    }
  }
}

std::optional<UriHeader> parse_one(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || !scan::all_or_escaped(text, scan::kUriHeader)) return std::nullopt;
  UriHeader header{unescape(text.substr(0, equals)), unescape(text.substr(equals + 1))};
  if (header.name.empty() || !scan::all(header.name, scan::kToken)) return std::nullopt;
  if (header.value.find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos) return std::nullopt;
  return header;
}

}  // namespace

std::optional<std::vector<UriHeader>> parse_uri_headers(std::string_view text) {
  std::vector<UriHeader> headers;
  while (!text.empty()) {
    std::optional<UriHeader> header = parse_one(take_until(text, '&'));
    if (!header || headers.size() == kUriHeadersMax) return std::nullopt;
    headers.push_back(*std::move(header));
  }
  return headers;
}

std::string write(const std::vector<UriHeader>& headers) {
  std::string out;
  for (const UriHeader& header : headers) {
    if (!out.empty()) out += '&';
    append_part(out, header.name);
    out += '=';
    append_part(out, header.value);
  }
  return out;
}

}  // namespace weir::sip
