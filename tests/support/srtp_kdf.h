// SRTP key derivation with OpenSSL, for tests that compare with libsrtp2, which takes master keys.
// RFC 3711 section 4.3.1, RFC 6188 section 3 (AES-192 and AES-256), RFC 7714 section 11 (12-byte salts).
#pragma once

#include <cstdint>
#include <vector>

#include "proto/bytes.h"
#include "proto/flow.h"

namespace weir::tests {

/// `bytes` of key material for a label of RFC 3711 section 4.3.2. master_key is 16, 24 or 32 bytes, master_salt 12
/// or 14.
std::vector<std::uint8_t> derive_srtp_key(proto::Bytes master_key, proto::Bytes master_salt, std::uint8_t label,
                                          std::size_t bytes);

/// The session keys for SRTP and SRTCP of a profile; its rollover counter starts at 0.
proto::TransformSpec derive_transform(proto::SrtpProfile profile, proto::Bytes master_key, proto::Bytes master_salt);

}  // namespace weir::tests
