#include "sip/identity_header.h"

#include <algorithm>
#include <array>

#include "sip/quoted.h"
#include "sip/scan.h"
#include "sip/uri.h"

namespace weir::sip {
namespace {

/// base64 and base64url: RFC 8224 section 4 names the one in its grammar and uses the other.
bool is_base64(char c) {
  return is_alpha(c) || is_digit(c) || c == '-' || c == '_' || c == '+' || c == '/' || c == '=';
}

/// Three parts, of which the first two are there, or not, together. Empty: it has that form.
std::string fault_of_token(std::string_view token) {
  if (token.size() > kIdentityTokenBytesMax) return "the token is too long";
  std::string_view rest = token;
  const std::array<std::string_view, 3> parts{take_until(rest, '.'), take_until(rest, '.'), rest};
  for (const std::string_view part : parts) {
    if (!std::all_of(part.begin(), part.end(), is_base64)) return "the token is no base64 in three parts";
  }
  if (parts[0].empty() != parts[1].empty()) return "the token has only one of header and claims";
  if (parts[2].empty()) return "the token has no signature";
  return {};
}

/// LAQUOT absoluteURI RAQUOT; nullopt if it is none.
std::optional<std::string_view> bracketed_uri(scan::Scanner& scanner) {
  if (!scanner.eat('<')) return std::nullopt;
  const std::string_view uri = scanner.rest().substr(0, scanner.rest().find('>'));
  scanner.skip(uri.size());
  if (!scanner.eat('>') || !is_uri(uri)) return std::nullopt;
  return uri;
}

/// Puts a parameter's text into `into`; false if one of that name was there.
bool set_once(std::string& into, std::string_view text) {
  if (!into.empty() || text.empty()) return false;
  into = unquote(text);
  return !into.empty();
}

/// One parameter behind its name. False if it is malformed, or the second of its name.
bool read_parameter(scan::Scanner& scanner, std::string_view name, IdentityHeader& into) {
  const bool valued = scanner.separator('=');
  if (equals_without_case(name, "info")) {
    const std::optional<std::string_view> uri = valued ? bracketed_uri(scanner) : std::nullopt;
    return uri && set_once(into.info, *uri);
  }
  std::optional<std::string_view> value;
  if (valued) value = scanner.next_is('"') ? scanner.quoted() : scanner.run(scan::kGenValue);
  if (value && value->empty()) return false;
  if (equals_without_case(name, "alg")) return set_once(into.alg, value.value_or(""));
  if (equals_without_case(name, "ppt")) return set_once(into.ppt, value.value_or(""));
  into.others.append(name, value);
  return true;
}

/// All of the rest. False if it is malformed.
bool read_parameters(scan::Scanner& scanner, IdentityHeader& into) {
  for (std::size_t count = 0; scanner.separator(';'); ++count) {
    const std::string_view name = scanner.run(scan::kToken);
    if (name.empty() || count == kParametersMax || !read_parameter(scanner, name, into)) return false;
  }
  scanner.space();
  return scanner.done();
}

bool is_token(std::string_view text) {
  return !text.empty() && scan::all(text, scan::kToken);
}

/// `;name=value`, quoted if it is no token.
void append_named(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out.append(";").append(name).append("=");
  if (is_token(value)) {
    out += value;
  } else {
    append_quoted(out, value);
  }
}

}  // namespace

proto::Result<IdentityHeader> parse_identity_header(std::string_view value) {
  const std::string_view text = trimmed(value);
  IdentityHeader identity;
  identity.token = text.substr(0, text.find_first_of("; \t"));
  if (std::string fault = fault_of_token(identity.token); !fault.empty()) return proto::Error{std::move(fault)};
  scan::Scanner scanner(text.substr(identity.token.size()));
  if (!read_parameters(scanner, identity)) return proto::Error{"the parameters behind the token are malformed"};
  return identity;
}

std::string write(const IdentityHeader& identity) {
  std::string out = identity.token;
  if (!identity.info.empty()) out.append(";info=<").append(identity.info).append(">");
  append_named(out, "alg", identity.alg);
  append_named(out, "ppt", identity.ppt);
  append(out, identity.others);
  return out;
}

bool is_legacy_identity(std::string_view value) {
  return trimmed(value).starts_with('"');
}

proto::Result<LegacyIdentity> parse_legacy_identity(std::string_view identity, std::string_view identity_info) {
  scan::Scanner scanner(trimmed(identity));
  const std::string signature = unquote(scanner.quoted());
  if (signature.empty() || !scanner.done() || !std::all_of(signature.begin(), signature.end(), is_base64)) {
    return proto::Error{"Identity is no base64 in quotes"};
  }
  scan::Scanner info(trimmed(identity_info));
  const std::optional<std::string_view> uri = bracketed_uri(info);
  IdentityHeader parameters;
  if (!uri || !read_parameters(info, parameters)) return proto::Error{"Identity-Info is missing, or no URI in <>"};
  return LegacyIdentity{signature, std::string(*uri), parameters.alg};
}

std::string write_legacy_identity(const LegacyIdentity& identity) {
  return '"' + identity.signature + '"';
}

std::string write_identity_info(const LegacyIdentity& identity) {
  std::string out = '<' + identity.info + '>';
  append_named(out, "alg", identity.alg);
  return out;
}

}  // namespace weir::sip
