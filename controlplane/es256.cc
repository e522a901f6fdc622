#include "controlplane/es256.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <algorithm>
#include <memory>

#include "proto/assert.h"

namespace weir::controlplane {
namespace {

constexpr std::size_t kHalfBytes = kEs256SignatureBytes / 2;
/// A SEQUENCE of two INTEGERs, each with a zero before its first bit.
constexpr std::size_t kDerBytesMax = 2 + 2 * (2 + 1 + kHalfBytes);

using Digest = std::array<std::uint8_t, SHA256_DIGEST_LENGTH>;

/// Looked up once: by name it costs a tenth of a signature.
const EVP_MD* sha256() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  WEIR_ASSERT(algorithm != nullptr);
  return algorithm;
}

Digest digest_of(proto::Bytes bytes) {
  Digest digest;
  WEIR_ASSERT(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, sha256(), nullptr) == 1);
  return digest;
}

/// Writes an unsigned number as DER's INTEGER; where it ends.
std::uint8_t* put_integer(std::uint8_t* at, proto::Bytes number) {
  while (number.size() > 1 && number.front() == 0) number = number.subspan(1);
  const bool padded = (number.front() & 0x80) != 0;
  *at++ = 0x02;
  *at++ = static_cast<std::uint8_t>(number.size() + (padded ? 1 : 0));
  if (padded) *at++ = 0;
  return std::copy(number.begin(), number.end(), at);
}

/// A signature as OpenSSL wants it; its bytes.
std::size_t put_der(std::array<std::uint8_t, kDerBytesMax>& der, proto::Bytes signature) {
  const std::uint8_t* const end =
      put_integer(put_integer(der.data() + 2, signature.first(kHalfBytes)), signature.subspan(kHalfBytes));
  const auto bytes = static_cast<std::size_t>(end - der.data());
  der[0] = 0x30;
  der[1] = static_cast<std::uint8_t>(bytes - 2);
  return bytes;
}

/// The other way; false if it is no such signature.
bool take_der(proto::Bytes der, Es256Signature& signature) {
  struct Deleter {
    void operator()(ECDSA_SIG* pair) const { ECDSA_SIG_free(pair); }
  };
  const std::uint8_t* at = der.data();
  const std::unique_ptr<ECDSA_SIG, Deleter> pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  const int half = static_cast<int>(kHalfBytes);
  return pair != nullptr && BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), signature.data(), half) == half &&
         BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), signature.data() + half, half) == half;
}

}  // namespace

bool is_p256(EVP_PKEY* key) {
  char group[32] = "";
  std::size_t bytes = 0;
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, group, sizeof group, &bytes) == 1 &&
         std::string_view(group) == "prime256v1";
}

bool es256_verifies(EVP_PKEY* key, proto::Bytes signed_bytes, proto::Bytes signature) {
  if (signature.size() != kEs256SignatureBytes || !is_p256(key)) return false;
  std::array<std::uint8_t, kDerBytesMax> der;
  const std::size_t der_bytes = put_der(der, signature);
  const Digest digest = digest_of(signed_bytes);
  const KeyContextHandle context(EVP_PKEY_CTX_new(key, nullptr));
  const bool right = context != nullptr && EVP_PKEY_verify_init(context.get()) == 1 &&
                     EVP_PKEY_verify(context.get(), der.data(), der_bytes, digest.data(), digest.size()) == 1;
  if (!right) (void)openssl_error("");  // whose queue they would stay in
  return right;
}

proto::Result<SigningKey> SigningKey::make(KeyHandle key) {
  if (key == nullptr) return proto::Error{"no key"};
  if (!is_p256(key.get())) return proto::Error{"no key of P-256, which ES256 wants"};
  return SigningKey(std::move(key));
}

proto::Result<SigningKey> SigningKey::parse(std::string_view pem) {
  const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  KeyHandle key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
  if (key == nullptr) return proto::Error{openssl_error("no private key") + " (a PEM private key is wanted)"};
  return make(std::move(key));
}

proto::Result<Es256Signature> SigningKey::sign(proto::Bytes bytes) const {
  const Digest digest = digest_of(bytes);
  const KeyContextHandle context(EVP_PKEY_CTX_new(key_.get(), nullptr));
  std::array<std::uint8_t, kDerBytesMax> der;
  std::size_t der_bytes = der.size();
  Es256Signature signature;
  if (context == nullptr || EVP_PKEY_sign_init(context.get()) != 1 ||
      EVP_PKEY_sign(context.get(), der.data(), &der_bytes, digest.data(), digest.size()) != 1 ||
      !take_der({der.data(), der_bytes}, signature)) {
    return proto::Error{"cannot sign: " + openssl_error("OpenSSL gives no reason")};
  }
  return signature;
}

}  // namespace weir::controlplane
