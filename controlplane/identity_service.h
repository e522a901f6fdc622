// Identity, as calls see it: who vouches for the requests that they send, and who checks those that they get. RFC 8224
// sections 6.1 (authentication service) and 6.2 (verification service).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/end_cause.h"
#include "proto/settings/identity_settings.h"
#include "sip/dtls_attributes.h"
#include "sip/message.h"

namespace weir::controlplane {

enum class IdentityOutcome : std::uint8_t {
  kNone,    ///< nobody vouches for it
  kPassed,  ///< somebody who may has signed it, as it is
  kFailed,  ///< see JudgedIdentity::check
};

std::string_view to_string(IdentityOutcome outcome);

/// What became of the Identity of a request.
struct JudgedIdentity {
  IdentityOutcome outcome = IdentityOutcome::kNone;
  /// What the request is to be refused with; status 0: it is not, whatever the outcome. RFC 8224 section 6.2.2.
  EndCause refusal{0, ""};
  std::string check;       ///< kFailed: which check did; for people and records: "signature", "mky", "iat"
  std::string text;        ///< for people
  std::string orig;        ///< who calls, as signed or else as claimed: a canonical number, or a URI; empty: not known
  bool is_number = false;  ///< orig is a number
  // Of kPassed.
  std::string attest;                   ///< "A", "B", "C" (RFC 8588); empty: not said
  std::string origid;                   ///< likewise
  std::string certificate;              ///< whose: its subject, for people
  std::vector<sip::Fingerprint> bound;  ///< mky: no other certificate may secure the media. Empty: nothing was said
};

/// A verification on its way: destroyed, it is given up, and nobody hears of it.
class IdentityQuery {
 public:
  virtual ~IdentityQuery() = default;
};

/// What the authentication service cannot read off the request that it signs.
struct IdentityFacts {
  std::uint32_t from_realm = 0;  ///< of the party in whose name it is sent
  bool authenticated = false;    ///< which has proved to be a registered user
  std::string called;            ///< URI that the caller has called, if another is called now; empty: the same
};

class IdentityService {
 public:
  using Done = std::function<void(const JudgedIdentity&)>;

  virtual ~IdentityService() = default;

  /// Checks the Identity of a request that came from `realm`, and judges it by `use`. `offered`: the fingerprints that
  /// its body has, or of a request without a body those of its sender's last description. `done` is called once, in the
  /// call or later; it may destroy the check. Null: it has been called.
  virtual std::unique_ptr<IdentityQuery> verify(const sip::Message& request, std::uint32_t realm,
                                                proto::settings::IdentityUse use,
                                                const std::vector<sip::Fingerprint>& offered, Done done) = 0;

  /// Adds to a request to a realm that wants it Date and Identity; all else of it is there. What cannot be signed goes
  /// as it is: a caller without a name, a key that is gone.
  virtual void sign(sip::Message& request, std::uint32_t realm, const IdentityFacts& facts) = 0;
};

}  // namespace weir::controlplane
