// Reading tokens: RFC 8225 sections 4 to 6, and what each extension adds.
#include "controlplane/passport.h"

#include <algorithm>
#include <boost/json.hpp>

#include "controlplane/base64url.h"
#include "controlplane/hex.h"
#include "controlplane/token_json.h"
#include "sip/identity_header.h"
#include "sip/text.h"

namespace weir::controlplane {

namespace json = boost::json;

namespace {

/// The end of the year 9999.
constexpr std::int64_t kLatestSecond = 253'402'300'799;

/// What is wrong with a claim, for people; empty: nothing.
using Fault = std::string;

/// A string without control characters, neither empty nor longer than anything that is compared with it.
bool is_text(const json::value* value) {
  if (value == nullptr || !value->is_string()) return false;
  const json::string& text = value->get_string();
  return !text.empty() && text.size() <= kPassportPartyBytesMax &&
         std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

std::string text_of(const json::value& value) {
  return std::string(value.as_string());
}

/// Reads a member of the header that may be missing; false if it is no text.
bool read_text(const json::object& object, std::string_view name, std::string& into) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr) return true;
  if (!is_text(value)) return false;
  into = text_of(*value);
  return true;
}

std::optional<PassportRefusal> read_header(const json::object& header, Passport& into) {
  into.alg = into.typ = "";
  const bool texts = read_text(header, "alg", into.alg) && read_text(header, "typ", into.typ) &&
                     read_text(header, "x5u", into.x5u) && read_text(header, "ppt", into.ppt);
  if (!texts) return PassportRefusal{PassportFault::kSyntax, "alg, typ, x5u or ppt is no text"};
  if (header.contains("crit")) return PassportRefusal{PassportFault::kSyntax, "something critical is unknown here"};
  if (into.typ != "passport") return PassportRefusal{PassportFault::kSyntax, "typ is not passport"};
  if (into.alg != "ES256") return PassportRefusal{PassportFault::kAlgorithm, "alg is not ES256"};
  if (!is_known_extension(into.ppt)) return PassportRefusal{PassportFault::kExtension, "ppt is unknown here"};
  return std::nullopt;
}

/// orig and div: {"tn": "..."} or {"uri": "..."} (RFC 8225 section 5.2.1). hi may stand beside them in div (RFC 8946).
Fault read_one_party(const json::value* value, std::string_view name, PassportIdentity& into) {
  const json::object* const object = value == nullptr ? nullptr : value->if_object();
  if (object == nullptr) return std::string(name) + " is missing, or no object";
  const json::value* const tn = object->if_contains("tn");
  const json::value* const uri = object->if_contains("uri");
  if ((tn != nullptr) == (uri != nullptr)) return std::string(name) + " is not exactly one of tn and uri";
  if (!is_text(tn != nullptr ? tn : uri)) return std::string(name) + " is no text, or too long";
  if (tn != nullptr) into.tns.push_back(text_of(*tn));
  if (uri != nullptr) into.uris.push_back(text_of(*uri));
  return {};
}

/// One of dest's two lists, which may be missing.
bool read_parties(const json::object& dest, std::string_view name, std::vector<std::string>& into) {
  const json::value* const value = dest.if_contains(name);
  if (value == nullptr) return true;
  const json::array* const list = value->if_array();
  if (list == nullptr || list->size() > kPassportPartiesMax) return false;
  for (const json::value& party : *list) {
    if (!is_text(&party)) return false;
    into.push_back(text_of(party));
  }
  return true;
}

Fault read_dest(const json::value* value, PassportIdentity& into) {
  const json::object* const dest = value == nullptr ? nullptr : value->if_object();
  if (dest == nullptr) return "dest is missing, or no object";
  if (!read_parties(*dest, "tn", into.tns) || !read_parties(*dest, "uri", into.uris)) {
    return "dest's tn or uri is no list of texts, or too long";
  }
  return into.size() == 0 ? "dest is empty" : "";
}

Fault read_iat(const json::value* value, std::int64_t& into) {
  if (value == nullptr || !value->is_number()) return "iat is missing, or no number";
  boost::system::error_code error;
  into = value->to_number<std::int64_t>(error);
  return error || into < 0 || into > kLatestSecond ? "iat is no time in whole seconds" : "";
}

/// "sha-256" and "021ACC54..." (section 5.2.2). One with a hash that is unknown here is left out.
Fault read_key(const json::value& value, std::vector<sip::Fingerprint>& into) {
  const json::object* const key = value.if_object();
  const json::value* const alg = key == nullptr ? nullptr : key->if_contains("alg");
  const json::value* const dig = key == nullptr ? nullptr : key->if_contains("dig");
  if (!is_text(alg) || !is_text(dig)) return "mky is no list of alg and dig";
  for (std::size_t i = 0; i < sip::kFingerprintHashCount; ++i) {
    sip::Fingerprint fingerprint{.hash = static_cast<sip::FingerprintHash>(i)};
    if (!sip::equals_without_case(sip::to_string(fingerprint.hash), alg->get_string())) continue;
    if (!from_hex(dig->get_string(), {fingerprint.digest.data(), sip::digest_bytes(fingerprint.hash)})) {
      return "a digest in mky is malformed";
    }
    into.push_back(fingerprint);
  }
  return {};
}

Fault read_keys(const json::value* value, std::vector<sip::Fingerprint>& into) {
  if (value == nullptr) return {};
  const json::array* const list = value->if_array();
  if (list == nullptr || list->empty() || list->size() > kPassportKeysMax) return "mky is no list, empty or too long";
  for (const json::value& key : *list) {
    if (Fault fault = read_key(key, into); !fault.empty()) return fault;
  }
  // Keys that cannot be compared are not the same as none.
  return into.empty() ? "mky has no hash that is known here" : "";
}

/// 8-4-4-4-12 hexadecimal digits (RFC 4122 section 3).
bool is_uuid(std::string_view text) {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return text.size() == kShape.size() && std::equal(text.begin(), text.end(), kShape.begin(), [](char c, char shape) {
           return shape == '-' ? c == '-' : sip::hex_value(c).has_value();
         });
}

/// RFC 8588 sections 4 and 5: of any token, and both of one with ppt shaken.
Fault read_shaken(const json::object& claims, Passport& into) {
  if (!read_text(claims, "attest", into.attest) || !read_text(claims, "origid", into.origid)) {
    return "attest or origid is no text";
  }
  const bool wanted = into.ppt == "shaken";
  if (wanted ? into.attest.empty() || into.origid.empty() : into.attest.empty() && into.origid.empty()) {
    return wanted ? "attest or origid is missing" : "";
  }
  if (!into.attest.empty() && into.attest != "A" && into.attest != "B" && into.attest != "C") {
    return "attest is none of A, B and C";
  }
  return into.origid.empty() || is_uuid(into.origid) ? "" : "origid is no UUID";
}

/// RFC 8946 sections 3 and 5.
Fault read_div(const json::object& claims, Passport& into) {
  const json::value* const div = claims.if_contains("div");
  const bool diverted = into.ppt == "div" || into.ppt == "div-o";
  if (div == nullptr) return diverted ? "div is missing" : "";
  if (Fault fault = read_one_party(div, "div", into.div.emplace()); !fault.empty()) return fault;
  if (!read_text(div->get_object(), "hi", into.div_hi)) return "div's hi is no text";
  const json::value* const opt = claims.if_contains("opt");
  if (opt == nullptr) return into.ppt == "div-o" ? "opt is missing" : "";
  if (!opt->is_string() || opt->get_string().size() > sip::kIdentityTokenBytesMax) return "opt is no token";
  into.opt = text_of(*opt);
  return {};
}

/// {"auth": ["ets.0", ...], ...} (RFC 8443 section 4).
Fault fault_of_rph(const json::value* rph) {
  const json::object* const object = rph == nullptr ? nullptr : rph->if_object();
  if (object == nullptr || object->empty()) return "rph is missing, or no object";
  for (const json::key_value_pair& member : *object) {
    const json::array* const values = member.value().if_array();
    const bool texts =
        values != nullptr && !values->empty() &&
        std::all_of(values->begin(), values->end(), [](const json::value& one) { return is_text(&one); });
    if (!texts) return "rph holds something that is no list of texts";
  }
  return {};
}

/// An object with a name (RFC 9795 section 6.1); its integrity digests are texts by pointer (section 6.2).
Fault fault_of_rcd(const json::object& claims, bool wanted) {
  const json::value* const rcd = claims.if_contains("rcd");
  const json::value* const digests = claims.if_contains("rcdi");
  const json::value* const reason = claims.if_contains("crn");
  if (wanted && rcd == nullptr && reason == nullptr) return "rcd is missing";
  if (rcd != nullptr &&
      (!rcd->is_object() || !rcd->get_object().contains("nam") || !rcd->get_object().at("nam").is_string())) {
    return "rcd is no object with a name";
  }
  if (reason != nullptr && !reason->is_string()) return "crn is no text";
  if (digests == nullptr) return {};
  const json::object* const object = digests->if_object();
  const bool texts = object != nullptr && std::all_of(object->begin(), object->end(),
                                                      [](const auto& member) { return is_text(&member.value()); });
  return texts ? "" : "rcdi is no object of texts";
}

Fault fault_of_others(const json::object& claims, const Passport& passport) {
  const json::value* const rph = claims.if_contains("rph");
  if (rph != nullptr || passport.ppt == "rph") {
    if (Fault fault = fault_of_rph(rph); !fault.empty()) return fault;
  }
  return fault_of_rcd(claims, passport.ppt == "rcd");
}

Fault read_claims(json::object claims, Passport& into) {
  Fault fault = read_one_party(claims.if_contains("orig"), "orig", into.orig);
  if (fault.empty()) fault = read_dest(claims.if_contains("dest"), into.dest);
  if (fault.empty()) fault = read_iat(claims.if_contains("iat"), into.iat_s);
  if (fault.empty()) fault = read_keys(claims.if_contains("mky"), into.mky);
  if (fault.empty()) fault = read_shaken(claims, into);
  if (fault.empty()) fault = read_div(claims, into);
  if (fault.empty()) fault = fault_of_others(claims, into);
  for (const std::string_view known : {"orig", "dest", "iat", "mky", "attest", "origid", "div", "opt"}) {
    claims.erase(known);
  }
  into.others = std::move(claims);
  return fault;
}

PassportRefusal malformed(std::string reason) {
  return {PassportFault::kSyntax, std::move(reason)};
}

}  // namespace

std::optional<Es256Signature> parse_passport_signature(std::string_view token) {
  const std::optional<std::string> bytes = decode_base64url(token.substr(token.rfind('.') + 1));
  Es256Signature signature;
  if (!bytes || bytes->size() != signature.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), signature.begin());
  return signature;
}

std::variant<ParsedPassport, PassportRefusal> parse_passport(std::string_view full_form) {
  if (full_form.size() > sip::kIdentityTokenBytesMax) return malformed("the token is too long");
  if (std::count(full_form.begin(), full_form.end(), '.') != 2) return malformed("the token is not in three parts");
  const std::size_t first = full_form.find('.');
  const std::size_t last = full_form.rfind('.');
  const proto::Result<json::object> header = read_token_object(full_form.substr(0, first));
  if (!header) return malformed("the header: " + header.error());
  ParsedPassport parsed;
  if (std::optional<PassportRefusal> refusal = read_header(*header, parsed.passport)) return *std::move(refusal);
  proto::Result<json::object> claims = read_token_object(full_form.substr(first + 1, last - first - 1));
  if (!claims) return malformed("the claims: " + claims.error());
  if (Fault fault = read_claims(std::move(*claims), parsed.passport); !fault.empty())
    return malformed(std::move(fault));
  const std::optional<Es256Signature> signature = parse_passport_signature(full_form);
  if (!signature) return malformed("the signature is not 64 bytes in base64url");
  parsed.signature = *signature;
  parsed.signed_bytes = full_form.substr(0, last);
  return parsed;
}

}  // namespace weir::controlplane
