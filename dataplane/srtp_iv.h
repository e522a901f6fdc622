// What SRTP makes of SSRC and index for each packet: the AES-CM counter block and the GCM nonce.
#pragma once

#include <array>
#include <cstdint>

#include "proto/bytes.h"

namespace weir::dataplane {

/// The SRTCP word before or after the tag: E bit and 31-bit index (RFC 3711 section 3.4).
inline constexpr std::uint32_t kSrtcpEncryptedBit = 0x80000000;
inline constexpr std::size_t kSrtcpIndexBytes = 4;
/// What SRTCP leaves in the clear: common header and sender SSRC.
inline constexpr std::size_t kSrtcpHeaderBytes = 8;
inline constexpr std::size_t kRolloverBytes = 4;

/// RFC 3711 section 4.1.1: (salt * 2^16) xor (SSRC * 2^64) xor (index * 2^16). `salt` is 14 bytes and two zeros. Holds
/// for SRTCP too, whose index is shorter.
inline std::array<std::uint8_t, 16> counter_iv(const std::array<std::uint8_t, 16>& salt, std::uint32_t ssrc,
                                               std::uint64_t index) {
  std::array<std::uint8_t, 16> iv;
  proto::store_be64(iv.data(), proto::load_be64(salt.data()) ^ ssrc);
  proto::store_be64(iv.data() + 8, proto::load_be64(salt.data() + 8) ^ index << 16);
  return iv;
}

/// RFC 7714 sections 8.1 and 9.1: (two zero bytes, SSRC, 48-bit index) xor salt. `salt` is 12 bytes; the SRTCP index
/// has its zeros in front.
inline std::array<std::uint8_t, 12> gcm_nonce(const std::uint8_t* salt, std::uint32_t ssrc, std::uint64_t index) {
  std::array<std::uint8_t, 12> nonce;
  proto::store_be32(nonce.data(), proto::load_be32(salt) ^ ssrc >> 16);
  proto::store_be64(nonce.data() + 4, proto::load_be64(salt + 4) ^ (std::uint64_t{ssrc} << 48 | index));
  return nonce;
}

}  // namespace weir::dataplane
