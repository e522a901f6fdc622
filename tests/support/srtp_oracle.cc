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
    case SrtpProfile::kDtlsRecords:
      break;
  }
  WEIR_ASSERT(false);
}

/// `function` takes the packet and its length.
template <typename Function>
bool run(Function function, std::vector<std::uint8_t>& packet, std::size_t room) {
  int bytes = static_cast<int>(packet.size());
  packet.resize(packet.size() + room);
  const bool ok = function(packet.data(), &bytes) == srtp_err_status_ok;
  packet.resize(ok ? static_cast<std::size_t>(bytes) : packet.size());
  return ok;
}

}  // namespace

struct SrtpOracle::Session {
  srtp_t handle = nullptr;
  unsigned mki = 0;  ///< carried, 1, or not
  unsigned key = 0;  ///< of the named ones, for sending
  ~Session() {
    if (handle != nullptr) srtp_dealloc(handle);
  }
};

SrtpOracle::SrtpOracle(SrtpProfile profile, const std::vector<std::uint8_t>& master, Direction direction)
    : SrtpOracle(profile, std::vector<NamedKey>{{master, {}}}, direction) {}

SrtpOracle::SrtpOracle(SrtpProfile profile, const std::vector<NamedKey>& keys, Direction direction)
    : session_(std::make_unique<Session>()) {
  static const bool initialised = srtp_init() == srtp_err_status_ok;
  WEIR_ASSERT(initialised);
  std::vector<NamedKey> copies = keys;
  std::vector<srtp_master_key_t> masters;
  std::vector<srtp_master_key_t*> pointers;
  for (NamedKey& key : copies) {
    masters.push_back({key.master.data(), key.mki.data(), static_cast<unsigned>(key.mki.size())});
  }
  for (srtp_master_key_t& master : masters) pointers.push_back(&master);
  srtp_policy_t policy{};
  set_crypto(profile, policy);
  policy.ssrc.type = direction == Direction::kSend ? ssrc_any_outbound : ssrc_any_inbound;
  if (copies.front().mki.empty()) {
    policy.key = copies.front().master.data();
  } else {
    policy.keys = pointers.data();
    policy.num_master_keys = pointers.size();
    session_->mki = 1;
  }
  policy.window_size = proto::kReplayWindowPackets;
  WEIR_ASSERT(srtp_create(&session_->handle, &policy) == srtp_err_status_ok);
}

void SrtpOracle::send_under(unsigned key) {
  session_->key = key;
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
  const auto protect = [&](void* data, int* bytes) {
    return srtp_protect_mki(session_->handle, data, bytes, session_->mki, session_->key);
  };
  return run(protect, packet, SRTP_MAX_TRAILER_LEN);
}
bool SrtpOracle::protect_rtcp(std::vector<std::uint8_t>& packet) {
  const auto protect = [&](void* data, int* bytes) {
    return srtp_protect_rtcp_mki(session_->handle, data, bytes, session_->mki, session_->key);
  };
  return run(protect, packet, SRTP_MAX_TRAILER_LEN + 4);
}
bool SrtpOracle::unprotect_rtp(std::vector<std::uint8_t>& packet) {
  const auto unprotect = [&](void* data, int* bytes) {
    return srtp_unprotect_mki(session_->handle, data, bytes, session_->mki);
  };
  return run(unprotect, packet, 0);
}
bool SrtpOracle::unprotect_rtcp(std::vector<std::uint8_t>& packet) {
  const auto unprotect = [&](void* data, int* bytes) {
    return srtp_unprotect_rtcp_mki(session_->handle, data, bytes, session_->mki);
  };
  return run(unprotect, packet, 0);
}

void SrtpOracle::set_roc(std::uint32_t ssrc, std::uint32_t roc) {
  WEIR_ASSERT(srtp_set_stream_roc(session_->handle, ssrc, roc) == srtp_err_status_ok);
}

}  // namespace weir::tests
