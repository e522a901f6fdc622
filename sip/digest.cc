#include "sip/digest.h"

#include <array>

#include "sip/scan.h"

namespace weir::sip {
namespace {

constexpr std::array<std::string_view, 6> kAlgorithms{"MD5",          "MD5-sess",    "SHA-256",
                                                      "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"};
static_assert(static_cast<std::size_t>(DigestAlgorithm::kSha512_256Sess) + 1 == kAlgorithms.size());

/// A nonce count is eight hexadecimal digits (RFC 7616 section 3.4, nc-value).
constexpr std::size_t kNonceCountDigits = 8;

/// One auth-param; the value without its quotes.
struct AuthParam {
  std::string_view name;
  std::string_view value;
};

/// A quoted-string without its quotes, or a token. Hexadecimal and lists in quotes are read in either form: both are in
/// use for qop, algorithm, stale and nc.
std::optional<std::string_view> read_value(scan::Scanner& scanner) {
  if (!scanner.next_is('"')) {
    const std::string_view token = scanner.run(scan::kToken);
    return token.empty() ? std::nullopt : std::optional(token);
  }
  const std::string_view quoted = scanner.quoted();
  if (quoted.empty()) return std::nullopt;
  return quoted.substr(1, quoted.size() - 2);
}

bool is_named(const std::vector<AuthParam>& params, std::string_view name) {
  for (const AuthParam& param : params) {
    if (equals_without_case(param.name, name)) return true;
  }
  return false;
}

/// "Digest" LWS auth-param *( COMMA auth-param ), each name once (RFC 7235 section 2.1). nullopt if it is not that.
std::optional<std::vector<AuthParam>> read_params(std::string_view value) {
  scan::Scanner scanner(trimmed(value));
  if (!equals_without_case(scanner.run(scan::kToken), "Digest") || !scanner.space()) return std::nullopt;
  std::vector<AuthParam> params;
  do {
    const std::string_view name = scanner.run(scan::kToken);
    if (name.empty() || !scanner.separator('=') || params.size() == kParametersMax) return std::nullopt;
    const std::optional<std::string_view> text = read_value(scanner);
    if (!text || is_named(params, name)) return std::nullopt;
    params.push_back({name, *text});
  } while (scanner.separator(','));
  if (!scanner.done()) return std::nullopt;
  return params;
}

bool is_true(std::string_view value) {
  return equals_without_case(value, "true");
}

void read_qop_options(std::string_view value, DigestChallenge& into) {
  into.has_qop = true;
  for (const std::string_view option : split_list(value)) {
    into.qop_auth |= equals_without_case(option, "auth");
    into.qop_auth_int |= equals_without_case(option, "auth-int");
  }
}

/// Eight hexadecimal digits that are not all zero: counts start at 1.
bool is_nonce_count(std::string_view value) {
  return value.size() == kNonceCountDigits && scan::all(value, scan::kHex) &&
         value.find_first_not_of('0') != std::string_view::npos;
}

/// What one parameter says; false if it is malformed. Unknown ones are passed over (RFC 7616 section 3.4).
bool take(const AuthParam& param, DigestCredentials& into) {
  const auto named = [&param](std::string_view name) { return equals_without_case(param.name, name); };
  if (named("username")) into.username = param.value;
  if (named("realm")) into.realm = param.value;
  if (named("nonce")) into.nonce = param.value;
  if (named("uri")) into.uri = param.value;
  if (named("response")) into.response = param.value;
  if (named("opaque")) into.opaque = param.value;
  if (named("cnonce")) into.cnonce = param.value;
  if (named("userhash")) into.userhash = is_true(param.value);
  if (named("algorithm")) {
    into.algorithm = digest_algorithm_by_name(param.value);
    into.algorithm_written = true;
  }
  if (named("nc")) {
    into.nc = param.value;
    return is_nonce_count(param.value);
  }
  if (named("qop")) {
    into.qop = equals_without_case(param.value, "auth")       ? DigestQop::kAuth
               : equals_without_case(param.value, "auth-int") ? DigestQop::kAuthInt
                                                              : DigestQop::kNone;
    return into.qop != DigestQop::kNone;
  }
  return true;
}

void append_quoted(std::string& out, std::string_view name, std::string_view value) {
  if (out.back() != ' ') out += ", ";
  out += name;
  out += "=\"";
  out += value;
  out += '"';
}

void append_token(std::string& out, std::string_view name, std::string_view value) {
  out += ", ";
  out += name;
  out += '=';
  out += value;
}

/// Every line of a header that `parse` takes.
template <typename Parsed, typename Parse>
std::vector<Parsed> each_line(const Message& message, HeaderId id, Parse parse) {
  std::vector<Parsed> all;
  for (std::size_t i = 0; i < message.header_count(); ++i) {
    const HeaderView header = message.header_at(i);
    if (header.id != id) continue;
    if (auto parsed = parse(header.value)) all.push_back(*std::move(parsed));
  }
  return all;
}

}  // namespace

std::string_view to_string(DigestAlgorithm algorithm) {
  return kAlgorithms[static_cast<std::size_t>(algorithm)];
}

std::optional<DigestAlgorithm> digest_algorithm_by_name(std::string_view name) {
  for (std::size_t i = 0; i < kAlgorithms.size(); ++i) {
    if (equals_without_case(kAlgorithms[i], name)) return static_cast<DigestAlgorithm>(i);
  }
  return std::nullopt;
}

bool is_session(DigestAlgorithm algorithm) {
  return to_string(algorithm).ends_with("-sess");
}

std::uint32_t DigestCredentials::nonce_count() const {
  std::uint32_t count = 0;
  for (const char c : nc) count = count << 4 | hex_value(c).value_or(0);
  return count;
}

void DigestCredentials::set_nonce_count(std::uint32_t count) {
  static constexpr char kHex[] = "0123456789abcdef";
  nc.assign(kNonceCountDigits, '0');
  for (std::size_t i = nc.size(); i-- > 0; count >>= 4) nc[i] = kHex[count & 15];
}

std::optional<DigestChallenge> parse_digest_challenge(std::string_view value) {
  const auto params = read_params(value);
  if (!params || !is_named(*params, "realm") || !is_named(*params, "nonce")) return std::nullopt;
  DigestChallenge challenge;
  for (const AuthParam& param : *params) {
    const auto named = [&param](std::string_view name) { return equals_without_case(param.name, name); };
    if (named("realm")) challenge.realm = param.value;
    if (named("nonce")) challenge.nonce = param.value;
    if (named("opaque")) challenge.opaque = param.value;
    if (named("domain")) challenge.domain = param.value;
    if (named("stale")) challenge.stale = is_true(param.value);
    if (named("qop")) read_qop_options(param.value, challenge);
    if (!named("algorithm")) continue;
    challenge.algorithm = digest_algorithm_by_name(param.value);
    challenge.algorithm_written = true;
  }
  return challenge;
}

std::optional<DigestCredentials> parse_digest_credentials(std::string_view value) {
  constexpr std::array<std::string_view, 5> kMandatory{"username", "realm", "nonce", "uri", "response"};
  const auto params = read_params(value);
  if (!params) return std::nullopt;
  for (const std::string_view name : kMandatory) {
    if (!is_named(*params, name)) return std::nullopt;
  }
  DigestCredentials credentials;
  for (const AuthParam& param : *params) {
    if (!take(param, credentials)) return std::nullopt;
  }
  const bool counted = !credentials.nc.empty() && !credentials.cnonce.empty();
  if (credentials.qop != DigestQop::kNone && !counted) return std::nullopt;
  return credentials;
}

std::vector<DigestChallenge> digest_challenges(const Message& response, HeaderId id) {
  return each_line<DigestChallenge>(response, id, parse_digest_challenge);
}

std::vector<DigestCredentials> digest_credentials(const Message& request, HeaderId id) {
  return each_line<DigestCredentials>(request, id, parse_digest_credentials);
}

std::string write(const DigestChallenge& challenge) {
  std::string out = "Digest ";
  append_quoted(out, "realm", challenge.realm);
  append_quoted(out, "nonce", challenge.nonce);
  if (challenge.domain) append_quoted(out, "domain", *challenge.domain);
  if (challenge.opaque) append_quoted(out, "opaque", *challenge.opaque);
  if (challenge.stale) append_token(out, "stale", "true");
  if (challenge.algorithm_written && challenge.algorithm) {
    append_token(out, "algorithm", to_string(*challenge.algorithm));
  }
  if (challenge.qop_auth || challenge.qop_auth_int) {
    const bool both = challenge.qop_auth && challenge.qop_auth_int;
    append_quoted(out, "qop", both ? "auth,auth-int" : challenge.qop_auth ? "auth" : "auth-int");
  }
  return out;
}

std::string write(const DigestCredentials& credentials) {
  std::string out = "Digest ";
  append_quoted(out, "username", credentials.username);
  append_quoted(out, "realm", credentials.realm);
  append_quoted(out, "nonce", credentials.nonce);
  append_quoted(out, "uri", credentials.uri);
  append_quoted(out, "response", credentials.response);
  if (credentials.algorithm_written && credentials.algorithm) {
    append_token(out, "algorithm", to_string(*credentials.algorithm));
  }
  if (!credentials.cnonce.empty()) append_quoted(out, "cnonce", credentials.cnonce);
  if (credentials.opaque) append_quoted(out, "opaque", *credentials.opaque);
  if (credentials.userhash) append_token(out, "userhash", "true");
  if (credentials.qop == DigestQop::kNone) return out;
  append_token(out, "qop", credentials.qop == DigestQop::kAuth ? "auth" : "auth-int");
  append_token(out, "nc", credentials.nc);
  return out;
}

std::string quoted_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (c == '"' || c == '\\') out += '\\';
    out += control ? ' ' : c;
  }
  return out;
}

std::string unquoted_text(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

}  // namespace weir::sip
