#include "controlplane/srtp_keys.h"

#include <algorithm>

#include "controlplane/openssl_handles.h"
#include "proto/assert.h"

namespace weir::controlplane {
namespace {

constexpr std::size_t kAesBlockBytes = 16;
/// The label lies above the 48-bit index (0, at derivation rate 0) in a 112-bit value: RFC 3711 section 4.3.1.
constexpr std::size_t kLabelOffset = 7;

const EVP_CIPHER* aes_counter_mode(std::size_t key_bytes) {
  switch (key_bytes) {
    case 16:
      return EVP_aes_128_ctr();
    case 24:
      return EVP_aes_192_ctr();
    case 32:
      return EVP_aes_256_ctr();
  }
  return nullptr;
}

Secret<proto::SessionKeys> derive_session(proto::SrtpProfile profile, const MasterKey& master, KeyLabel encryption,
                                          KeyLabel authentication, KeyLabel salt) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(profile);
  const proto::Bytes master_key(master.key.data(), info.key_bytes);
  const proto::Bytes master_salt(master.salt.data(), info.salt_bytes);
  Secret<proto::SessionKeys> keys;
  derive_key(master_key, master_salt, encryption, {keys->encryption.data(), info.key_bytes});
  derive_key(master_key, master_salt, salt, {keys->salt.data(), info.salt_bytes});
  if (info.auth_key_bytes != 0) {
    derive_key(master_key, master_salt, authentication, {keys->authentication.data(), info.auth_key_bytes});
  }
  return keys;
}

}  // namespace

MasterKeyPair split_exporter(proto::SrtpProfile profile, proto::Bytes exporter) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(profile);
  WEIR_ASSERT(exporter.size() == exporter_bytes(profile));
  std::size_t at = 0;
  const auto take = [&](std::uint8_t* to, std::size_t bytes) {
    std::copy_n(exporter.data() + at, bytes, to);
    at += bytes;
  };
  MasterKeyPair pair;
  take(pair.client_write->key.data(), info.key_bytes);
  take(pair.server_write->key.data(), info.key_bytes);
  take(pair.client_write->salt.data(), info.salt_bytes);
  take(pair.server_write->salt.data(), info.salt_bytes);
  return pair;
}

void derive_key(proto::Bytes master_key, proto::Bytes master_salt, KeyLabel label, proto::MutableBytes out) {
  const EVP_CIPHER* cipher = aes_counter_mode(master_key.size());
  WEIR_ASSERT(cipher != nullptr && master_salt.size() <= proto::kSessionSaltBytesMax);
  // x = key_id XOR master_salt; the counter block is x * 2^16 (RFC 3711 section 4.3.3).
  Secret<std::array<std::uint8_t, kAesBlockBytes>> block;
  std::copy(master_salt.begin(), master_salt.end(), block->begin());
  (*block)[kLabelOffset] ^= static_cast<std::uint8_t>(label);

  const CipherContextHandle context(EVP_CIPHER_CTX_new());
  std::fill(out.begin(), out.end(), std::uint8_t{0});  // the keystream itself is the key
  int written = 0;
  WEIR_ASSERT(context != nullptr &&
              EVP_EncryptInit_ex(context.get(), cipher, nullptr, master_key.data(), block->data()) == 1 &&
              EVP_EncryptUpdate(context.get(), out.data(), &written, out.data(), static_cast<int>(out.size())) == 1 &&
              written == static_cast<int>(out.size()));
}

Secret<proto::SessionKeys> derive_rtp_keys(proto::SrtpProfile profile, const MasterKey& master) {
  return derive_session(profile, master, KeyLabel::kRtpEncryption, KeyLabel::kRtpAuthentication, KeyLabel::kRtpSalt);
}

Secret<proto::SessionKeys> derive_rtcp_keys(proto::SrtpProfile profile, const MasterKey& master) {
  return derive_session(profile, master, KeyLabel::kRtcpEncryption, KeyLabel::kRtcpAuthentication, KeyLabel::kRtcpSalt);
}

Secret<proto::TransformSpec> make_transform(proto::SrtpProfile profile, const MasterKey& rtp, const MasterKey& rtcp) {
  Secret<proto::TransformSpec> transform;
  transform->profile = profile;
  transform->rtp = *derive_rtp_keys(profile, rtp);
  transform->rtcp = *derive_rtcp_keys(profile, rtcp);
  return transform;
}

}  // namespace weir::controlplane
