// [identity] and each realm's identity table: who vouches for those who call, and whom we believe. RFC 8224 (Identity),
// RFC 8225 (PASSporT), RFC 8226 (certificates), RFC 8588 (SHAKEN), RFC 4916 (connected identity), RFC 4474 (the older
// Identity).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/inet.h"
#include "proto/number_plan.h"
#include "proto/settings/transport_settings.h"

namespace weir::proto::settings {

/// [[identity.keys]]: a key that we sign with.
struct IdentityKeySettings {
  std::string name;
  std::string chain;  ///< PEM file, absolute path, its own certificate first
  std::string key;    ///< PEM file, absolute path; or a URI of OpenSSL's stores, "pkcs11:token=weir;object=identity"
  std::string url;    ///< https URL where others fetch the chain (x5u); empty: where we serve it
  bool operator==(const IdentityKeySettings&) const = default;
};

/// [identity.server]: our own chains, for others to fetch by HTTPS.
struct IdentityServerSettings {
  std::optional<Endpoint> listen;  ///< nullopt: nowhere
  std::string url;                 ///< how others reach it: "https://cert.example.com", no path
  CertificateFiles certificate;    ///< of the HTTPS server
  std::uint32_t connections_max = 256;
  std::uint32_t connections_per_source_max = 16;  ///< at once; four times as many new ones a second
  bool operator==(const IdentityServerSettings&) const = default;
};

/// Addresses that have so many leading bits in common.
struct AddressPrefix {
  IpAddress address;
  std::uint8_t bits = 0;
  bool operator==(const AddressPrefix&) const = default;
};

/// [identity.fetch]: others' certificates, as x5u, info and Identity-Info name them.
struct IdentityFetchSettings {
  std::string ca;  ///< PEM file of those who may sign HTTPS servers' certificates; empty: the system's
  std::vector<AddressPrefix> allowed;  ///< not public, and may be fetched from all the same
  std::vector<std::uint16_t> ports = {443};
  std::uint32_t timeout_ms = 3000;  ///< of a whole fetch
  std::uint32_t bytes_max = 16'384;
  std::uint32_t at_once_max = 64;
  std::uint32_t per_host_max = 4;     ///< at once
  std::uint32_t per_source_max = 32;  ///< at once, and a second, for requests that come from one source
  std::uint32_t cache_entries_max = 10'000;
  std::uint32_t cache_ms_max = 86'400'000;  ///< nothing is kept for longer, whatever the server says
  std::uint32_t negative_ms = 30'000;       ///< a failure is remembered for so long
  bool operator==(const IdentityFetchSettings&) const = default;
};

/// [identity]: all realms'.
struct IdentitySettings {
  std::vector<IdentityKeySettings> keys;
  std::string anchors;                  ///< PEM file of those whose certificates may vouch for callers; empty: nobody's
  std::vector<std::string> providers;   ///< of OpenSSL, loaded beside the default one: "pkcs11"
  std::uint32_t freshness_s = 60;       ///< iat and Date may be so far from now
  std::uint32_t replays_max = 200'000;  ///< tokens remembered, so that none vouches for a second call
  IdentityServerSettings server;
  IdentityFetchSettings fetch;
  bool operator==(const IdentitySettings&) const = default;
};

/// What is made of an Identity.
enum class IdentityUse : std::uint8_t {
  kIgnore,   ///< it is not looked at
  kUse,      ///< verified where there is one; the outcome is told, and its fingerprints bind. A bad one refuses nothing
  kRequire,  ///< without a good one there is no call
};

/// What waits for the verdict where the certificate is still to be fetched.
enum class IdentityHold : std::uint8_t {
  kAnswer,  ///< early media and the answer
  kInvite,  ///< the INVITE itself: nobody's phone rings for a forgery, and verstat is in it
};

/// RFC 8588 section 4: how sure the network is of who calls.
enum class Attestation : std::uint8_t { kFull, kPartial, kGateway };
/// "A", "B" or "C".
constexpr char letter_of(Attestation attestation) {
  return static_cast<char>('A' + static_cast<int>(attestation));
}

/// [realm.identity].
struct RealmIdentitySettings {
  NumberPlan numbers;  ///< how the realm writes them

  // Requests from the realm: the verification service.
  IdentityUse verify = IdentityUse::kIgnore;
  IdentityHold hold = IdentityHold::kAnswer;
  IdentityUse verify_legacy = IdentityUse::kIgnore;  ///< RFC 4474: weaker, see the documentation
  /// Of callers of the realm, in the PASSporTs that we sign: who has proved to be a registered user, and others.
  Attestation attest_authenticated = Attestation::kFull;
  Attestation attest = Attestation::kGateway;
  std::string origid;  ///< UUID (RFC 8588 section 5); empty: one made of the realm's name
  /// Claims of rcd for callers of the realm (RFC 9795): "nam" and others of text; empty: none is signed.
  std::vector<std::pair<std::string, std::string>> rcd;

  // Requests to the realm: the authentication service.
  std::string sign;         ///< IdentityKeySettings::name; empty: nothing is signed
  std::string sign_legacy;  ///< RFC 4474, with an RSA key; empty: not
  bool shaken = false;      ///< beside the PASSporT with the fingerprints one with ppt=shaken
  bool div = false;         ///< and one with ppt=div where the call was retargeted
  bool rph = false;         ///< and one with ppt=rph where there is a Resource-Priority
  bool full_form = false;   ///< tokens in full; else compact where RFC 8224 section 4.1 has that form
  bool pass = false;        ///< Identity headers of the other side go on as they came

  // Both: UPDATEs with the identity of who has answered (RFC 4916).
  IdentityUse connected = IdentityUse::kIgnore;  ///< of those who answer there
  bool sign_connected = false;  ///< of those who answer elsewhere, to callers there: signed with `sign`
  bool operator==(const RealmIdentitySettings&) const = default;
};

}  // namespace weir::proto::settings
