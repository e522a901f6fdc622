#include "sip/telephone.h"

#include "sip/scan.h"

namespace weir::sip {
namespace {

bool is_separator(char c) {
  return c == '-' || c == '.' || c == '(' || c == ')';
}

/// The digits of `text`; empty if it holds anything but digits and separators.
std::string digits_of(std::string_view text) {
  std::string number;
  if (text.starts_with('+')) {
    number = "+";
    text.remove_prefix(1);
  }
  const bool global = !number.empty();
  for (const char c : text) {
    if (is_separator(c)) continue;
    const bool local_digit = scan::is(c, scan::kHex) || c == '*' || c == '#';
    if (!is_digit(c) && (global || !local_digit)) return {};
    number += c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  if (number.size() == (global ? 1u : 0u)) return {};
  return number;
}

std::optional<Telephone> parse_telephone(std::string_view text) {
  const std::size_t semicolon = std::min(text.find(';'), text.size());
  Telephone telephone;
  telephone.number = digits_of(unescape(text.substr(0, semicolon)));
  scan::Scanner scanner(text.substr(semicolon));
  if (telephone.number.empty() || !scan::uri_parameters(scanner, scan::KeepIn{telephone.parameters}))
    return std::nullopt;
  if (!scanner.done() || telephone.parameters.count("phone-context") > 1) return std::nullopt;
  if (const std::optional<Parameter> context = telephone.parameters.take("phone-context")) {
    if (!context->value || context->value->empty()) return std::nullopt;
    telephone.context = *context->value;
  }
  return telephone;
}

}  // namespace

std::optional<Telephone> telephone_of(const Uri& uri) {
  if (uri.scheme == Scheme::kTel) return parse_telephone(uri.opaque);
  const bool phone = uri.is_sip() && equals_without_case(uri.parameters.value("user").value_or(""), "phone");
  return phone ? parse_telephone(uri.user) : std::nullopt;
}

Uri make_tel_uri(const Telephone& telephone) {
  Uri uri;
  uri.scheme = Scheme::kTel;
  for (const char c : telephone.number) {
    // No URI as RFC 3261 reads them holds it bare (section 25.1, uric).
    if (c == '#') {
      scan::append_escaped(uri.opaque, c);
    } else {
      uri.opaque += c;
    }
  }
  if (!telephone.context.empty()) uri.opaque.append(";phone-context=").append(telephone.context);
  append(uri.opaque, telephone.parameters);
  return uri;
}

}  // namespace weir::sip
