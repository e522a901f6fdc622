// From a DTLS exporter to the session keys weir-media works with.
// RFC 5764 section 4.2 (exporter layout), RFC 3711 section 4.3 (key derivation), RFC 6188 section 2 (AES-256 PRF),
// RFC 7714 section 11 (AEAD salts).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "controlplane/secret.h"
#include "proto/bytes.h"
#include "proto/flow.h"
#include "proto/srtp_profile.h"

namespace weir::controlplane {

/// RFC 5764 section 4.2; no context.
inline constexpr char kDtlsSrtpExporterLabel[] = "EXTRACTOR-dtls_srtp";

/// One direction's master key and salt. Tails behind the profile's key_bytes and salt_bytes are zero.
struct MasterKey {
  std::array<std::uint8_t, proto::kSessionKeyBytesMax> key;
  std::array<std::uint8_t, proto::kSessionSaltBytesMax> salt;

  friend bool operator==(const MasterKey&, const MasterKey&) = default;
};

/// Both directions of one DTLS association.
struct MasterKeyPair {
  Secret<MasterKey> client_write;
  Secret<MasterKey> server_write;
};

/// Length of the exporter's output for a profile, in bytes: two keys and two salts.
constexpr std::size_t exporter_bytes(proto::SrtpProfile profile) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(profile);
  return 2u * (std::size_t{info.key_bytes} + info.salt_bytes);
}
inline constexpr std::size_t kExporterBytesMax = 2 * (proto::kSessionKeyBytesMax + proto::kSessionSaltBytesMax);

/// Splits exporter output of exporter_bytes(profile) bytes: client key, server key, client salt, server salt.
MasterKeyPair split_exporter(proto::SrtpProfile profile, proto::Bytes exporter);

/// What a session key is for: RFC 3711 section 4.3.1's labels.
enum class KeyLabel : std::uint8_t {
  kRtpEncryption = 0,
  kRtpAuthentication = 1,
  kRtpSalt = 2,
  kRtcpEncryption = 3,
  kRtcpAuthentication = 4,
  kRtcpSalt = 5,
};

/// The AES-CM PRF with key derivation rate 0: fills `out` with the key of `label`. `master_key` is 16, 24 or 32 bytes
/// (AES-128, -192, -256 PRF), `master_salt` 14, or 12 for AEAD profiles, which counts as followed by 16 zero bits.
void derive_key(proto::Bytes master_key, proto::Bytes master_salt, KeyLabel label, proto::MutableBytes out);

/// Session keys of SRTP, and of SRTCP, from one master key.
Secret<proto::SessionKeys> derive_rtp_keys(proto::SrtpProfile profile, const MasterKey& master);
Secret<proto::SessionKeys> derive_rtcp_keys(proto::SrtpProfile profile, const MasterKey& master);

/// One direction's transform. Without rtcp-mux `rtp` and `rtcp` come from different DTLS associations.
Secret<proto::TransformSpec> make_transform(proto::SrtpProfile profile, const MasterKey& rtp, const MasterKey& rtcp);

}  // namespace weir::controlplane
