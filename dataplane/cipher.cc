#include "dataplane/cipher.h"

#include <cstring>

#include "proto/assert.h"
#include "proto/bytes.h"

namespace weir::dataplane {
namespace {

constexpr std::size_t kSha1BlockBytes = 64;
constexpr std::size_t kSha1DigestBytes = 20;
constexpr std::array kCounterKeyBytes = {IMB_KEY_128_BYTES, IMB_KEY_192_BYTES, IMB_KEY_256_BYTES};
constexpr std::uint8_t kInnerPad = 0x36;  // RFC 2104
constexpr std::uint8_t kOuterPad = 0x5c;

static_assert(sizeof(GcmKeys) >= sizeof(gcm_key_data) && alignof(GcmKeys) >= alignof(gcm_key_data));
static_assert(sizeof(gcm_key_data::expanded_keys) + sizeof(gcm_key_data::ghash_keys) == sizeof(GcmKeys::expanded),
              "the salt lies where ipsec-mb writes");

gcm_key_data* library_key(GcmKeys& keys) {
  return reinterpret_cast<gcm_key_data*>(keys.expanded.data());
}

/// SHA-1 state after the one block that key xor pad fills: half of an HMAC, done once per key.
void hash_pad(IMB_MGR* manager, proto::Bytes key, std::uint8_t pad, std::array<std::uint8_t, kSha1DigestBytes>& state) {
  WEIR_ASSERT(key.size() <= kSha1BlockBytes);
  std::array<std::uint8_t, kSha1BlockBytes> block;
  block.fill(pad);
  for (std::size_t i = 0; i < key.size(); ++i) block[i] = static_cast<std::uint8_t>(key[i] ^ pad);
  IMB_SHA1_ONE_BLOCK(manager, block.data(), state.data());
  proto::wipe(block.data(), block.size());
}

void init_manager(IMB_MGR* manager, IMB_ARCH architecture) {
  switch (architecture) {
    case IMB_ARCH_SSE:
      return init_mb_mgr_sse(manager);
    case IMB_ARCH_AVX:
      return init_mb_mgr_avx(manager);
    case IMB_ARCH_AVX2:
      return init_mb_mgr_avx2(manager);
    case IMB_ARCH_AVX512:
      return init_mb_mgr_avx512(manager);
    case IMB_ARCH_NONE:
    case IMB_ARCH_NOAESNI:
    case IMB_ARCH_NUM:
      return init_mb_mgr_auto(manager, nullptr);
  }
}

IMB_JOB hmac_job() {
  IMB_JOB job{};
  job.cipher_mode = IMB_CIPHER_NULL;
  job.cipher_direction = IMB_DIR_ENCRYPT;
  job.hash_alg = IMB_AUTH_HMAC_SHA_1;
  job.chain_order = IMB_ORDER_HASH_CIPHER;
  job.auth_tag_output_len_in_bytes = kSha1DigestBytes;
  return job;
}

IMB_JOB counter_job(IMB_KEY_SIZE_BYTES key_bytes) {
  IMB_JOB job{};
  job.cipher_mode = IMB_CIPHER_CNTR;
  job.cipher_direction = IMB_DIR_ENCRYPT;
  job.hash_alg = IMB_AUTH_NULL;
  job.chain_order = IMB_ORDER_CIPHER_HASH;
  job.key_len_in_bytes = key_bytes;
  job.iv_len_in_bytes = 16;
  return job;
}

}  // namespace

proto::Result<std::unique_ptr<Cipher>> Cipher::create(IMB_ARCH architecture) {
  std::unique_ptr<Cipher> cipher(new Cipher);
  cipher->manager_ = alloc_mb_mgr(0);
  if (cipher->manager_ == nullptr) return proto::Error{"ipsec-mb found no memory for its state"};
  init_manager(cipher->manager_, architecture);
  if (const int error = imb_get_errno(cipher->manager_); error != 0) {
    return proto::Error{std::string("ipsec-mb cannot run on this CPU: ") + imb_get_strerror(error)};
  }
  for (std::size_t i = 0; i < kBurstMax; ++i) {
    cipher->hmac_jobs_[i] = hmac_job();
    cipher->hmac_jobs_[i].auth_tag_output = cipher->digests_[i].data();
  }
  for (std::size_t b = 0; b < kCounterKeyBytes.size(); ++b) {
    CounterBatch& batch = cipher->counter_batches_[b];
    batch.key_bytes = kCounterKeyBytes[b];
    for (std::size_t i = 0; i < kBurstMax; ++i) {
      batch.jobs[i] = counter_job(batch.key_bytes);
      batch.jobs[i].iv = batch.ivs[i].data();
    }
    for (const proto::SrtpProfileInfo& info : proto::kSrtpProfiles) {
      if (info.aead || info.key_bytes != batch.key_bytes || proto::is_null_cipher(info.profile)) continue;
      cipher->batch_of_[static_cast<std::size_t>(info.profile)] = &batch;
    }
  }
  return cipher;
}

Cipher::~Cipher() {
  if (manager_ == nullptr) return;
  proto::wipe(&gcm_context_, sizeof gcm_context_);
  proto::wipe(manager_, imb_get_mb_mgr_size());
  free_mb_mgr(manager_);
}

void Cipher::expand_schedule(std::uint8_t key_bytes, const CipherKey& key, Schedule& schedule) {
  alignas(16) Schedule decryption;  // unused: counter mode only encrypts
  switch (key_bytes) {
    case IMB_KEY_128_BYTES:
      IMB_AES_KEYEXP_128(manager_, key.data(), schedule.data(), decryption.data());
      break;
    case IMB_KEY_192_BYTES:
      IMB_AES_KEYEXP_192(manager_, key.data(), schedule.data(), decryption.data());
      break;
    case IMB_KEY_256_BYTES:
      IMB_AES_KEYEXP_256(manager_, key.data(), schedule.data(), decryption.data());
      break;
  }
  proto::wipe(decryption.data(), decryption.size());
}

void Cipher::expand(proto::Bytes key, std::array<std::uint8_t, 20>& inner, std::array<std::uint8_t, 20>& outer) {
  hash_pad(manager_, key, kInnerPad, inner);
  hash_pad(manager_, key, kOuterPad, outer);
}

void Cipher::expand(const proto::SessionKeys& keys, HmacKeys& expanded) {
  expand(keys.authentication, expanded.hmac_inner, expanded.hmac_outer);
  expanded.salt = {};
  std::memcpy(expanded.salt.data(), keys.salt.data(), keys.salt.size());
}

void Cipher::expand(proto::SrtpProfile profile, const proto::SessionKeys& keys, AesCmKeys& expanded) {
  expand(keys, expanded.hmac);
  expand_schedule(proto::srtp_profile(profile).key_bytes, keys.encryption, expanded.schedule);
}

void Cipher::expand(proto::SrtpProfile profile, const proto::SessionKeys& keys, GcmKeys& expanded) {
  expand(profile, keys.encryption, expanded);
  std::memcpy(expanded.salt.data(), keys.salt.data(), expanded.salt.size());
}

void Cipher::expand(proto::SrtpProfile profile, const CipherKey& key, GcmKeys& expanded) {
  WEIR_ASSERT(proto::srtp_profile(profile).aead);
  if (profile == proto::SrtpProfile::kAeadAes128Gcm) {
    IMB_AES128_GCM_PRE(manager_, key.data(), library_key(expanded));
  } else {
    IMB_AES256_GCM_PRE(manager_, key.data(), library_key(expanded));
  }
}

std::uint64_t Cipher::fingerprint(const CipherKeyAndSalt& keys) {
  std::array<std::uint8_t, proto::kSessionKeyBytesMax + proto::kSessionSaltBytesMax> secret;
  std::memcpy(secret.data(), keys.key.data(), keys.key.size());
  std::memcpy(secret.data() + keys.key.size(), keys.salt.data(), keys.salt.size());
  std::array<std::uint8_t, 32> digest;
  IMB_SHA256(manager_, secret.data(), secret.size(), digest.data());
  proto::wipe(secret.data(), secret.size());
  return proto::load_be64(digest.data());
}

void Cipher::hmac_run() {
  if (hmac_count_ == 0) return;
  const std::uint32_t done =
      IMB_SUBMIT_HASH_BURST_NOCHECK(manager_, hmac_jobs_.data(), hmac_count_, IMB_AUTH_HMAC_SHA_1);
  WEIR_ASSERT(done == hmac_count_);
  hmac_count_ = 0;
}

std::uint8_t* Cipher::counter_add_rare(proto::SrtpProfile profile, const CipherKey& key, std::uint8_t* message,
                                       std::uint64_t bytes) {
  CounterBatch& batch = *batch_of_[static_cast<std::size_t>(profile)];
  if (bytes == 0) return batch.add(nullptr, message, bytes);
  Schedule& schedule = rare_schedules_[rare_count_++];
  expand_schedule(static_cast<std::uint8_t>(batch.key_bytes), key, schedule);
  return batch.add(schedule.data(), message, bytes);
}

void Cipher::counter_run() {
  for (CounterBatch& batch : counter_batches_) {
    if (batch.count == 0) continue;
    const std::uint32_t done = IMB_SUBMIT_CIPHER_BURST_NOCHECK(manager_, batch.jobs.data(), batch.count,
                                                               IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT, batch.key_bytes);
    WEIR_ASSERT(done == batch.count);
    batch.count = 0;
  }
  if (rare_count_ == 0) return;
  proto::wipe(rare_schedules_.data(), rare_count_ * sizeof(Schedule));
  rare_count_ = 0;
}

}  // namespace weir::dataplane
