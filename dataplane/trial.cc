#include "dataplane/trial.h"

#include <cstring>

#include "dataplane/burst.h"
#include "dataplane/cipher.h"
#include "dataplane/constant_time.h"
#include "dataplane/flow_table.h"
#include "dataplane/srtp_index.h"
#include "dataplane/srtp_iv.h"

namespace weir::dataplane {
namespace {

using proto::SrtpProfile;

constexpr std::uint64_t kCycle = std::uint64_t{1} << 16;

const HmacKeys& hmac_keys(const SideKeys& keys, bool rtcp) {
  return rtcp ? keys.aes_cm->rtcp : keys.aes_cm->rtp.hmac;
}

/// Bytes of header and text, in clear.
std::size_t clear_bytes_of(const Burst& burst, std::uint32_t packet, const SideKeys& keys) {
  const bool rtcp = is_rtcp(burst, packet);
  return burst.bytes[packet] - tag_bytes_of(keys.profile, rtcp) - (rtcp ? kSrtcpIndexBytes : 0);
}

bool verify_hmac(Burst& burst, std::uint32_t packet, const SideKeys& keys, Cipher& cipher) {
  const bool rtcp = is_rtcp(burst, packet);
  const std::size_t tag_bytes = tag_bytes_of(keys.profile, rtcp);
  const std::size_t signed_bytes = burst.bytes[packet] - tag_bytes;
  std::uint8_t* tag = burst.data[packet] + signed_bytes;
  std::array<std::uint8_t, kGcmTagBytes> kept;
  copy_tag(kept.data(), tag, tag_bytes);
  if (!rtcp) proto::store_be32(tag, static_cast<std::uint32_t>(burst.index[packet] >> 16));
  cipher.hmac_add(hmac_keys(keys, rtcp), burst.data[packet], signed_bytes + (rtcp ? 0 : kRolloverBytes));
  cipher.hmac_run();
  copy_tag(tag, kept.data(), tag_bytes);
  return equal_constant_time(cipher.digest(0).data(), kept.data(), tag_bytes);
}

void decrypt_counter(Burst& burst, std::uint32_t packet, const SideKeys& keys, Cipher& cipher) {
  const SrtpProfile profile = keys.profile;
  if (proto::is_null_cipher(profile)) return;
  const bool rtcp = is_rtcp(burst, packet);
  std::uint8_t* text = burst.data[packet] + burst.header_bytes[packet];
  const std::uint64_t text_bytes = clear_bytes_of(burst, packet, keys) - burst.header_bytes[packet];
  std::uint8_t* iv = rtcp ? cipher.counter_add_rare(profile, keys.srtcp->encryption, text, text_bytes)
                          : cipher.counter_add(profile, keys.aes_cm->rtp, text, text_bytes);
  write_counter_iv(iv, hmac_keys(keys, rtcp).salt, burst.ssrc[packet], burst.index[packet]);
  cipher.counter_run();
}

/// Decrypts in place and returns the tag that the packet should have. Done twice, the packet is as it was: counter
/// mode.
std::array<std::uint8_t, kGcmTagBytes> run_gcm(Burst& burst, std::uint32_t packet, const SideKeys& keys,
                                               Cipher& cipher) {
  const bool rtcp = is_rtcp(burst, packet);
  const SrtpProfile profile = keys.profile;
  std::uint8_t* data = burst.data[packet];
  const std::uint16_t header_bytes = burst.header_bytes[packet];
  const std::size_t clear_bytes = clear_bytes_of(burst, packet, keys);
  GcmNonce nonce;
  write_gcm_nonce(nonce, rtcp ? keys.srtcp->gcm_salt.data() : keys.gcm->salt.data(), burst.ssrc[packet],
                  burst.index[packet]);
  std::array<std::uint8_t, kGcmTagBytes> tag;
  Cipher::GcmMessage message = {.nonce = nonce.data(),
                                .aad = data,
                                .aad_bytes = header_bytes,
                                .text = data + header_bytes,
                                .text_bytes = clear_bytes - header_bytes,
                                .tag = tag.data()};
  if (!rtcp) {
    cipher.gcm_decrypt(profile, *keys.gcm, message);
    return tag;
  }
  // RFC 7714 section 9.2: the header, and the word with E and index behind the tag, are the associated data.
  std::array<std::uint8_t, kSrtcpHeaderBytes + kSrtcpIndexBytes> aad;
  std::memcpy(aad.data(), data, kSrtcpHeaderBytes);
  std::memcpy(aad.data() + kSrtcpHeaderBytes, data + clear_bytes + kGcmTagBytes, kSrtcpIndexBytes);
  message.aad = aad.data();
  message.aad_bytes = aad.size();
  GcmKeys expanded;
  cipher.expand(profile, keys.srtcp->encryption, expanded);
  cipher.gcm_decrypt(profile, expanded, message);
  proto::wipe(&expanded, sizeof expanded);
  return tag;
}

bool verify_gcm(Burst& burst, std::uint32_t packet, const SideKeys& keys, Cipher& cipher) {
  const std::uint8_t* tag = burst.data[packet] + clear_bytes_of(burst, packet, keys);
  const std::array<std::uint8_t, kGcmTagBytes> expected = run_gcm(burst, packet, keys, cipher);
  run_gcm(burst, packet, keys, cipher);
  return equal_constant_time(expected.data(), tag, kGcmTagBytes);
}

bool is_aead(const SideKeys& keys) {
  return proto::srtp_profile(keys.profile).aead;
}

}  // namespace

bool authenticates(Burst& burst, std::uint32_t packet, const SideKeys& keys, Cipher& cipher) {
  return is_aead(keys) ? verify_gcm(burst, packet, keys, cipher) : verify_hmac(burst, packet, keys, cipher);
}

void decrypt(Burst& burst, std::uint32_t packet, const SideKeys& keys, Cipher& cipher) {
  if (is_aead(keys)) {
    run_gcm(burst, packet, keys, cipher);
  } else {
    decrypt_counter(burst, packet, keys, cipher);
  }
  burst.bytes[packet] = static_cast<std::uint32_t>(clear_bytes_of(burst, packet, keys));
}

void look_for_missed_wrap(Burst& burst, std::uint32_t packet, Cipher& cipher) {
  if (burst.index[packet] + kCycle > kRtpIndexMax || burst.trials == kTrialsPerBurst) return;
  ++burst.trials;
  FlowEntry& flow = *burst.flow[packet];
  burst.index[packet] += kCycle;
  if (authenticates(burst, packet, receive_side(flow), cipher)) return;
  burst.index[packet] -= kCycle;
}

}  // namespace weir::dataplane
