// The SRTP transforms' primitives over Intel ipsec-mb, in batches: the only place that knows that library.
// AES-CM (RFC 3711 section 4.1.1, RFC 6188), HMAC-SHA1 (RFC 3711 section 4.2.1), AES-GCM (RFC 7714).
#pragma once

#include <intel-ipsec-mb.h>

#include <array>
#include <cstdint>
#include <memory>

#include "dataplane/burst.h"
#include "dataplane/session_keys.h"
#include "proto/result.h"

namespace weir::dataplane {

inline constexpr std::size_t kGcmTagBytes = 16;

/// One worker's crypto engine. Jobs are laid out once; a batch only fills in pointers and lengths.
class Cipher {
 public:
  /// With the library's code for an architecture; IMB_ARCH_NONE: the best that this CPU has. Error: it cannot run on
  /// this CPU.
  static proto::Result<std::unique_ptr<Cipher>> create(IMB_ARCH architecture = IMB_ARCH_NONE);
  Cipher(const Cipher&) = delete;
  Cipher& operator=(const Cipher&) = delete;
  ~Cipher();

  /// Expands authentication key and salt of a profile with HMAC-SHA1.
  void expand(const proto::SessionKeys& keys, HmacKeys& expanded);
  /// What HMAC-SHA1 needs of a key of at most 64 bytes.
  void expand(proto::Bytes key, std::array<std::uint8_t, 20>& inner, std::array<std::uint8_t, 20>& outer);
  /// Expands session keys of a profile with AES-CM and HMAC-SHA1. Those of the NULL cipher as of AES-CM: with a key
  /// that nobody uses, but that tells it from another.
  void expand(proto::SrtpProfile profile, const proto::SessionKeys& keys, AesCmKeys& expanded);
  /// Expands session keys of AEAD_AES_128_GCM or AEAD_AES_256_GCM.
  void expand(proto::SrtpProfile profile, const proto::SessionKeys& keys, GcmKeys& expanded);
  /// The same of the cipher's key alone: the salt stays as it is.
  void expand(proto::SrtpProfile profile, const CipherKey& key, GcmKeys& expanded);

  /// Tells one packet kind's keys from another's without telling the keys: 64 bits of SHA-256 over cipher key and salt.
  std::uint64_t fingerprint(const CipherKeyAndSalt& keys);

  using Digest = std::array<std::uint8_t, 32>;  ///< the first 20 bytes are HMAC-SHA1's

  /// Adds a message to the HMAC batch. It must stay as it is until hmac_run().
  void hmac_add(const HmacKeys& keys, const std::uint8_t* message, std::uint64_t bytes) {
    hmac_add(keys.hmac_inner, keys.hmac_outer, {message, bytes});
  }
  void hmac_add(const std::array<std::uint8_t, 20>& inner, const std::array<std::uint8_t, 20>& outer,
                proto::Bytes message) {
    IMB_JOB& job = hmac_jobs_[hmac_count_++];
    job.src = message.data();
    job.msg_len_to_hash_in_bytes = message.size();
    job.u.HMAC._hashed_auth_key_xor_ipad = inner.data();
    job.u.HMAC._hashed_auth_key_xor_opad = outer.data();
  }
  /// Computes the batch. digest(k) is that of the k-th message added, valid until the next hmac_add.
  void hmac_run();
  [[nodiscard]] const Digest& digest(std::uint32_t message) const { return digests_[message]; }

  /// Adds a message to the profile's AES-CM batch, in place; `bytes` may be 0. Returns where its IV of 16 bytes is to
  /// be written.
  std::uint8_t* counter_add(proto::SrtpProfile profile, const AesCmKeys& keys, std::uint8_t* message,
                            std::uint64_t bytes) {
    return batch_of_[static_cast<std::size_t>(profile)]->add(keys.schedule.data(), message, bytes);
  }
  /// The same with a session key that no schedule is kept of. It is expanded for this message alone, and what comes of
  /// it is wiped by counter_run().
  std::uint8_t* counter_add_rare(proto::SrtpProfile profile, const CipherKey& key, std::uint8_t* message,
                                 std::uint64_t bytes);
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
  using Schedule = decltype(AesCmKeys::schedule);

  /// AES-CM messages of one key length: the library takes no others in one burst.
  struct CounterBatch {
    IMB_KEY_SIZE_BYTES key_bytes;
    std::uint32_t count = 0;
    alignas(64) std::array<IMB_JOB, kBurstMax> jobs;
    alignas(64) std::array<std::array<std::uint8_t, 16>, kBurstMax + 1> ivs;  ///< one more for empty messages

    std::uint8_t* add(const void* schedule, std::uint8_t* message, std::uint64_t bytes) {
      const std::uint32_t at = count;
      if (bytes == 0) return ivs[at].data();
      ++count;
      IMB_JOB& job = jobs[at];
      job.src = message;
      job.dst = message;
      job.msg_len_to_cipher_in_bytes = bytes;
      job.enc_keys = schedule;
      return ivs[at].data();
    }
  };

  Cipher() = default;

  void expand_schedule(std::uint8_t key_bytes, const CipherKey& key, Schedule& schedule);

  void gcm_run(aes_gcm_enc_dec_t run, const GcmKeys& keys, const GcmMessage& message) {
    run(reinterpret_cast<const gcm_key_data*>(keys.expanded.data()), &gcm_context_, message.text, message.text,
        message.text_bytes, message.nonce, message.aad, message.aad_bytes, message.tag, kGcmTagBytes);
  }

  IMB_MGR* manager_ = nullptr;
  gcm_context_data gcm_context_;  ///< the library's scratch space; single calls leave nothing in it that is used again
  std::uint32_t hmac_count_ = 0;
  std::uint32_t rare_count_ = 0;
  std::array<CounterBatch*, proto::kSrtpProfileCount> batch_of_{};  ///< by profile; nullptr: it has no AES-CM
  alignas(64) std::array<IMB_JOB, kBurstMax> hmac_jobs_;
  alignas(64) std::array<CounterBatch, 3> counter_batches_;  ///< of AES-128, -192, -256
  alignas(64) Column<Digest> digests_;
  alignas(64) Column<Schedule> rare_schedules_;  ///< of counter_add_rare, until counter_run
};

}  // namespace weir::dataplane
