// The SRTP transforms' primitives over Intel ipsec-mb, in batches: the only place that knows that library.
// AES-CM (RFC 3711 section 4.1.1), HMAC-SHA1 (section 4.2.1), AES-GCM (RFC 7714).
#pragma once

#include <intel-ipsec-mb.h>

#include <array>
#include <cstdint>
#include <memory>

#include "dataplane/burst.h"
#include "dataplane/flow_table.h"
#include "proto/result.h"

namespace weir::dataplane {

inline constexpr std::size_t kGcmTagBytes = 16;

/// One worker's crypto engine. Jobs are laid out once; a batch only fills in pointers and lengths.
class Cipher {
 public:
  /// Error: the library cannot run on this CPU.
  static proto::Result<std::unique_ptr<Cipher>> create();
  Cipher(const Cipher&) = delete;
  Cipher& operator=(const Cipher&) = delete;
  ~Cipher();

  /// Expands session keys of AES_CM_128_HMAC_SHA1_80 or _32.
  void expand(const proto::SessionKeys& keys, AesCmKeys& expanded);
  /// Expands session keys of AEAD_AES_128_GCM or AEAD_AES_256_GCM.
  void expand(proto::SrtpProfile profile, const proto::SessionKeys& keys, GcmKeys& expanded);

  using Digest = std::array<std::uint8_t, 32>;  ///< the first 20 bytes are HMAC-SHA1's

  /// Adds a message to the HMAC batch. It must stay as it is until hmac_run().
  void hmac_add(const AesCmKeys& keys, const std::uint8_t* message, std::uint64_t bytes) {
    IMB_JOB& job = hmac_jobs_[hmac_count_++];
    job.src = message;
    job.msg_len_to_hash_in_bytes = bytes;
    job.u.HMAC._hashed_auth_key_xor_ipad = keys.hmac_inner.data();
    job.u.HMAC._hashed_auth_key_xor_opad = keys.hmac_outer.data();
  }
  /// Computes the batch. digest(k) is that of the k-th message added, valid until the next hmac_add.
  void hmac_run();
  [[nodiscard]] const Digest& digest(std::uint32_t message) const { return digests_[message]; }

  /// Adds a message to the AES-CM batch, in place; `bytes` may be 0. Returns where its IV of 16 bytes is to be written.
  std::uint8_t* counter_add(const AesCmKeys& keys, std::uint8_t* message, std::uint64_t bytes) {
    const std::uint32_t at = counter_count_;
    if (bytes == 0) return counter_ivs_[at].data();
    ++counter_count_;
    IMB_JOB& job = counter_jobs_[at];
    job.src = message;
    job.dst = message;
    job.msg_len_to_cipher_in_bytes = bytes;
    job.enc_keys = keys.schedule.data();
    return counter_ivs_[at].data();
  }
  void counter_run();

  struct GcmMessage {
    const std::uint8_t* nonce;  ///< 12 bytes
    const std::uint8_t* aad;
    std::uint64_t aad_bytes;
    std::uint8_t* text;  ///< encrypted or decrypted in place
    std::uint64_t text_bytes;
    std::uint8_t* tag;  ///< 16 bytes, written
  };
  /// One message with expanded keys of the given profile.
  void gcm_encrypt(proto::SrtpProfile profile, const GcmKeys& keys, const GcmMessage& message) {
    gcm_run(profile == proto::SrtpProfile::kAeadAes128Gcm ? manager_->gcm128_enc : manager_->gcm256_enc, keys, message);
  }
  /// Decrypts and writes the tag that the message should have had: the caller compares, and never passes the text on if
  /// they differ.
  void gcm_decrypt(proto::SrtpProfile profile, const GcmKeys& keys, const GcmMessage& message) {
    gcm_run(profile == proto::SrtpProfile::kAeadAes128Gcm ? manager_->gcm128_dec : manager_->gcm256_dec, keys, message);
  }

 private:
  Cipher() = default;

  void gcm_run(aes_gcm_enc_dec_t run, const GcmKeys& keys, const GcmMessage& message) {
    run(reinterpret_cast<const gcm_key_data*>(keys.expanded.data()), &gcm_context_, message.text, message.text,
        message.text_bytes, message.nonce, message.aad, message.aad_bytes, message.tag, kGcmTagBytes);
  }

  IMB_MGR* manager_ = nullptr;
  gcm_context_data gcm_context_;  ///< the library's scratch space; single calls leave nothing in it that is used again
  std::uint32_t hmac_count_ = 0;
  std::uint32_t counter_count_ = 0;
  alignas(64) std::array<IMB_JOB, kBurstMax> hmac_jobs_;
  alignas(64) std::array<IMB_JOB, kBurstMax> counter_jobs_;
  alignas(64) Column<Digest> digests_;
  alignas(64) std::array<std::array<std::uint8_t, 16>, kBurstMax + 1> counter_ivs_;  ///< one more for empty messages
};

}  // namespace weir::dataplane
