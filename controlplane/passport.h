// PASSporT: who calls whom, when, and with which media keys, as a signed token. RFC 8225; its extensions shaken (RFC
// 8588), div and div-o (RFC 8946), rph (RFC 8443) and rcd (RFC 9795).
//
// Nothing here is verified: parse_passport reads what is said, passport_verifier.h tells whether to believe it.
#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controlplane/es256.h"
#include "sip/dtls_attributes.h"
#include "sip/telephone_number.h"

namespace weir::controlplane {

/// Destinations of one token that are read.
inline constexpr std::size_t kPassportPartiesMax = 64;
/// Media keys of one token that are read.
inline constexpr std::size_t kPassportKeysMax = 64;
/// Bytes of one number or URI.
inline constexpr std::size_t kPassportPartyBytesMax = 512;

/// Parties as a token names them: numbers and URIs, canonical (RFC 8224 section 8) if it was well made.
struct PassportIdentity {
  std::vector<std::string> tns;
  std::vector<std::string> uris;

  [[nodiscard]] std::size_t size() const { return tns.size() + uris.size(); }
  bool operator==(const PassportIdentity&) const = default;
};

/// One party, or several.
PassportIdentity make_passport_identity(const std::vector<sip::CanonicalIdentity>& parties);

/// A token's header and claims. A value type.
struct Passport {
  std::string alg = "ES256";
  std::string typ = "passport";
  std::string x5u;  ///< where the signer's certificate is
  std::string ppt;  ///< the extension; empty: none

  PassportIdentity orig;   ///< exactly one in all
  PassportIdentity dest;   ///< one or more
  std::int64_t iat_s = 0;  ///< Unix time
  /// Fingerprints of the media keys' certificates, in any order; those with hashes that are unknown here are left out
  /// by the reader.
  std::vector<sip::Fingerprint> mky;
  std::string attest;                   ///< shaken: "A", "B" or "C"; empty if not said
  std::string origid;                   ///< shaken: a UUID; empty if not said
  std::optional<PassportIdentity> div;  ///< div: exactly one in all, to whom the call was before
  std::string div_hi;                   ///< div: its History-Info index; empty if not said
  std::string opt;                      ///< div-o: the token from before, in full form
  boost::json::object others;           ///< rph, rcd, rcdi, crn and whatever else, as it came
};

enum class PassportFault : std::uint8_t {
  kSyntax,     ///< it is no PASSporT
  kAlgorithm,  ///< not ES256
  kExtension,  ///< a ppt that is unknown here: to be ignored (RFC 8225 section 8.1)
};
struct PassportRefusal {
  PassportFault fault = PassportFault::kSyntax;
  std::string reason;  ///< for people
};

/// A token as it came.
struct ParsedPassport {
  Passport passport;
  std::string signed_bytes;  ///< "header.claims"
  Es256Signature signature{};
};

/// Reads a token in full form. What is refused: anything but three parts of base64url, objects that name something
/// twice or nest deep, another alg or typ, a critical extension, claims that are missing or of another type, more
/// than one caller, no destination, and times out of reach.
std::variant<ParsedPassport, PassportRefusal> parse_passport(std::string_view full_form);

/// The signature of a token, the part behind its last dot. nullopt: it is none.
std::optional<Es256Signature> parse_passport_signature(std::string_view token);

/// Whether ppt is one that is known here; "" is.
bool is_known_extension(std::string_view ppt);

/// JSON as RFC 8225 section 9 wants it, mky in the order of section 5.2.2.
std::string write_passport_header(const Passport& passport);
std::string write_passport_claims(const Passport& passport);
/// Both in base64url with a dot between: what is signed.
std::string passport_signing_input(const Passport& passport);

/// The bytes as a UUID of that version, whose place in them it takes (RFC 9562 sections 4 and 5).
std::string write_uuid(std::array<std::uint8_t, 16> bytes, std::uint8_t version);

/// A random UUID (RFC 4122 version 4) for origid.
std::string make_origid();

}  // namespace weir::controlplane
