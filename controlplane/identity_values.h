// The Identity values of a request, as far as they can be checked without their certificates. RFC 8224 section 6.2, RFC
// 8946 section 4 (diversions); RFC 4474 section 6.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "controlplane/legacy_verifier.h"
#include "controlplane/passport_verifier.h"
#include "proto/settings/settings.h"
#include "sip/identity_header.h"
#include "sip/message.h"

namespace weir::controlplane {

/// How often a call may have been sent on.
inline constexpr std::size_t kDiversionsMax = 5;

/// One value of Identity, or a token that one holds.
struct IdentityValue {
  std::variant<std::monostate, ExaminedIdentity, sip::LegacyIdentity> examined;  ///< what waits for its certificate
  IdentityVerdict verdict;
  std::string signer;     ///< whose certificate it was, for people; empty: none was had
  bool diverted = false;  ///< it is for whom the call was before
  bool renewed = false;   ///< its certificate was asked for anew
};

/// Of one request.
struct IdentityValues {
  RequestFacts facts;
  RequestFacts before;  ///< the same, also for whom the call was before diversions
  LegacyFacts legacy_facts;
  std::vector<IdentityValue> values;  ///< at most sip::kIdentitiesMax; those within others count
};

/// Reads and examines the request's values, and whom they have to be about. `from`: where the request is from: who
/// asserts a name in a trusted realm is believed (RFC 3325). `offered`: IdentityService::verify.
IdentityValues read_identities(const sip::Message& request, const proto::settings::RealmSettings& from,
                               const std::vector<sip::Fingerprint>& offered, const IdentityTerms& terms);

}  // namespace weir::controlplane
