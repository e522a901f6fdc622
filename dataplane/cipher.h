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

  /// Adds a message to the AES-CM batch, in place; `bytes` may be 0. `iv` is copied.
  void counter_add(const AesCmKeys& keys, std::uint8_t* message, std::uint64_t bytes,
                   const std::array<std::uint8_t, 16>& iv) {
    if (bytes == 0) return;
    const std::uint32_t at = counter_count_++;
    counter_ivs_[at] = iv;
    IMB_JOB& job = counter_jobs_[at];
    job.src = message;
    job.dst = message;
    job.msg_len_to_cipher_in_bytes = bytes;
    job.enc_keys = keys.schedule.data();
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
  void gcm_encrypt(proto::SrtpProfile profile, const GcmKeys& keys, const GcmMessage& message);
  /// Decrypts and writes the tag that the message should have had: the caller compares, and never passes the text on if
  /// they differ.
  void gcm_decrypt(proto::SrtpProfile profile, const GcmKeys& keys, const GcmMessage& message);

 private:
  Cipher() = default;

  IMB_MGR* manager_ = nullptr;
  std::uint32_t hmac_count_ = 0;
  std::uint32_t counter_count_ = 0;
  alignas(64) std::array<IMB_JOB, kBurstMax> hmac_jobs_;
  alignas(64) std::array<IMB_JOB, kBurstMax> counter_jobs_;
  alignas(64) Column<Digest> digests_;
  alignas(64) Column<std::array<std::uint8_t, 16>> counter_ivs_;
};

/// Equal, in a time that depends on `bytes` alone.
bool equal_constant_time(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes);

}  // namespace weir::dataplane
