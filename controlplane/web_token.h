// JSON Web Tokens (RFC 7519) in JWS compact form (RFC 7515): who holds one that our key has signed, and until when.
//
// The algorithm is the key's, never the token's to choose (RFC 8725 section 3.1). Nothing of a token's claims is read
// before its signature is right.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "controlplane/openssl_handles.h"
#include "controlplane/secret.h"
#include "proto/bytes.h"
#include "proto/result.h"

namespace weir::controlplane {

/// Bytes of a token: more is not looked at. Those of identity providers in use have one or two thousand.
inline constexpr std::size_t kWebTokenBytesMax = 8192;
/// Bytes of a claim's text that is used.
inline constexpr std::size_t kTokenSubjectBytesMax = 128;

enum class TokenAlgorithm : std::uint8_t { kHs256, kRs256, kEs256 };
/// As a token's header names it (RFC 7518 section 3.1).
std::string_view to_string(TokenAlgorithm algorithm);

/// What tokens are checked with. Its kind says which algorithm they have.
class TokenKey {
 public:
  /// PEM of a public key, of P-256 (ES256) or RSA with 2048 bits or more (RS256); anything else is a shared secret
  /// (HS256), without the line end: 32 bytes or more (RFC 7518 section 3.2). Errors: why it cannot be used.
  static proto::Result<TokenKey> parse(std::string_view text);
  /// The same, from a file. Errors name it.
  static proto::Result<TokenKey> load(const std::string& path);

  [[nodiscard]] TokenAlgorithm algorithm() const { return algorithm_; }
  /// Whether `signature` is that of `signed_text`.
  [[nodiscard]] bool verifies(std::string_view signed_text, proto::Bytes signature) const;

 private:
  /// A secret's bytes at most.
  static constexpr std::size_t kSecretBytesMax = 512;
  struct Shared {
    std::uint8_t bytes[kSecretBytesMax];
    std::size_t size = 0;
  };

  TokenAlgorithm algorithm_ = TokenAlgorithm::kHs256;
  KeyHandle public_key_;   ///< of RS256 and ES256
  Secret<Shared> shared_;  ///< of HS256
};

enum class TokenFault : std::uint8_t {
  kMalformed,  ///< no token, too long, or with something critical that is not known here
  kForged,     ///< another algorithm, or not the key's signature
  kExpired,    ///< or without a time when it will be
  kNotYet,     ///< good from later on
  kElsewhere,  ///< for another audience
  kNobody,     ///< says nobody's name
};
/// For the log.
std::string_view to_string(TokenFault fault);

struct TokenClaims {
  std::string subject;            ///< `sub`: no control characters
  std::int64_t expires_at_s = 0;  ///< `exp`, Unix time
};

/// `audience`: whom the token has to be for; empty: it does not matter.
std::variant<TokenClaims, TokenFault> check_token(std::string_view token, const TokenKey& key,
                                                  std::string_view audience, std::int64_t now_s);

}  // namespace weir::controlplane
