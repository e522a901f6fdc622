#include <srtp2/srtp.h>

#include <cstring>
#include <vector>

#include "bench/support/baseline.h"
#include "proto/assert.h"

namespace weir::bench {
namespace {

void set_suite(srtp_crypto_policy_t& rtp, srtp_crypto_policy_t& rtcp, proto::SrtpProfile profile) {
  srtp_crypto_policy_set_rtp_default(&rtcp);
  switch (profile) {
    case proto::SrtpProfile::kAesCm128HmacSha1_80:
      srtp_crypto_policy_set_rtp_default(&rtp);
      return;
    case proto::SrtpProfile::kAesCm128HmacSha1_32:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&rtp);
      return;
    case proto::SrtpProfile::kAeadAes128Gcm:
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&rtp);
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&rtcp);
      return;
    case proto::SrtpProfile::kAeadAes256Gcm:
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&rtp);
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&rtcp);
      return;
    case proto::SrtpProfile::kAes256CmHmacSha1_80:
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&rtp);
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&rtcp);
      return;
    case proto::SrtpProfile::kAes192CmHmacSha1_80:  // it derives other keys than RFC 6188
    case proto::SrtpProfile::kAes192CmHmacSha1_32:
    case proto::SrtpProfile::kAes256CmHmacSha1_32:
    case proto::SrtpProfile::kNullHmacSha1_80:
    case proto::SrtpProfile::kNullHmacSha1_32:
    case proto::SrtpProfile::kNone:
    case proto::SrtpProfile::kDtlsRecords:
      break;
  }
  WEIR_ASSERT(false);
}

class Libsrtp2 : public Baseline {
 public:
  explicit Libsrtp2(const Workload& workload) {
    static const bool ready = srtp_init() == srtp_err_status_ok;
    WEIR_ASSERT(ready);
    for (const Stream& stream : workload.streams()) {
      senders_.push_back(make(workload.profile(), stream, ssrc_any_outbound));
      receivers_.push_back(make(workload.profile(), stream, ssrc_any_inbound));
    }
  }
  ~Libsrtp2() override {
    for (srtp_t session : senders_) srtp_dealloc(session);
    for (srtp_t session : receivers_) srtp_dealloc(session);
  }

  void protect(Packet& packet) override {
    int bytes = static_cast<int>(packet.bytes);
    WEIR_ASSERT(srtp_protect(senders_[packet.stream], packet.data, &bytes) == srtp_err_status_ok);
    packet.bytes = static_cast<std::uint32_t>(bytes);
  }
  void unprotect(Packet& packet) override {
    int bytes = static_cast<int>(packet.bytes);
    WEIR_ASSERT(srtp_unprotect(receivers_[packet.stream], packet.data, &bytes) == srtp_err_status_ok);
    packet.bytes = static_cast<std::uint32_t>(bytes);
  }

 private:
  static srtp_t make(proto::SrtpProfile profile, const Stream& stream, srtp_ssrc_type_t type) {
    const proto::SrtpProfileInfo& info = proto::srtp_profile(profile);
    std::uint8_t key[64];
    std::memcpy(key, stream.master.key.data(), info.key_bytes);
    std::memcpy(key + info.key_bytes, stream.master.salt.data(), info.salt_bytes);
    srtp_policy_t policy{};
    set_suite(policy.rtp, policy.rtcp, profile);
    policy.ssrc.type = type;
    policy.key = key;
    policy.window_size = 128;
    srtp_t session = nullptr;
    WEIR_ASSERT(srtp_create(&session, &policy) == srtp_err_status_ok);
    return session;
  }

  std::vector<srtp_t> senders_;
  std::vector<srtp_t> receivers_;
};

}  // namespace

std::unique_ptr<Baseline> make_libsrtp2(const Workload& workload) {
  return std::make_unique<Libsrtp2>(workload);
}

}  // namespace weir::bench
