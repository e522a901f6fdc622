#include "sip/refer_to.h"

#include "sip/scan.h"

namespace weir::sip {
namespace {

constexpr std::string_view kReplacesName = "Replaces";

/// Takes the method out of the URI's parameters; false if it is malformed.
bool take_method(ReferTo& refer_to) {
  Parameters& parameters = refer_to.target.uri.parameters;
  if (parameters.count("method") > 1) return false;
  const std::optional<Parameter> method = parameters.take("method");
  if (!method) return true;
  refer_to.method = unescape(method->value.value_or(""));
  return !refer_to.method.empty() && scan::all(refer_to.method, scan::kToken);
}

/// Takes the headers out of the URI; false if they are malformed.
bool take_headers(ReferTo& refer_to) {
  std::optional<std::vector<UriHeader>> headers = parse_uri_headers(refer_to.target.uri.headers);
  if (!headers) return false;
  refer_to.target.uri.headers.clear();
  for (UriHeader& header : *headers) {
    if (!equals_without_case(header.name, kReplacesName)) {
      refer_to.headers.push_back(std::move(header));
      continue;
    }
    if (refer_to.replaces) return false;
    refer_to.replaces = parse_replaces(header.value);
    if (!refer_to.replaces) return false;
  }
  return true;
}

}  // namespace

std::optional<ReferTo> parse_refer_to(std::string_view text) {
  std::optional<NameAddr> target = parse_name_addr(text);
  if (!target) return std::nullopt;
  ReferTo refer_to;
  refer_to.target = *std::move(target);
  if (!take_method(refer_to) || !take_headers(refer_to)) return std::nullopt;
  return refer_to;
}

std::string write(const ReferTo& refer_to) {
  NameAddr whole = refer_to.target;
  if (refer_to.method != "INVITE") whole.uri.parameters.set("method", refer_to.method);
  std::vector<UriHeader> headers = refer_to.headers;
  if (refer_to.replaces) headers.push_back({std::string{kReplacesName}, write(*refer_to.replaces)});
  whole.uri.headers = write(headers);
  return write(whole);
}

}  // namespace weir::sip
