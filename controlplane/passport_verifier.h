// The verification service's verdict on one Identity value: RFC 8224 section 6.2, RFC 8225, RFC 8226. Pure: no network,
// no clock, nothing remembered.
//
// Two steps, with the fetch of the certificate between them: examine_identity does what needs none, so that a token
// that is malformed, stale or for somebody else fetches nothing; judge_identity does the rest. Cheap before expensive.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controlplane/identity_chain.h"
#include "controlplane/identity_check.h"
#include "controlplane/passport.h"
#include "sip/identity_header.h"

namespace weir::controlplane {

/// What came of one value. A good one of ppt div or div-o vouches for whom the call was taken from, and for its caller
/// only together with the token that was there before (diverts).
struct IdentityVerdict {
  IdentityCheck failed = IdentityCheck::kNone;
  std::string text;                  ///< for people: why it failed, or who vouches for the caller
  std::optional<Passport> passport;  ///< what was read, verified or not; none of RFC 4474, and of unreadable ones

  [[nodiscard]] bool good() const { return failed == IdentityCheck::kNone; }
};

/// What of the request a signature is about.
struct RequestFacts {
  std::vector<sip::CanonicalIdentity> callers;  ///< sip::calling_identities: one of them has to be the token's
  std::vector<sip::CanonicalIdentity> called;   ///< sip::called_identities
  std::vector<sip::CanonicalIdentity> targets;  ///< sip::target_identities: of diverted calls
  std::optional<std::int64_t> date_s;           ///< Date, Unix time; nullopt: none, or malformed
  std::vector<sip::Fingerprint> fingerprints;   ///< of every section and the session of the SDP; empty: none
};

/// What may be how old.
struct IdentityTerms {
  std::int64_t now_s = 0;         ///< Unix time
  std::int64_t freshness_s = 60;  ///< iat or Date is at most this far from now
};

/// A value that has passed what can be checked without its certificate.
struct ExaminedIdentity {
  ParsedPassport parsed;
  std::string url;       ///< of the certificate
  bool compact = false;  ///< the token was rebuilt: parsed.passport is what the request says
};
std::variant<ExaminedIdentity, IdentityVerdict> examine_identity(const sip::IdentityHeader& header,
                                                                 const RequestFacts& facts, const IdentityTerms& terms);

/// A certificate, or why there is none.
struct IdentityCredential {
  std::shared_ptr<const IdentityCertificate> certificate;
  std::string why_not;      ///< for people, if there is none: it could not be fetched, or not be read
  bool unreadable = false;  ///< it was fetched, and could not be read
};
/// What comes of the credential alone, whatever it has signed. nullopt: it is to be trusted.
std::optional<IdentityVerdict> fault_of_credential(const IdentityCredential& credential, const TrustAnchors& anchors,
                                                   std::int64_t now_s);
IdentityVerdict judge_identity(const ExaminedIdentity& examined, const IdentityCredential& credential,
                               const TrustAnchors& anchors, const RequestFacts& facts, const IdentityTerms& terms);

/// Whether `before` says that the call was for whom `diversion` (ppt div or div-o) says it was taken from: one link of
/// the chain of RFC 8946 section 4.
bool diverts(const Passport& diversion, const Passport& before);

}  // namespace weir::controlplane
