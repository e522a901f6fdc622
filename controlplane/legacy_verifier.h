// The verdict on an Identity of RFC 4474: section 6. Its signature is RSA with SHA-1 over the whole request, by the
// domain of its From; every border that changes a byte of Contact or body breaks it. For networks that have nothing
// else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/passport_verifier.h"
#include "sip/identity_header.h"

namespace weir::controlplane {

/// How old a Date may be (section 6 step 4).
inline constexpr std::int64_t kLegacyFreshnessSeconds = 600;

/// What of the request is compared and signed.
struct LegacyFacts {
  std::string digest_string;           ///< sip::digest_string; empty: the request lacks a part of it
  std::string from_domain;             ///< host of From's URI; empty: it is no sip URI
  std::optional<std::int64_t> date_s;  ///< Date, Unix time
};

/// The signature's bytes, which several texts are. nullopt: it is no base64, or longer than any key's.
std::optional<std::vector<std::uint8_t>> legacy_signature(const sip::LegacyIdentity& identity);

/// What needs no certificate: algorithm, URL, request and Date. nullopt: fetch identity.info, then judge.
std::optional<IdentityVerdict> examine_legacy_identity(const sip::LegacyIdentity& identity, const LegacyFacts& facts,
                                                       std::int64_t now_s);

/// Steps 1 to 3: the path, the signature, and the domain, of which a certificate has to speak.
IdentityVerdict judge_legacy_identity(const sip::LegacyIdentity& identity, const LegacyFacts& facts,
                                      const IdentityCredential& credential, const TrustAnchors& anchors,
                                      std::int64_t now_s);

}  // namespace weir::controlplane
