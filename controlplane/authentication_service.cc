#include "controlplane/authentication_service.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "controlplane/description_fingerprints.h"
#include "controlplane/identity_headers.h"
#include "controlplane/log.h"
#include "controlplane/passed_identity.h"
#include "controlplane/passport_signer.h"
#include "controlplane/rsa_sha1.h"
#include "sip/base64.h"
#include "sip/date.h"
#include "sip/digest_string.h"
#include "sip/identity_header.h"

namespace weir::controlplane {

namespace settings = proto::settings;
using sip::HeaderId;
using sip::Message;

namespace {

KeyHandle another(const KeyHandle& key) {
  EVP_PKEY_up_ref(key.get());
  return KeyHandle(key.get());
}

/// A UUID of a name, always the same one (RFC 9562 section 5.8: version 8, of SHA-256).
std::string uuid_of(std::string_view name) {
  std::array<unsigned char, 32> digest{};
  const std::string text = "weir realm " + std::string(name);
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  std::array<std::uint8_t, 16> bytes{};
  std::copy_n(digest.begin(), bytes.size(), bytes.begin());
  return write_uuid(bytes, 8);
}

std::string attestation_of(const settings::RealmIdentitySettings& from, bool authenticated) {
  return std::string(1, letter_of(authenticated ? from.attest_authenticated : from.attest));
}

}  // namespace

AuthenticationService::AuthenticationService(const settings::Settings& settings, UnixClock unix_clock)
    : settings_(settings), unix_clock_(std::move(unix_clock)) {}

void AuthenticationService::use(std::shared_ptr<const IdentityKeys> keys) {
  signing_.clear();
  keys_ = std::move(keys);
  for (const std::shared_ptr<const IdentityKey>& key : keys_->all()) {
    if (key->is_rsa) continue;
    proto::Result<SigningKey> made = SigningKey::make(another(key->key));
    if (!made) {
      fail("key '" + key->name + "': " + made.error());
      continue;
    }
    signing_.emplace(key->name, Key{key, std::move(made).value()});
  }
}

const AuthenticationService::Key* AuthenticationService::find(const std::string& name) const {
  const auto found = signing_.find(name);
  return found == signing_.end() ? nullptr : &found->second;
}

/// At most a line a second would be told of a key that has gone: the counter has them all.
void AuthenticationService::fail(const std::string& reason) {
  ++counters_.failed;
  const std::int64_t now_s = unix_clock_();
  if (now_s == told_s_) return;
  told_s_ = now_s;
  log_event(LogLevel::kError, "identity", {{"event", "not signed"}, {"reason", reason}});
}

void AuthenticationService::sign(Message& request, std::uint32_t realm, const IdentityFacts& facts) {
  const settings::RealmIdentitySettings& to = settings_.realms[realm].identity;
  if (to.sign.empty() && to.sign_legacy.empty()) return;
  request.set_header(HeaderId::kDate, sip::write_date(unix_clock_()));
  if (!to.sign.empty()) sign_passports(request, to, facts);
  if (to.sign_legacy.empty() || keys_ == nullptr) return;
  const std::shared_ptr<const IdentityKey> key = keys_->find(to.sign_legacy);
  if (key == nullptr) return fail("there is no identity key '" + to.sign_legacy + "'");
  sign_legacy(request, *key);
}

void AuthenticationService::sign_passports(Message& request, const settings::RealmIdentitySettings& to,
                                           const IdentityFacts& facts) {
  const Key* const key = find(to.sign);
  if (key == nullptr) return fail("there is no identity key '" + to.sign + "' to make tokens with");
  if (key->identity->not_after_s <= unix_clock_()) return fail("the certificate of '" + to.sign + "' has expired");
  const Passport base = begin(request, *key, settings_.realms[facts.from_realm].identity.numbers);
  if (base.orig.size() != 1 || base.dest.size() == 0) return;
  const bool is_nobody =
      !base.orig.uris.empty() && base.orig.uris.front() == sip::write(nobody().uri);  // whom no certificate speaks for
  if (is_nobody) return;
  const settings::RealmSettings& from = settings_.realms[facts.from_realm];
  const bool is_number = !base.orig.tns.empty();
  if (!base.mky.empty() || !to.shaken || !is_number) add(request, base, *key, !to.full_form);
  if (to.shaken && is_number) {
    Passport shaken = base;
    shaken.mky.clear();
    shaken.ppt = "shaken";
    // What was proved is the name in From: of another one that was asserted it says nothing.
    const bool proved =
        make_passport_identity(sip::calling_identities(request, false, from.identity.numbers)) == base.orig;
    shaken.attest = attestation_of(from.identity, facts.authenticated && proved);
    shaken.origid = origid_of(from);
    add(request, shaken, *key, false);
  }
  add_extensions(request, to, from, facts, base, *key);
}

void AuthenticationService::add_extensions(Message& request, const settings::RealmIdentitySettings& to,
                                           const settings::RealmSettings& from, const IdentityFacts& facts,
                                           Passport base, const Key& key) {
  base.mky.clear();
  if (to.div && !facts.called.empty()) {
    const std::optional<sip::Uri> called = sip::parse_uri(facts.called);
    Passport diverted = base;
    diverted.ppt = "div";
    if (called) diverted.div = make_passport_identity({sip::canonical_identity(*called, from.identity.numbers)});
    diverted.dest = make_passport_identity(sip::target_identities(request, from.identity.numbers));
    const bool elsewhere = called && diverted.dest != *diverted.div && diverted.dest.size() != 0;
    if (elsewhere) add(request, diverted, key, false);
  }
  const std::vector<std::string_view> priorities = request.values(HeaderId::kResourcePriority);
  if (to.rph && !priorities.empty()) {
    boost::json::array auth;
    for (const std::string_view one : priorities) auth.push_back(boost::json::value(one));
    Passport rph = base;
    rph.ppt = "rph";
    rph.others["rph"] = boost::json::object{{"auth", std::move(auth)}};
    add(request, rph, key, false);
  }
  if (!from.identity.rcd.empty()) {
    boost::json::object claims;
    for (const auto& [name, text] : from.identity.rcd) claims[name] = text;
    Passport rcd = base;
    rcd.ppt = "rcd";
    rcd.others["rcd"] = std::move(claims);
    add(request, rcd, key, false);
  }
}

Passport AuthenticationService::begin(const Message& request, const Key& key, const proto::NumberPlan& plan) const {
  Passport passport;
  passport.x5u = key.identity->url;
  // A number, where the caller has one beside a name: it comes first.
  std::vector<sip::CanonicalIdentity> callers = sip::calling_identities(request, true, plan);
  if (callers.size() > 1) callers.resize(1);
  passport.orig = make_passport_identity(callers);
  passport.dest = make_passport_identity(sip::called_identities(request, plan));
  passport.iat_s = unix_clock_();
  passport.mky = fingerprints_in(request);
  return passport;
}

/// What others have said so already (the realm's `pass`) is theirs to say; diversions follow one another.
void AuthenticationService::add(Message& request, const Passport& passport, const Key& key, bool compact) {
  const bool extends = !passport.ppt.empty() && passport.ppt != "div";
  if (extends && has_identity_of(request, passport.ppt)) return;
  const proto::Result<sip::IdentityHeader> header = sign_passport(passport, key.key, compact);
  if (!header) return fail(header.error());
  request.add_header(HeaderId::kIdentity, sip::write(*header));
  ++counters_.tokens;
}

void AuthenticationService::sign_legacy(Message& request, const IdentityKey& key) {
  const std::optional<std::string> text = sip::digest_string(request);
  if (!key.is_rsa || !text || request.has(HeaderId::kIdentity)) {
    return fail(!key.is_rsa ? "RFC 4474 wants an RSA key" : "RFC 4474 has one Identity, of a request with From and To");
  }
  const proto::Result<std::string> signature = rsa_sha1_sign(key.key.get(), *text);
  if (!signature) return fail(signature.error());
  const sip::LegacyIdentity legacy{
      .signature = sip::encode_base64({reinterpret_cast<const std::uint8_t*>(signature->data()), signature->size()}),
      .info = key.url,
      .alg = "rsa-sha1"};
  request.add_header(HeaderId::kIdentity, sip::write_legacy_identity(legacy));
  request.add_header(HeaderId::kIdentityInfo, sip::write_identity_info(legacy));
  ++counters_.tokens;
}

std::string AuthenticationService::origid_of(const settings::RealmSettings& realm) const {
  return realm.identity.origid.empty() ? uuid_of(realm.name) : realm.identity.origid;
}

}  // namespace weir::controlplane
