// URI comparison. RFC 3261 section 19.1.4, RFC 3966 section 5.
#include <algorithm>
#include <string_view>
#include <vector>

#include "sip/scan.h"
#include "sip/uri.h"

namespace weir::sip {
namespace {

/// The characters that mean something else when they are escaped (section 25.1, reserved).
bool is_reserved(char c) {
  return std::string_view{";/?:@&=+$,"}.find(c) != std::string_view::npos;
}

/// Escapes of unreserved characters decoded, the others in upper case: equal texts of this form are equivalent.
std::string normal(std::string_view text, bool fold_case) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && text.size() - i > 2) {
      const std::string decoded = unescape(text.substr(i, 3));
      if (decoded.size() == 1 && !is_reserved(decoded[0]) && decoded[0] != '%') {
        out += fold_case ? lowered(decoded[0]) : decoded[0];
      } else {
        // The case of hex digits never matters.
        for (const char c : text.substr(i, 3)) out += lowered(c);
      }
      i += 2;
      continue;
    }
    out += fold_case ? lowered(text[i]) : text[i];
  }
  return out;
}

bool same_text(std::string_view a, std::string_view b, bool fold_case) {
  return normal(a, fold_case) == normal(b, fold_case);
}

const Parameter* find_escaped(const Parameters& parameters, std::string_view name) {
  const std::string wanted = normal(name, true);
  for (const Parameter& parameter : parameters) {
    if (normal(parameter.name, true) == wanted) return &parameter;
  }
  return nullptr;
}

/// Parameters that must be on both sides or on neither: their absence is not the same as any value.
bool must_match(std::string_view name) {
  return equals_without_case(name, "user") || equals_without_case(name, "ttl") || equals_without_case(name, "method") ||
         equals_without_case(name, "maddr") || equals_without_case(name, "transport");
}

/// Every parameter of `a` that must match, or that `b` has too, has the same value there.
bool parameters_agree(const Parameters& a, const Parameters& b) {
  for (const Parameter& parameter : a) {
    const std::string name = normal(parameter.name, true);
    const Parameter* const other = find_escaped(b, name);
    if (other == nullptr) {
      if (must_match(name)) return false;
    } else if (!same_text(parameter.value.value_or(""), other->value.value_or(""), true)) {
      return false;
    }
  }
  return true;
}

/// The headers as a multiset: order does not matter, presence does.
std::vector<std::string> sorted_headers(std::string_view headers) {
  std::vector<std::string> list;
  while (!headers.empty()) {
    const std::size_t end = std::min(headers.find('&'), headers.size());
    const std::string_view header = headers.substr(0, end);
    const std::size_t equals = std::min(header.find('='), header.size());
    list.push_back(normal(header.substr(0, equals), true) + normal(header.substr(equals), false));
    headers.remove_prefix(std::min(end + 1, headers.size()));
  }
  std::sort(list.begin(), list.end());
  return list;
}

/// RFC 3966 section 5: without visual separators and case, parameters in any order.
std::vector<std::string> tel_parts(std::string_view opaque) {
  std::vector<std::string> parts;
  while (!opaque.empty()) {
    const std::size_t end = std::min(opaque.find(';'), opaque.size());
    std::string part = normal(opaque.substr(0, end), true);
    const bool digits = parts.empty() || part.starts_with("ext=") || part.starts_with("phone-context=+");
    if (digits) std::erase_if(part, [](char c) { return c == '-' || c == '.' || c == '(' || c == ')'; });
    parts.push_back(std::move(part));
    opaque.remove_prefix(std::min(end + 1, opaque.size()));
  }
  if (parts.size() > 1) std::sort(parts.begin() + 1, parts.end());
  return parts;
}

bool same_opaque(std::string_view a, std::string_view b) {
  const std::size_t colon_a = std::min(a.find(':'), a.size());
  const std::size_t colon_b = std::min(b.find(':'), b.size());
  return equals_without_case(a.substr(0, colon_a), b.substr(0, colon_b)) && a.substr(colon_a) == b.substr(colon_b);
}

}  // namespace

bool equivalent(const Uri& a, const Uri& b) {
  if (a.scheme != b.scheme) return false;
  if (a.scheme == Scheme::kTel) return tel_parts(a.opaque) == tel_parts(b.opaque);
  if (a.scheme == Scheme::kOther) return same_opaque(a.opaque, b.opaque);
  if (!same_text(a.user, b.user, false) || a.password.has_value() != b.password.has_value()) return false;
  if (a.password && !same_text(*a.password, *b.password, false)) return false;
  if (!equals_without_case(a.host, b.host) || a.port != b.port) return false;
  if (!parameters_agree(a.parameters, b.parameters) || !parameters_agree(b.parameters, a.parameters)) return false;
  return sorted_headers(a.headers) == sorted_headers(b.headers);
}

}  // namespace weir::sip
