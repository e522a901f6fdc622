// ES256: ECDSA with P-256 and SHA-256, its signatures as tokens have them. RFC 7518 section 3.4.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "controlplane/openssl_handles.h"
#include "proto/bytes.h"
#include "proto/result.h"

namespace weir::controlplane {

/// r and s, 32 bytes each, big-endian.
inline constexpr std::size_t kEs256SignatureBytes = 64;
using Es256Signature = std::array<std::uint8_t, kEs256SignatureBytes>;

/// Whether it is a key of P-256; its private part does not matter.
bool is_p256(EVP_PKEY* key);

/// Whether `signature` is that of a P-256 key over `signed_bytes`. False for a signature of another length, one with r
/// or s zero or not below the group's order, and for keys of other kinds.
bool es256_verifies(EVP_PKEY* key, proto::Bytes signed_bytes, proto::Bytes signature);

/// A private key of P-256. May be used by several threads at once.
class SigningKey {
 public:
  /// Errors: no key, or one of another kind or curve. The key may be one that its provider keeps (PKCS#11).
  static proto::Result<SigningKey> make(KeyHandle key);
  /// From PEM, without a passphrase.
  static proto::Result<SigningKey> parse(std::string_view pem);

  /// Errors: the provider refuses.
  [[nodiscard]] proto::Result<Es256Signature> sign(proto::Bytes bytes) const;
  [[nodiscard]] EVP_PKEY* key() const { return key_.get(); }

 private:
  explicit SigningKey(KeyHandle key) : key_(std::move(key)) {}
  KeyHandle key_;
};

}  // namespace weir::controlplane
