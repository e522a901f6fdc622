#include "controlplane/rsa_sha1.h"

namespace weir::controlplane {
namespace {

const std::uint8_t* as_bytes(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

bool is_usable(EVP_PKEY* key) {
  return key != nullptr && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= kRsaSha1BitsMin;
}

}  // namespace

bool rsa_sha1_verifies(EVP_PKEY* key, std::string_view text, proto::Bytes signature) {
  if (!is_usable(key)) return false;
  const DigestContextHandle context(EVP_MD_CTX_new());
  const bool right =
      context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha1(), nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), as_bytes(text), text.size()) == 1;
  if (!right) (void)openssl_error("");  // whose queue they would stay in
  return right;
}

proto::Result<std::string> rsa_sha1_sign(EVP_PKEY* key, std::string_view text) {
  if (!is_usable(key)) return proto::Error{"no RSA key of 1024 bits or more"};
  const DigestContextHandle context(EVP_MD_CTX_new());
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)), '\0');
  std::size_t bytes = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha1(), nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<std::uint8_t*>(signature.data()), &bytes, as_bytes(text),
                     text.size()) != 1) {
    return proto::Error{"cannot sign with SHA-1: " + openssl_error("OpenSSL gives no reason")};
  }
  signature.resize(bytes);
  return signature;
}

}  // namespace weir::controlplane
