// SRTP protection profiles: names, DTLS-SRTP code points, key sizes, tag sizes.
// RFC 5764 section 4.1.2, RFC 7714 sections 12 and 14.2, RFC 3711 section 5, RFC 4568 section 6.2, RFC 6188 section 6.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::proto {

/// kNone means plain RTP. Values cross the rings: never renumber.
/// kDtlsRecords is no profile of SRTP: RTP and RTCP themselves are the application data of a DTLS association, which
/// weir-control holds (RFC 5764 section 4.1.1, of peers without use_srtp). It has no keys here, and nobody names it.
enum class SrtpProfile : std::uint8_t {
  kNone = 0,
  kAesCm128HmacSha1_80 = 1,
  kAesCm128HmacSha1_32 = 2,
  kAeadAes128Gcm = 3,
  kAeadAes256Gcm = 4,
  kAes192CmHmacSha1_80 = 5,
  kAes192CmHmacSha1_32 = 6,
  kAes256CmHmacSha1_80 = 7,
  kAes256CmHmacSha1_32 = 8,
  kNullHmacSha1_80 = 9,
  kNullHmacSha1_32 = 10,
  kDtlsRecords = 11,
};
inline constexpr std::size_t kSrtpProfileCount = 12;

/// All lengths in bytes.
struct SrtpProfileInfo {
  SrtpProfile profile;
  std::string_view name;          ///< RFC 4568 / IANA crypto suite name
  std::string_view openssl_name;  ///< as SSL_CTX_set_tlsext_use_srtp takes it; empty: OpenSSL does not negotiate it
  std::uint16_t dtls_id;          ///< IANA DTLS-SRTP protection profile; 0: there is none
  std::uint8_t key_bytes;         ///< master key and session encryption key; nobody uses the latter of a NULL cipher
  std::uint8_t salt_bytes;        ///< master salt and session salt
  std::uint8_t auth_key_bytes;    ///< session authentication key; 0 for AEAD
  std::uint8_t srtp_tag_bytes;
  std::uint8_t srtcp_tag_bytes;  ///< SHA1_32 keeps the 80-bit tag on SRTCP (RFC 5764 section 4.1.2, RFC 6188)
  bool aead;
};

inline constexpr std::array<SrtpProfileInfo, kSrtpProfileCount> kSrtpProfiles{{
    {SrtpProfile::kNone, "none", "", 0, 0, 0, 0, 0, 0, false},
    {SrtpProfile::kAesCm128HmacSha1_80, "AES_CM_128_HMAC_SHA1_80", "SRTP_AES128_CM_SHA1_80", 0x0001, 16, 14, 20, 10, 10,
     false},
    {SrtpProfile::kAesCm128HmacSha1_32, "AES_CM_128_HMAC_SHA1_32", "SRTP_AES128_CM_SHA1_32", 0x0002, 16, 14, 20, 4, 10,
     false},
    {SrtpProfile::kAeadAes128Gcm, "AEAD_AES_128_GCM", "SRTP_AEAD_AES_128_GCM", 0x0007, 16, 12, 0, 16, 16, true},
    {SrtpProfile::kAeadAes256Gcm, "AEAD_AES_256_GCM", "SRTP_AEAD_AES_256_GCM", 0x0008, 32, 12, 0, 16, 16, true},
    {SrtpProfile::kAes192CmHmacSha1_80, "AES_192_CM_HMAC_SHA1_80", "", 0, 24, 14, 20, 10, 10, false},
    {SrtpProfile::kAes192CmHmacSha1_32, "AES_192_CM_HMAC_SHA1_32", "", 0, 24, 14, 20, 4, 10, false},
    {SrtpProfile::kAes256CmHmacSha1_80, "AES_256_CM_HMAC_SHA1_80", "", 0, 32, 14, 20, 10, 10, false},
    {SrtpProfile::kAes256CmHmacSha1_32, "AES_256_CM_HMAC_SHA1_32", "", 0, 32, 14, 20, 4, 10, false},
    // The master key has 128 bits whatever the cipher (RFC 3711 section 5). RFC 5764 writes 0, and means the cipher's.
    {SrtpProfile::kNullHmacSha1_80, "NULL_HMAC_SHA1_80", "", 0x0005, 16, 14, 20, 10, 10, false},
    {SrtpProfile::kNullHmacSha1_32, "NULL_HMAC_SHA1_32", "", 0x0006, 16, 14, 20, 4, 10, false},
    {SrtpProfile::kDtlsRecords, "DTLS_APPLICATION_DATA", "", 0, 0, 0, 0, 0, 0, false},
}};

/// True for the values of the enum: for bytes that come from the other process.
constexpr bool is_srtp_profile(std::uint8_t value) {
  return value < kSrtpProfileCount;
}

constexpr const SrtpProfileInfo& srtp_profile(SrtpProfile profile) {
  return kSrtpProfiles[static_cast<std::size_t>(profile)];
}

/// Authenticated and replay-protected, but in the clear (RFC 3711 section 4.1.3): only for who asked for it.
constexpr bool is_null_cipher(SrtpProfile profile) {
  return profile == SrtpProfile::kNullHmacSha1_80 || profile == SrtpProfile::kNullHmacSha1_32;
}

/// Packets are SRTP, under keys that weir-media has.
constexpr bool is_srtp(SrtpProfile profile) {
  return profile != SrtpProfile::kNone && profile != SrtpProfile::kDtlsRecords;
}

/// The profile of a name as configuration and SDP write it; "none" included, kDtlsRecords not.
constexpr std::optional<SrtpProfile> srtp_profile_by_name(std::string_view name) {
  for (const SrtpProfileInfo& info : kSrtpProfiles) {
    if (info.name == name && info.profile != SrtpProfile::kDtlsRecords) return info.profile;
  }
  return std::nullopt;
}

/// The profile of a DTLS-SRTP code point (RFC 5764 section 4.1.2). 0 is nobody's.
constexpr std::optional<SrtpProfile> srtp_profile_by_dtls_id(std::uint16_t id) {
  for (const SrtpProfileInfo& info : kSrtpProfiles) {
    if (id != 0 && info.dtls_id == id) return info.profile;
  }
  return std::nullopt;
}

inline constexpr std::size_t kSessionKeyBytesMax = 32;
inline constexpr std::size_t kSessionAuthKeyBytes = 20;
inline constexpr std::size_t kSessionSaltBytesMax = 14;

consteval bool profiles_are_in_order() {
  for (std::size_t i = 0; i < kSrtpProfileCount; ++i) {
    const SrtpProfileInfo& info = kSrtpProfiles[i];
    if (static_cast<std::size_t>(info.profile) != i) return false;
    if (info.key_bytes > kSessionKeyBytesMax || info.salt_bytes > kSessionSaltBytesMax) return false;
    if (info.auth_key_bytes > kSessionAuthKeyBytes) return false;
  }
  return true;
}
static_assert(profiles_are_in_order());

}  // namespace weir::proto
