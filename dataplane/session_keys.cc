#include "dataplane/session_keys.h"

#include <algorithm>
#include <cstring>

#include "dataplane/cipher.h"
#include "dataplane/constant_time.h"
#include "proto/bytes.h"

namespace weir::dataplane {
namespace {

using proto::SrtpProfile;

bool is_aead(SrtpProfile profile) {
  return proto::srtp_profile(profile).aead;
}

/// The cipher's key for SRTP: its own first round keys.
CipherKey srtp_cipher_key(const SideKeys& keys) {
  CipherKey key{};
  const std::uint8_t* rounds = is_aead(keys.profile) ? keys.gcm->expanded.data() : keys.aes_cm->rtp.schedule.data();
  std::memcpy(key.data(), rounds, proto::srtp_profile(keys.profile).key_bytes);
  return key;
}

bool same_hmac_keys(Cipher& cipher, const HmacKeys& held, const proto::SessionKeys& keys) {
  HmacKeys other;
  cipher.expand(keys, other);
  bool same = equal_constant_time(held.hmac_inner.data(), other.hmac_inner.data(), held.hmac_inner.size());
  same &= equal_constant_time(held.hmac_outer.data(), other.hmac_outer.data(), held.hmac_outer.size());
  same &= equal_constant_time(held.salt.data(), other.salt.data(), held.salt.size());
  proto::wipe(&other, sizeof other);
  return same;
}

}  // namespace

void expand_keys(Cipher& cipher, const proto::TransformSpec& transform, const SideKeys& to) {
  if (!proto::is_srtp(transform.profile)) return;
  *to.srtcp = {};
  std::memcpy(to.srtcp->encryption.data(), transform.rtcp.encryption.data(),
              proto::srtp_profile(transform.profile).key_bytes);
  if (is_aead(transform.profile)) {
    cipher.expand(transform.profile, transform.rtp, *to.gcm);
    std::copy_n(transform.rtcp.salt.begin(), to.srtcp->gcm_salt.size(), to.srtcp->gcm_salt.begin());
  } else {
    cipher.expand(transform.profile, transform.rtp, to.aes_cm->rtp);
    cipher.expand(transform.rtcp, to.aes_cm->rtcp);
  }
}

void expand_keys_again(Cipher& cipher, const SideKeys& keys) {
  if (!is_aead(keys.profile)) return;
  CipherKey key = srtp_cipher_key(keys);
  cipher.expand(keys.profile, key, *keys.gcm);
  proto::wipe(key.data(), key.size());
}

SameKeys same_keys(Cipher& cipher, const SideKeys& held, const proto::TransformSpec& transform) {
  const proto::SrtpProfileInfo& old_one = proto::srtp_profile(held.profile);
  const proto::SrtpProfileInfo& new_one = proto::srtp_profile(transform.profile);
  if (old_one.aead != new_one.aead || old_one.key_bytes != new_one.key_bytes) return {};
  if (new_one.key_bytes == 0) return {.rtp = true, .rtcp = true};  // there is none here
  CipherKey key = srtp_cipher_key(held);
  SameKeys same = {
      .rtp = equal_constant_time(key.data(), transform.rtp.encryption.data(), new_one.key_bytes),
      .rtcp = equal_constant_time(held.srtcp->encryption.data(), transform.rtcp.encryption.data(), new_one.key_bytes)};
  proto::wipe(key.data(), key.size());
  if (new_one.aead) {
    same.rtp &= equal_constant_time(held.gcm->salt.data(), transform.rtp.salt.data(), new_one.salt_bytes);
    same.rtcp &= equal_constant_time(held.srtcp->gcm_salt.data(), transform.rtcp.salt.data(), new_one.salt_bytes);
  } else {
    same.rtp &= same_hmac_keys(cipher, held.aes_cm->rtp.hmac, transform.rtp);
    same.rtcp &= same_hmac_keys(cipher, held.aes_cm->rtcp, transform.rtcp);
  }
  return same;
}

CipherKeyAndSalt cipher_key_of(const SideKeys& keys, bool rtcp) {
  CipherKeyAndSalt found{};
  found.key = rtcp ? keys.srtcp->encryption : srtp_cipher_key(keys);
  if (is_aead(keys.profile)) {
    const auto& salt = rtcp ? keys.srtcp->gcm_salt : keys.gcm->salt;
    std::copy(salt.begin(), salt.end(), found.salt.begin());
  } else {
    const HmacKeys& hmac = rtcp ? keys.aes_cm->rtcp : keys.aes_cm->rtp.hmac;
    std::copy_n(hmac.salt.begin(), found.salt.size(), found.salt.begin());
  }
  return found;
}

}  // namespace weir::dataplane
