// What SRTP makes of SSRC and index for each packet: the AES-CM counter block and the GCM nonce.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "proto/bytes.h"
#include "proto/srtp_profile.h"

namespace weir::dataplane {

/// The SRTCP word before or after the tag: E bit and 31-bit index (RFC 3711 section 3.4).
inline constexpr std::uint32_t kSrtcpEncryptedBit = 0x80000000;
inline constexpr std::size_t kSrtcpIndexBytes = 4;
/// The E bit as a profile's SRTCP has it: set, but clear if nothing is encrypted.
constexpr std::uint32_t srtcp_e_bit(proto::SrtpProfile profile) {
  return proto::is_null_cipher(profile) ? 0 : kSrtcpEncryptedBit;
}
/// What SRTCP leaves in the clear: common header and sender SSRC.
inline constexpr std::size_t kSrtcpHeaderBytes = 8;
inline constexpr std::size_t kRolloverBytes = 4;

/// SRTCP's tag of every profile with HMAC-SHA1, in bytes.
inline constexpr std::size_t kSrtcpHmacTagBytes = 10;

/// The tag of any profile's packets, in bytes.
inline std::size_t tag_bytes_of(proto::SrtpProfile profile, bool rtcp) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(profile);
  return rtcp ? info.srtcp_tag_bytes : info.srtp_tag_bytes;
}

/// SRTP's tag of a profile with HMAC-SHA1, in bytes. Compared, not looked up: the compiler makes one bit test of it.
constexpr std::size_t srtp_hmac_tag_bytes(proto::SrtpProfile profile) {
  using enum proto::SrtpProfile;
  return profile == kAesCm128HmacSha1_32 || profile == kAes192CmHmacSha1_32 || profile == kAes256CmHmacSha1_32 ||
                 profile == kNullHmacSha1_32
             ? 4
             : 10;
}

consteval bool hmac_tags_are_the_profiles() {
  for (const proto::SrtpProfileInfo& info : proto::kSrtpProfiles) {
    if (info.auth_key_bytes == 0) continue;
    if (srtp_hmac_tag_bytes(info.profile) != info.srtp_tag_bytes) return false;
    if (kSrtcpHmacTagBytes != info.srtcp_tag_bytes) return false;
  }
  return true;
}
static_assert(hmac_tags_are_the_profiles());

/// Copies an HMAC tag of 10 or 4 bytes: of constant lengths, so that no memcpy is called for each packet.
inline void copy_tag(std::uint8_t* to, const std::uint8_t* from, std::size_t bytes) {
  if (bytes == 10) {
    std::memcpy(to, from, 10);
  } else {
    std::memcpy(to, from, 4);
  }
}

/// Writes the IV's 16 bytes, RFC 3711 section 4.1.1: (salt * 2^16) xor (SSRC * 2^64) xor (index * 2^16). `salt` is 14
/// bytes and two zeros. Holds for SRTCP too, whose index is shorter.
inline void write_counter_iv(std::uint8_t* iv, const std::array<std::uint8_t, 16>& salt, std::uint32_t ssrc,
                             std::uint64_t index) {
  proto::store_be64(iv, proto::load_be64(salt.data()) ^ ssrc);
  proto::store_be64(iv + 8, proto::load_be64(salt.data() + 8) ^ index << 16);
}

using GcmNonce = std::array<std::uint8_t, 12>;

/// Writes the nonce, RFC 7714 sections 8.1 and 9.1: (two zero bytes, SSRC, 48-bit index) xor salt. `salt` is 12 bytes;
/// the SRTCP index has its zeros in front.
inline void write_gcm_nonce(GcmNonce& nonce, const std::uint8_t* salt, std::uint32_t ssrc, std::uint64_t index) {
  proto::store_be32(nonce.data(), proto::load_be32(salt) ^ ssrc >> 16);
  proto::store_be64(nonce.data() + 4, proto::load_be64(salt + 4) ^ (std::uint64_t{ssrc} << 48 | index));
}

}  // namespace weir::dataplane
