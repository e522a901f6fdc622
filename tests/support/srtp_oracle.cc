#include "tests/support/srtp_oracle.h"

#include <srtp2/srtp.h>

#include "proto/assert.h"
#include "proto/limits.h"
#include "tests/support/srtp_kdf.h"

namespace weir::tests {
namespace {

using proto::SrtpProfile;

void set_crypto(SrtpProfile profile, srtp_policy_t& policy) {
  switch (profile) {
    case SrtpProfile::kAesCm128HmacSha1_80:
      srtp_crypto_policy_set_rtp_default(&policy.rtp);
      srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
      return;
    case SrtpProfile::kAesCm128HmacSha1_32:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
      srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
      return;
    case SrtpProfile::kAeadAes128Gcm:
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
      return;
    case SrtpProfile::kAeadAes256Gcm:
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
      return;
    case SrtpProfile::kAes192CmHmacSha1_80:
      srtp_crypto_policy_set_aes_cm_192_hmac_sha1_80(&policy.rtp);
      srtp_crypto_policy_set_aes_cm_192_hmac_sha1_80(&policy.rtcp);
      return;
    case SrtpProfile::kAes192CmHmacSha1_32:
      srtp_crypto_policy_set_aes_cm_192_hmac_sha1_32(&policy.rtp);
      srtp_crypto_policy_set_aes_cm_192_hmac_sha1_80(&policy.rtcp);
      return;
    case SrtpProfile::kAes256CmHmacSha1_80:
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtp);
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp);
      return;
    case SrtpProfile::kAes256CmHmacSha1_32:
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(&policy.rtp);
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp);
      return;
    case SrtpProfile::kNullHmacSha1_80:
    case SrtpProfile::kNullHmacSha1_32:
      srtp_crypto_policy_set_null_cipher_hmac_sha1_80(&policy.rtp);
      srtp_crypto_policy_set_null_cipher_hmac_sha1_80(&policy.rtcp);
      policy.rtp.auth_tag_len = proto::srtp_profile(profile).srtp_tag_bytes;
      return;
    case SrtpProfile::kNone:
      break;
  }
  WEIR_ASSERT(false);
}

template <typename Function>
bool run(Function function, srtp_t session, std::vector<std::uint8_t>& packet, std::size_t room) {
  int bytes = static_cast<int>(packet.size());
  packet.resize(packet.size() + room);
  const bool ok = function(session, packet.data(), &bytes) == srtp_err_status_ok;
  packet.resize(ok ? static_cast<std::size_t>(bytes) : packet.size());
  return ok;
}

}  // namespace

struct SrtpOracle::Session {
  srtp_t handle = nullptr;
  ~Session() {
    if (handle != nullptr) srtp_dealloc(handle);
  }
};

SrtpOracle::SrtpOracle(SrtpProfile profile, const std::vector<std::uint8_t>& master, Direction direction)
    : session_(std::make_unique<Session>()) {
  static const bool initialised = srtp_init() == srtp_err_status_ok;
  WEIR_ASSERT(initialised);
  std::vector<std::uint8_t> key = master;
  srtp_policy_t policy{};
  set_crypto(profile, policy);
  policy.ssrc.type = direction == Direction::kSend ? ssrc_any_outbound : ssrc_any_inbound;
  policy.key = key.data();
  policy.window_size = proto::kReplayWindowPackets;
  WEIR_ASSERT(srtp_create(&session_->handle, &policy) == srtp_err_status_ok);
}

SrtpOracle::~SrtpOracle() = default;
SrtpOracle::SrtpOracle(SrtpOracle&&) noexcept = default;
SrtpOracle& SrtpOracle::operator=(SrtpOracle&&) noexcept = default;

proto::TransformSpec SrtpOracle::transform(SrtpProfile profile, const std::vector<std::uint8_t>& master) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(profile);
  if (info.key_bytes == 24) {
    constexpr std::size_t kKeyBytes = 32;
    std::vector<std::uint8_t> padded = master;
    padded.resize(kKeyBytes + info.salt_bytes, 0);
    return derive_transform(profile, proto::Bytes(padded).first(kKeyBytes), proto::Bytes(padded).subspan(kKeyBytes));
  }
  const proto::Bytes bytes(master);
  return derive_transform(profile, bytes.first(info.key_bytes), bytes.subspan(info.key_bytes));
}

bool SrtpOracle::protect_rtp(std::vector<std::uint8_t>& packet) {
  return run(srtp_protect, session_->handle, packet, SRTP_MAX_TRAILER_LEN);
}
bool SrtpOracle::protect_rtcp(std::vector<std::uint8_t>& packet) {
  return run(srtp_protect_rtcp, session_->handle, packet, SRTP_MAX_TRAILER_LEN + 4);
}
bool SrtpOracle::unprotect_rtp(std::vector<std::uint8_t>& packet) {
  return run(srtp_unprotect, session_->handle, packet, 0);
}
bool SrtpOracle::unprotect_rtcp(std::vector<std::uint8_t>& packet) {
  return run(srtp_unprotect_rtcp, session_->handle, packet, 0);
}

void SrtpOracle::set_roc(std::uint32_t ssrc, std::uint32_t roc) {
  WEIR_ASSERT(srtp_set_stream_roc(session_->handle, ssrc, roc) == srtp_err_status_ok);
}

}  // namespace weir::tests
