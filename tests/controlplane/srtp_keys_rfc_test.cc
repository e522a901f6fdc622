// Key derivation against RFC 3711 appendix B.3 and RFC 6188 sections 7.2 and 7.4, the AEAD salts of RFC 7714 section 11
// (whose own vectors start from session keys) against libsrtp2.
#include <gtest/gtest.h>
#include <openssl/hmac.h>
#include <srtp2/srtp.h>

#include <string>
#include <vector>

#include "controlplane/openssl_handles.h"
#include "controlplane/srtp_keys.h"
#include "tests/support/hex.h"

namespace weir::controlplane {
namespace {

using proto::SrtpProfile;
using tests::from_hex;
using tests::to_hex;

std::string derived(const char* key, const char* salt, KeyLabel label, std::size_t bytes) {
  std::vector<std::uint8_t> out(bytes);
  derive_key(from_hex(key), from_hex(salt), label, out);
  return to_hex(out);
}

TEST(SrtpKeysRfc, Rfc3711AppendixB3) {
  const char* key = "E1F97A0D3E018BE0D64FA32C06DE4139";
  const char* salt = "0EC675AD498AFEEBB6960B3AABE6";
  EXPECT_EQ(derived(key, salt, KeyLabel::kRtpEncryption, 16), "c61e7a93744f39ee10734afe3ff7a087");
  EXPECT_EQ(derived(key, salt, KeyLabel::kRtpSalt, 14), "30cbbc08863d8c85d49db34a9ae1");
  EXPECT_EQ(derived(key, salt, KeyLabel::kRtpAuthentication, 94),
            "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbce"
            "e049646c43d9327ad175578ef72270986371c10c9a369ac2f94a8c5fbcdddc25"
            "6d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2");
}

TEST(SrtpKeysRfc, Rfc6188Section72Aes256) {
  const char* key = "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6";
  const char* salt = "3b04803de51ee7c96423ab5b78d2";
  EXPECT_EQ(derived(key, salt, KeyLabel::kRtpEncryption, 32),
            "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4");
  EXPECT_EQ(derived(key, salt, KeyLabel::kRtpSalt, 14), "fa31791685ca444a9e07c6c64e93");
  EXPECT_EQ(derived(key, salt, KeyLabel::kRtpAuthentication, 20), "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05");
}

TEST(SrtpKeysRfc, Rfc6188Section74Aes192) {
  const char* key = "73edc66c4fa15776fb57f9505c17136550ffda71f3e8e5f1";
  const char* salt = "c8522f3acd4ce86d5add78edbb11";
  EXPECT_EQ(derived(key, salt, KeyLabel::kRtpEncryption, 24), "31874736a8f1143870c26e4857d8a5b2c4a354407faadabb");
  EXPECT_EQ(derived(key, salt, KeyLabel::kRtpSalt, 14), "2372b82d639b6d8503a47adc0a6c");
  EXPECT_EQ(derived(key, salt, KeyLabel::kRtpAuthentication, 20), "355b10973cd95b9eacf4061c7e1a7151e7cfbfcb");
}

/// What a profile's session keys are, from RFC 6188's master keys.
void expect_session_keys(SrtpProfile profile, const char* key, const char* salt, const char* session_key,
                         const char* session_salt) {
  MasterKey master{};
  const auto key_bytes = from_hex(key);
  const auto salt_bytes = from_hex(salt);
  std::copy(key_bytes.begin(), key_bytes.end(), master.key.begin());
  std::copy(salt_bytes.begin(), salt_bytes.end(), master.salt.begin());
  const Secret<proto::SessionKeys> rtp = derive_rtp_keys(profile, master);
  const Secret<proto::SessionKeys> rtcp = derive_rtcp_keys(profile, master);
  const std::size_t bytes = proto::srtp_profile(profile).key_bytes;
  EXPECT_EQ(to_hex({rtp->encryption.data(), bytes}), session_key);
  EXPECT_EQ(to_hex({rtp->salt.data(), 14}), session_salt);
  EXPECT_EQ(to_hex({rtcp->encryption.data(), bytes}), derived(key, salt, KeyLabel::kRtcpEncryption, bytes));
  EXPECT_EQ(std::count(rtp->encryption.begin() + static_cast<std::ptrdiff_t>(bytes), rtp->encryption.end(), 0),
            static_cast<std::ptrdiff_t>(rtp->encryption.size() - bytes));
}

TEST(SrtpKeysRfc, Rfc6188ProfilesDeriveWithTheirOwnKeyLength) {
  for (const SrtpProfile profile : {SrtpProfile::kAes256CmHmacSha1_80, SrtpProfile::kAes256CmHmacSha1_32}) {
    expect_session_keys(
        profile, "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6", "3b04803de51ee7c96423ab5b78d2",
        "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4", "fa31791685ca444a9e07c6c64e93");
  }
  for (const SrtpProfile profile : {SrtpProfile::kAes192CmHmacSha1_80, SrtpProfile::kAes192CmHmacSha1_32}) {
    expect_session_keys(profile, "73edc66c4fa15776fb57f9505c17136550ffda71f3e8e5f1", "c8522f3acd4ce86d5add78edbb11",
                        "31874736a8f1143870c26e4857d8a5b2c4a354407faadabb", "2372b82d639b6d8503a47adc0a6c");
  }
}

TEST(SrtpKeys, ExporterOutputIsSplitAsRfc5764Section42Says) {
  for (const auto& [profile, bytes] :
       {std::pair{SrtpProfile::kAesCm128HmacSha1_80, 60u}, std::pair{SrtpProfile::kAesCm128HmacSha1_32, 60u},
        std::pair{SrtpProfile::kAeadAes128Gcm, 56u}, std::pair{SrtpProfile::kAeadAes256Gcm, 88u}}) {
    ASSERT_EQ(exporter_bytes(profile), bytes);
    std::vector<std::uint8_t> exported(bytes);
    for (std::size_t i = 0; i < bytes; ++i) exported[i] = static_cast<std::uint8_t>(i + 1);
    const MasterKeyPair pair = split_exporter(profile, exported);
    const proto::SrtpProfileInfo& info = proto::srtp_profile(profile);
    EXPECT_EQ(pair.client_write->key[0], 1);
    EXPECT_EQ(pair.server_write->key[0], 1 + info.key_bytes);
    EXPECT_EQ(pair.client_write->salt[0], 1 + 2 * info.key_bytes);
    EXPECT_EQ(pair.server_write->salt[0], 1 + 2 * info.key_bytes + info.salt_bytes);
    EXPECT_EQ(pair.server_write->salt[info.salt_bytes - 1], bytes);
    if (info.salt_bytes < 14) {
      EXPECT_EQ(pair.server_write->salt[13], 0);
    }
  }
}

TEST(SrtpKeys, ASecretIsWipedWhenItGoes) {
  alignas(Secret<MasterKey>) std::uint8_t memory[sizeof(Secret<MasterKey>)];
  auto* secret = new (memory) Secret<MasterKey>;
  (*secret)->key.fill(0xaa);
  secret->~Secret();
  EXPECT_EQ(std::count(std::begin(memory), std::end(memory), 0xaa), 0);
}

// libsrtp2 as the oracle: it derives from the master key and protects; here the derived session keys take that apart.

constexpr std::uint32_t kSsrc = 0xcafebabe;

void set_policy(SrtpProfile profile, srtp_policy_t& policy) {
  switch (profile) {
    case SrtpProfile::kAesCm128HmacSha1_80:
    case SrtpProfile::kNone:
    case SrtpProfile::kDtlsRecords:
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
    case SrtpProfile::kAes192CmHmacSha1_80:
    case SrtpProfile::kAes192CmHmacSha1_32:
      FAIL() << "libsrtp2 2.5 derives AES-192 keys as RFC 6188 does not";
  }
}

/// AES-GCM open: plaintext, or empty if the tag is wrong.
std::vector<std::uint8_t> open_gcm(proto::Bytes key, proto::Bytes iv, proto::Bytes aad, proto::Bytes sealed) {
  const CipherContextHandle context(EVP_CIPHER_CTX_new());
  const std::size_t text_bytes = sealed.size() - 16;
  std::vector<std::uint8_t> text(text_bytes);
  std::vector<std::uint8_t> tag(sealed.end() - 16, sealed.end());
  int written = 0;
  EVP_DecryptInit_ex(context.get(), key.size() == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm(), nullptr, key.data(),
                     iv.data());
  EVP_DecryptUpdate(context.get(), nullptr, &written, aad.data(), static_cast<int>(aad.size()));
  EVP_DecryptUpdate(context.get(), text.data(), &written, sealed.data(), static_cast<int>(text_bytes));
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, 16, tag.data());
  if (EVP_DecryptFinal_ex(context.get(), text.data(), &written) != 1) return {};
  return text;
}

std::vector<std::uint8_t> run_aes_cm(proto::Bytes key, proto::Bytes iv, proto::Bytes text) {
  const CipherContextHandle context(EVP_CIPHER_CTX_new());
  std::vector<std::uint8_t> out(text.size());
  int written = 0;
  EVP_EncryptInit_ex(context.get(), key.size() == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), nullptr, key.data(),
                     iv.data());
  EVP_EncryptUpdate(context.get(), out.data(), &written, text.data(), static_cast<int>(text.size()));
  return out;
}

std::vector<std::uint8_t> decrypted(SrtpProfile profile, proto::Bytes key, proto::Bytes iv, proto::Bytes text) {
  if (proto::is_null_cipher(profile)) return {text.begin(), text.end()};
  return run_aes_cm(key, iv, text);
}

std::string hmac_sha1(proto::Bytes key, proto::Bytes first, std::uint32_t then, std::size_t tag_bytes) {
  std::vector<std::uint8_t> text(first.begin(), first.end());
  text.resize(text.size() + 4);
  proto::store_be32(text.data() + text.size() - 4, then);
  std::uint8_t digest[20];
  unsigned bytes = 0;
  HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), text.data(), text.size(), digest, &bytes);
  return to_hex({digest, tag_bytes});
}

class SrtpKeysAgainstLibsrtp : public testing::TestWithParam<SrtpProfile> {
 protected:
  void SetUp() override {
    ASSERT_EQ(srtp_init(), srtp_err_status_ok);
    for (std::size_t i = 0; i < 32; ++i) master_.key[i] = static_cast<std::uint8_t>(i * 7 + 1);
    for (std::size_t i = 0; i < 14; ++i) master_.salt[i] = static_cast<std::uint8_t>(0xa0 + i);
    const proto::SrtpProfileInfo& info = proto::srtp_profile(GetParam());
    std::vector<std::uint8_t> key(master_.key.begin(), master_.key.begin() + info.key_bytes);
    key.insert(key.end(), master_.salt.begin(), master_.salt.begin() + info.salt_bytes);
    srtp_policy_t policy{};
    set_policy(GetParam(), policy);
    policy.ssrc.type = ssrc_any_outbound;
    policy.key = key.data();
    ASSERT_EQ(srtp_create(&session_, &policy), srtp_err_status_ok);
  }
  void TearDown() override {
    srtp_dealloc(session_);
    srtp_shutdown();
  }

  MasterKey master_{};
  srtp_t session_ = nullptr;
};

TEST_P(SrtpKeysAgainstLibsrtp, OpenWhatItProtectsAsRtp) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(GetParam());
  const std::vector<std::uint8_t> payload(160, 0xd5);
  std::vector<std::uint8_t> packet = from_hex("80 08 1234 00000001 cafebabe");
  packet.insert(packet.end(), payload.begin(), payload.end());
  packet.resize(packet.size() + SRTP_MAX_TRAILER_LEN);
  int bytes = 172;
  ASSERT_EQ(srtp_protect(session_, packet.data(), &bytes), srtp_err_status_ok);
  ASSERT_EQ(bytes, 172 + info.srtp_tag_bytes);

  const Secret<proto::SessionKeys> keys = derive_rtp_keys(GetParam(), master_);
  const proto::Bytes key(keys->encryption.data(), info.key_bytes);
  const proto::Bytes header(packet.data(), 12);
  if (info.aead) {
    std::vector<std::uint8_t> iv = from_hex("0000 cafebabe 00000000 1234");  // RFC 7714 section 8.1
    for (std::size_t i = 0; i < 12; ++i) iv[i] ^= keys->salt[i];
    EXPECT_EQ(open_gcm(key, iv, header, {packet.data() + 12, 176}), payload);
  } else {
    std::vector<std::uint8_t> iv = from_hex("00000000 cafebabe 00000000 1234 0000");  // RFC 3711 section 4.1.1
    for (std::size_t i = 0; i < 14; ++i) iv[i] ^= keys->salt[i];
    EXPECT_EQ(decrypted(GetParam(), key, iv, {packet.data() + 12, 160}), payload);
    EXPECT_EQ(hmac_sha1(keys->authentication, {packet.data(), 172}, 0, info.srtp_tag_bytes),
              to_hex({packet.data() + 172, info.srtp_tag_bytes}));
  }
}

TEST_P(SrtpKeysAgainstLibsrtp, OpenWhatItProtectsAsRtcp) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(GetParam());
  std::vector<std::uint8_t> packet = from_hex("80 c9 0001 cafebabe 81ca0002 cafebabe 01020000");
  const std::vector<std::uint8_t> text(packet.begin() + 8, packet.end());
  packet.resize(packet.size() + SRTP_MAX_TRAILER_LEN + 4);
  int bytes = 20;
  ASSERT_EQ(srtp_protect_rtcp(session_, packet.data(), &bytes), srtp_err_status_ok);

  const Secret<proto::SessionKeys> keys = derive_rtcp_keys(GetParam(), master_);
  const proto::Bytes key(keys->encryption.data(), info.key_bytes);
  const std::size_t e_index_at = info.aead ? 20 + 16 : 20;
  const std::uint32_t e_index = proto::load_be32(packet.data() + e_index_at);
  std::vector<std::uint8_t> iv(info.aead ? 12 : 16);
  if (info.aead) {
    proto::store_be32(iv.data() + 2, kSsrc);  // RFC 7714 section 9.1
    proto::store_be32(iv.data() + 8, e_index & 0x7fffffff);
    for (std::size_t i = 0; i < 12; ++i) iv[i] ^= keys->salt[i];
    std::vector<std::uint8_t> aad(packet.begin(), packet.begin() + 8);
    aad.insert(aad.end(), packet.begin() + 36, packet.begin() + 40);
    EXPECT_EQ(open_gcm(key, iv, aad, {packet.data() + 8, 12 + 16}), text);
  } else {
    proto::store_be32(iv.data() + 4, kSsrc);
    proto::store_be32(iv.data() + 10, e_index & 0x7fffffff);
    for (std::size_t i = 0; i < 14; ++i) iv[i] ^= keys->salt[i];
    EXPECT_EQ(decrypted(GetParam(), key, iv, {packet.data() + 8, 12}), text);
    EXPECT_EQ(hmac_sha1(keys->authentication, {packet.data(), 20}, e_index, info.srtcp_tag_bytes),
              to_hex({packet.data() + 24, info.srtcp_tag_bytes}));
  }
}

INSTANTIATE_TEST_SUITE_P(Profiles, SrtpKeysAgainstLibsrtp,
                         testing::Values(SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAesCm128HmacSha1_32,
                                         SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm,
                                         SrtpProfile::kAes256CmHmacSha1_80, SrtpProfile::kAes256CmHmacSha1_32,
                                         SrtpProfile::kNullHmacSha1_80, SrtpProfile::kNullHmacSha1_32),
                         [](const auto& row) { return std::string(proto::srtp_profile(row.param).name); });

}  // namespace
}  // namespace weir::controlplane
