// RSA with SHA-1, PKCS #1 v1.5: what RFC 4474 signs with (section 9, rsa-sha1). SHA-1 collides (RFC 6194): who signs
// may be made to sign two messages at once. For networks that have nothing else.
#pragma once

#include <string>
#include <string_view>

#include "controlplane/openssl_handles.h"
#include "proto/bytes.h"
#include "proto/result.h"

namespace weir::controlplane {

/// Keys below are refused: RFC 4474's own examples have as many.
inline constexpr int kRsaSha1BitsMin = 1024;

/// Whether `signature` is that of an RSA key over `text`. False for keys of other kinds, and short ones.
bool rsa_sha1_verifies(EVP_PKEY* key, std::string_view text, proto::Bytes signature);

/// The signature's bytes, as many as the key's. Errors: another kind of key, one that is too short, or OpenSSL is not
/// allowed to use SHA-1 here.
proto::Result<std::string> rsa_sha1_sign(EVP_PKEY* key, std::string_view text);

}  // namespace weir::controlplane
