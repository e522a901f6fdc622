// Identity: who vouches for a request, as a token that is signed. RFC 8224 section 4; the older form, a signature alone
// with an Identity-Info header beside it, is RFC 4474 section 9.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "proto/result.h"
#include "sip/limits.h"
#include "sip/parameters.h"

namespace weir::sip {

/// A token's bytes: what is longer came in no header line.
inline constexpr std::size_t kIdentityTokenBytesMax = kHeaderLineBytesMax;
/// Identity values of one request that are looked at: the caller's own, those of its number's, name's and priority's
/// keepers, and a dozen diversions. Each may cost a signature check.
inline constexpr std::size_t kIdentitiesMax = 16;

/// One Identity value. A value type.
struct IdentityHeader {
  std::string token;  ///< "header.claims.signature" in base64url, or "..signature" (RFC 8225 section 7)
  std::string info;   ///< where the signer's certificate is; empty if not said
  std::string alg;    ///< empty if not said: ES256 (section 4.1)
  std::string ppt;    ///< the token's extension; empty if not said
  Parameters others;  ///< as written

  /// Header and claims are left out: the receiver has to know them.
  [[nodiscard]] bool compact() const { return token.starts_with(".."); }
  bool operator==(const IdentityHeader&) const = default;
};

/// Parses one value (not a list: see Message::values). alg and ppt may be quoted, as many senders do. Errors: what is
/// wrong with it, for people.
proto::Result<IdentityHeader> parse_identity_header(std::string_view value);

/// The header's value.
std::string write(const IdentityHeader& identity);

/// Identity and Identity-Info of RFC 4474. A value type.
struct LegacyIdentity {
  std::string signature;  ///< base64
  std::string info;       ///< of Identity-Info, where the signer's certificate is
  std::string alg;        ///< of Identity-Info; empty if not said: rsa-sha1

  bool operator==(const LegacyIdentity&) const = default;
};

/// Whether the value of an Identity header is RFC 4474's: a quoted-string.
bool is_legacy_identity(std::string_view value);

/// Both headers' values. Errors: what is wrong with one of them, for people.
proto::Result<LegacyIdentity> parse_legacy_identity(std::string_view identity, std::string_view identity_info);

/// The value of Identity, and the one of Identity-Info.
std::string write_legacy_identity(const LegacyIdentity& identity);
std::string write_identity_info(const LegacyIdentity& identity);

}  // namespace weir::sip
