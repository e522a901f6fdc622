// The checks that an Identity value passes or fails, and what is answered to who failed one. RFC 8224 section 6.2.2.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::controlplane {

/// In the order in which they are made.
enum class IdentityCheck : std::uint8_t {
  kNone,         ///< all were passed
  kSyntax,       ///< of the header, the token, or what it says
  kExtension,    ///< a ppt that is unknown here: as if the value were not there
  kAlgorithm,    ///< another than the one that is allowed
  kCaller,       ///< the token is about another caller
  kCalled,       ///< or for somebody else
  kFreshness,    ///< too old, or from the future
  kInfo,         ///< the certificate cannot be had
  kCertificate,  ///< nobody who is trusted vouches for it
  kSignature,    ///< it is not the certificate's
  kAuthority,    ///< the certificate does not speak for the caller
  kMediaKeys,    ///< the SDP's fingerprints are not those that were signed
  kReplay,       ///< the token was another call's
};
/// One word, for records and counters: "syntax", "media-keys"; "" for kNone.
std::string_view to_string(IdentityCheck check);

/// Status and reason phrase of an answer.
struct IdentityResponse {
  std::uint16_t status = 0;
  std::string_view reason;
};
/// To who failed that check; {0, ""} for kNone.
IdentityResponse response_to(IdentityCheck failed);
/// To a request that has to have an Identity header, and has none.
inline constexpr IdentityResponse kUseIdentityHeader{428, "Use Identity Header"};

}  // namespace weir::controlplane
