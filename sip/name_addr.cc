#include "sip/name_addr.h"

#include "sip/quoted.h"
#include "sip/scan.h"

namespace weir::sip {
namespace {

struct NameAddrParts {
  std::string_view display_name;  ///< as written: tokens, or a quoted-string with its quotes
  std::string_view uri;
};

/// addr-spec without angle brackets: ends at the first parameter; a comma or question mark in it is malformed (section
/// 20: such a URI must stand in brackets).
bool scan_addr_spec(scan::Scanner& scanner, NameAddrParts& parts) {
  const std::string_view rest = scanner.rest();
  parts.uri = rest.substr(0, rest.find_first_of("; \t"));
  scanner.skip(parts.uri.size());
  return parts.uri.find_first_of(",?") == std::string_view::npos;
}

/// *(token LWS) or a quoted-string, then the angle bracket.
bool scan_display_name(scan::Scanner& scanner, NameAddrParts& parts) {
  if (scanner.next_is('"')) {
    parts.display_name = scanner.quoted();
    if (parts.display_name.empty()) return false;
    scanner.space();
  } else {
    const std::string_view all = scanner.rest();
    while (!scanner.run(scan::kToken).empty()) scanner.space();
    parts.display_name = trimmed(all.substr(0, all.size() - scanner.rest().size()));
  }
  return scanner.eat('<');
}

/// Everything up to the header's parameters.
std::optional<NameAddrParts> scan_head(scan::Scanner& scanner) {
  NameAddrParts parts;
  const std::string_view rest = scanner.rest();
  if (!scanner.next_is('"') && rest.find('<') >= rest.find(';')) {
    // No bracket, or one that stands in a parameter.
    if (!scan_addr_spec(scanner, parts)) return std::nullopt;
  } else {
    if (!scan_display_name(scanner, parts)) return std::nullopt;
    parts.uri = scanner.rest().substr(0, scanner.rest().find('>'));
    scanner.skip(parts.uri.size());
    if (!scanner.eat('>')) return std::nullopt;
  }
  return parts;
}

/// The whole of `text` is one value; on() sees its parameters.
template <typename On>
bool check(std::string_view text, On on) {
  scan::Scanner scanner(trimmed(text));
  const std::optional<NameAddrParts> parts = scan_head(scanner);
  return parts && is_uri(parts->uri) && scan::header_parameters(scanner, on) && scanner.done();
}

}  // namespace

std::optional<NameAddr> parse_name_addr(std::string_view text) {
  scan::Scanner scanner(trimmed(text));
  const std::optional<NameAddrParts> parts = scan_head(scanner);
  if (!parts) return std::nullopt;
  std::optional<Uri> uri = parse_uri(parts->uri);
  if (!uri) return std::nullopt;
  NameAddr result{unquote(parts->display_name), *std::move(uri), {}};
  if (!scan::header_parameters(scanner, scan::KeepIn{result.parameters}) || !scanner.done()) return std::nullopt;
  return result;
}

bool is_name_addr(std::string_view text) {
  return check(text, scan::kIgnore);
}

bool is_from_or_to(std::string_view text) {
  std::size_t tags = 0;
  bool empty_tag = false;
  const auto count = [&tags, &empty_tag](std::string_view name, std::optional<std::string_view> value) {
    if (!equals_without_case(name, "tag")) return;
    ++tags;
    empty_tag |= !value;
  };
  return check(text, count) && tags <= 1 && !empty_tag;
}

std::string_view addr_spec_text(std::string_view name_addr_text) {
  scan::Scanner scanner(trimmed(name_addr_text));
  const std::optional<NameAddrParts> parts = scan_head(scanner);
  return parts ? parts->uri : std::string_view{};
}

std::string_view tag_of(std::string_view name_addr_text) {
  scan::Scanner scanner(trimmed(name_addr_text));
  std::optional<std::string_view> tag;
  const auto look = [&tag](std::string_view name, std::optional<std::string_view> value) {
    if (!tag && equals_without_case(name, "tag")) tag = value.value_or(std::string_view{});
  };
  if (!scan_head(scanner) || !scan::header_parameters(scanner, look) || !scanner.done()) return {};
  return tag.value_or(std::string_view{});
}

void append(std::string& out, const NameAddr& name_addr) {
  if (!name_addr.display_name.empty()) {
    append_quoted(out, name_addr.display_name);
    out += ' ';
  }
  out += '<';
  append(out, name_addr.uri);
  out += '>';
  append(out, name_addr.parameters);
}

std::string write(const NameAddr& name_addr) {
  std::string out;
  append(out, name_addr);
  return out;
}

}  // namespace weir::sip
