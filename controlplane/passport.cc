#include "controlplane/passport.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "controlplane/base64url.h"
#include "controlplane/hex.h"
#include "controlplane/token_json.h"
#include "proto/assert.h"

namespace weir::controlplane {

namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 6> kExtensions{"", "shaken", "div", "div-o", "rph", "rcd"};
json::object one_party(const PassportIdentity& identity) {
  json::object object;
  if (!identity.tns.empty()) object["tn"] = identity.tns.front();
  if (!identity.uris.empty()) object["uri"] = identity.uris.front();
  return object;
}

json::object parties(const PassportIdentity& identity) {
  json::object object;
  if (!identity.tns.empty()) object["tn"] = json::value_from(identity.tns);
  if (!identity.uris.empty()) object["uri"] = json::value_from(identity.uris);
  return object;
}

std::string upper_hex(proto::Bytes bytes) {
  std::string text = to_hex(bytes);
  for (char& c : text) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

/// In the order of their hashes' names, then of their digests (section 5.2.2).
json::array keys(const std::vector<sip::Fingerprint>& fingerprints) {
  std::vector<std::pair<std::string, std::string>> sorted;
  for (const sip::Fingerprint& one : fingerprints)
    sorted.emplace_back(sip::to_string(one.hash), upper_hex(one.bytes()));
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  json::array list;
  for (const auto& [alg, dig] : sorted) list.push_back(json::object{{"alg", alg}, {"dig", dig}});
  return list;
}

void put(json::object& object, std::string_view name, const std::string& text) {
  if (!text.empty()) object[name] = text;
}

}  // namespace

PassportIdentity make_passport_identity(const std::vector<sip::CanonicalIdentity>& parties) {
  PassportIdentity identity;
  for (const sip::CanonicalIdentity& party : parties) {
    (party.kind == sip::CanonicalIdentity::Kind::kNumber ? identity.tns : identity.uris).push_back(party.text);
  }
  return identity;
}

bool is_known_extension(std::string_view ppt) {
  return std::find(kExtensions.begin(), kExtensions.end(), ppt) != kExtensions.end();
}

std::string write_passport_header(const Passport& passport) {
  json::object header;
  put(header, "alg", passport.alg);
  put(header, "ppt", passport.ppt);
  put(header, "typ", passport.typ);
  put(header, "x5u", passport.x5u);
  return write_canonical(header);
}

std::string write_passport_claims(const Passport& passport) {
  json::object claims = passport.others;
  claims["orig"] = one_party(passport.orig);
  claims["dest"] = parties(passport.dest);
  claims["iat"] = passport.iat_s;
  if (!passport.mky.empty()) claims["mky"] = keys(passport.mky);
  put(claims, "attest", passport.attest);
  put(claims, "origid", passport.origid);
  put(claims, "opt", passport.opt);
  if (passport.div) {
    json::object div = one_party(*passport.div);
    put(div, "hi", passport.div_hi);
    claims["div"] = std::move(div);
  }
  return write_canonical(claims);
}

std::string passport_signing_input(const Passport& passport) {
  return encode_base64url(write_passport_header(passport)) + "." + encode_base64url(write_passport_claims(passport));
}

std::string make_origid() {
  std::array<std::uint8_t, 16> bytes;
  WEIR_ASSERT(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
  return write_uuid(bytes, 4);
}

std::string write_uuid(std::array<std::uint8_t, 16> bytes, std::uint8_t version) {
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | version << 4);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  std::string text = to_hex(bytes);
  for (const std::size_t at : {8, 13, 18, 23}) text.insert(at, "-");
  return text;
}

}  // namespace weir::controlplane
