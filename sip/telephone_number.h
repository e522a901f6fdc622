// Who calls and who is called, in the one form that both ends of a signature make of a request: RFC 8224 section 8.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/number_plan.h"
#include "sip/message.h"
#include "sip/telephone.h"

namespace weir::sip {

/// A party as a token names it. A value type.
struct CanonicalIdentity {
  enum class Kind : std::uint8_t { kNumber, kUri };
  Kind kind = Kind::kUri;
  std::string text;  ///< digits, "*" and "#" only, without "+"; or a URI, "sip:alice@example.com"

  bool operator==(const CanonicalIdentity&) const = default;
};

using proto::NumberPlan;

/// Section 8.3: without "+", separators and prefixes. Empty: it is none (a local number with A to F in it).
std::string canonical_number(const Telephone& telephone, const NumberPlan& plan = {});

/// Scheme, user and host of a sip URI alone, scheme and host in lower case, escapes of unreserved characters decoded
/// (RFC 3986 section 6.2.2); any other URI as it is.
std::string canonical_uri(const Uri& uri);

/// Sections 8.1, 8.3 and 8.5: a tel URI, a sip URI with user=phone, and one whose user begins with "+" mean a number;
/// every other one is a URI, its canonical_uri().
CanonicalIdentity canonical_identity(const Uri& uri, const NumberPlan& plan = {});

/// Whom the request may be said to come from: every P-Asserted-Identity if its sender is trusted to say so and does,
/// else From. Empty if that is malformed.
std::vector<CanonicalIdentity> calling_identities(const Message& request, bool trusted, const NumberPlan& plan = {});

/// Whom it is to: To. Empty if that is malformed.
std::vector<CanonicalIdentity> called_identities(const Message& request, const NumberPlan& plan = {});

/// Where it goes now: the Request-URI, which a diverted call's token names (RFC 8946 section 4.2).
std::vector<CanonicalIdentity> target_identities(const Message& request, const NumberPlan& plan = {});

}  // namespace weir::sip
