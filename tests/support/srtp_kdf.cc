#include "tests/support/srtp_kdf.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>

#include "proto/assert.h"

namespace weir::tests {
namespace {

constexpr std::size_t kLabelAt = 7;  // label * 2^48 in the 112-bit x (RFC 3711 section 4.3.1)

template <std::size_t kBytes>
void fill(std::array<std::uint8_t, kBytes>& out, proto::Bytes key, proto::Bytes salt, std::uint8_t label,
          std::size_t bytes) {
  const std::vector<std::uint8_t> derived = derive_srtp_key(key, salt, label, bytes);
  std::copy(derived.begin(), derived.end(), out.begin());
}

}  // namespace

std::vector<std::uint8_t> derive_srtp_key(proto::Bytes master_key, proto::Bytes master_salt, std::uint8_t label,
                                          std::size_t bytes) {
  std::array<std::uint8_t, 16> counter{};
  std::copy(master_salt.begin(), master_salt.end(), counter.begin());
  counter[kLabelAt] ^= label;
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                &EVP_CIPHER_CTX_free);
  const EVP_CIPHER* cipher = master_key.size() == 32   ? EVP_aes_256_ctr()
                             : master_key.size() == 24 ? EVP_aes_192_ctr()
                                                       : EVP_aes_128_ctr();
  WEIR_ASSERT(EVP_EncryptInit_ex(context.get(), cipher, nullptr, master_key.data(), counter.data()) == 1);
  std::vector<std::uint8_t> stream(bytes, 0);
  int written = 0;
  WEIR_ASSERT(EVP_EncryptUpdate(context.get(), stream.data(), &written, stream.data(), static_cast<int>(bytes)) == 1);
  return stream;
}

proto::TransformSpec derive_transform(proto::SrtpProfile profile, proto::Bytes master_key, proto::Bytes master_salt) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(profile);
  proto::TransformSpec transform{};
  transform.profile = profile;
  std::uint8_t label = 0;  // 0..2 for SRTP, 3..5 for SRTCP (RFC 3711 section 4.3.2)
  for (proto::SessionKeys* keys : {&transform.rtp, &transform.rtcp}) {
    fill(keys->encryption, master_key, master_salt, label, info.key_bytes);
    fill(keys->authentication, master_key, master_salt, static_cast<std::uint8_t>(label + 1), info.auth_key_bytes);
    fill(keys->salt, master_key, master_salt, static_cast<std::uint8_t>(label + 2), info.salt_bytes);
    label = static_cast<std::uint8_t>(label + 3);
  }
  return transform;
}

}  // namespace weir::tests
