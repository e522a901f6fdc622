// One side's session keys as a flow keeps them: expanded for the packets, and nothing twice. What the expanded form
// gives back, the key itself above all, is read from there: when weir-media starts again on another CPU, and to see
// whether new keys are the old ones.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/flow.h"
#include "proto/limits.h"
#include "proto/srtp_profile.h"

namespace weir::dataplane {

class Cipher;

/// What HMAC-SHA1 and the IV need of one packet kind's keys: one cache line.
struct alignas(64) HmacKeys {
  std::array<std::uint8_t, 20> hmac_inner;  ///< SHA-1 state after the block of key xor ipad
  std::array<std::uint8_t, 20> hmac_outer;  ///< SHA-1 state after the block of key xor opad
  std::array<std::uint8_t, 16> salt;        ///< session salt, 14 bytes, then two zeros: the IV's frame
  std::array<std::uint8_t, 8> reserved;
};
static_assert(sizeof(HmacKeys) == 64);

/// Expanded keys of AES-CM and HMAC-SHA1, hottest first. AES-128 touches four cache lines, AES-192 and -256 five, the
/// NULL cipher one.
struct alignas(64) AesCmKeys {
  HmacKeys hmac;
  std::array<std::uint8_t, 240> schedule;  ///< encryption round keys: 176 bytes of AES-128, 208 of -192, 240 of -256
};
static_assert(sizeof(AesCmKeys) == 320 && offsetof(AesCmKeys, schedule) == 64);

/// Expanded GCM key for SRTP as ipsec-mb lays it out (gcm_key_data, 1008 bytes), then the salt: the last hash keys of
/// the expansion are those every packet uses, so the salt costs no further cache line.
struct alignas(64) GcmKeys {
  std::array<std::uint8_t, 1008> expanded;
  std::array<std::uint8_t, 12> salt;
  std::array<std::uint8_t, 4> reserved;
};
static_assert(sizeof(GcmKeys) == 1024);

/// One side's expanded keys of a profile with AES-CM or the NULL cipher; of one with GCM they are GcmKeys, of SRTP
/// alone. SRTCP's GCM keys and AES schedules are expanded on use: RTCP is a twentieth of the media at most (RFC 3550
/// section 6.2), and a flow has memory for them all its life.
struct AesCmSide {
  AesCmKeys rtp;
  HmacKeys rtcp;
};
static_assert(sizeof(AesCmSide) == 384);

/// Bytes that a table has for one side's expanded keys: with GCM nearly three times those of all else.
enum class KeyRoom : std::uint32_t { kAesCm = sizeof(AesCmSide), kGcm = sizeof(GcmKeys) };
constexpr KeyRoom key_room(bool aead) {
  return aead ? KeyRoom::kGcm : KeyRoom::kAesCm;
}
constexpr std::uint32_t bytes_of(KeyRoom room) {
  return static_cast<std::uint32_t>(room);
}
/// Whether one side's keys of this profile fit.
constexpr bool has_room_for(KeyRoom room, proto::SrtpProfile profile) {
  return room == KeyRoom::kGcm || !proto::srtp_profile(profile).aead;
}
static_assert(sizeof(GcmKeys) >= sizeof(AesCmSide));

/// A cipher's key; a tail that the cipher does not use is zero.
using CipherKey = std::array<std::uint8_t, proto::kSessionKeyBytesMax>;

/// What SRTCP's cipher is expanded from on use.
struct SrtcpKey {
  CipherKey encryption;
  std::array<std::uint8_t, 12> gcm_salt;  ///< of a profile with HMAC-SHA1 it lies in HmacKeys
};
static_assert(sizeof(SrtcpKey) == 44);

/// The name of a side's key in its packets, if they carry one (RFC 3711 section 3.1).
struct Mki {
  std::array<std::uint8_t, proto::kMkiBytesMax> value;  ///< the first `bytes` are used
  std::uint8_t bytes;
};
static_assert(sizeof(Mki) == 5);

constexpr Mki mki_of(const proto::TransformSpec& transform) {
  return {.value = transform.mki, .bytes = transform.mki_bytes};
}

/// One side's keys where they lie. The expanded ones are those that the profile has: one pointer of the two.
struct SideKeys {
  proto::SrtpProfile profile;
  AesCmSide* aes_cm;
  GcmKeys* gcm;
  SrtcpKey* srtcp;
};

/// Expands what came from weir-control, of the same profile. Of a side in the clear nothing is written.
void expand_keys(Cipher& cipher, const proto::TransformSpec& transform, const SideKeys& to);

/// After a restart: makes what another CPU may have laid out otherwise anew, from what no CPU does. AES round keys
/// (FIPS 197) and SHA-1 states are the same everywhere; hash keys of GCM are not, and their key is its own first round
/// keys. May be cut off at any point and done again.
void expand_keys_again(Cipher& cipher, const SideKeys& keys);

/// Of two sides' keys, which packet kinds have equal ones.
struct SameKeys {
  bool rtp;
  bool rtcp;
};

/// Whether new keys are those held, each compared in constant time. The tag length is no part of a key: SHA1_80 and
/// SHA1_32 can have the same.
SameKeys same_keys(Cipher& cipher, const SideKeys& held, const proto::TransformSpec& transform);

/// What a packet kind's keystream depends on beside SSRC and index.
struct CipherKeyAndSalt {
  CipherKey key;
  std::array<std::uint8_t, proto::kSessionSaltBytesMax> salt;
};
CipherKeyAndSalt cipher_key_of(const SideKeys& keys, bool rtcp);

}  // namespace weir::dataplane
