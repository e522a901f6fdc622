#include "controlplane/gruu.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>

#include "controlplane/hex.h"
#include "controlplane/openssl_handles.h"
#include "proto/assert.h"
#include "proto/bytes.h"
#include "sip/text.h"

namespace weir::controlplane {
namespace {

constexpr std::string_view kPrefix = "tgruu.";
/// In front of what is encrypted: no two blocks are alike (appendix A.2, D).
constexpr std::size_t kDistinguisherBytes = 6;
constexpr std::size_t kNumberBytes = 6;
constexpr std::size_t kCipherKeyBytes = 16;

/// RFC 3261 section 25.1, paramchar without escapes.
bool is_parameter_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || sip::is_digit(c) ||
           std::string_view("-_.!~*'()[]/:&+$").find(c) != std::string_view::npos;
  });
}

}  // namespace

std::optional<sip::Uri> public_gruu(std::string_view user, std::string_view domain, std::string_view instance) {
  if (!instance.starts_with("\"<") || !instance.ends_with(">\"") || instance.size() < 4) return std::nullopt;
  const std::string_view urn = instance.substr(2, instance.size() - 4);
  const bool named = urn.size() > 4 && sip::equals_without_case(urn.substr(0, 4), "urn:");
  if (!named || urn.size() > kGruuUrnBytesMax || !is_parameter_text(urn)) return std::nullopt;
  sip::Uri uri = sip::make_sip_uri(user, domain);
  uri.parameters.set("gr", urn);
  return uri;
}

TemporaryGruus::Block TemporaryGruus::cipher(const Block& block, bool encrypt) const {
  const CipherContextHandle context(EVP_CIPHER_CTX_new());
  Block out;
  int bytes = 0;
  const bool done =
      context && EVP_CipherInit_ex(context.get(), EVP_aes_128_ecb(), nullptr, keys_->data(), nullptr, encrypt) == 1 &&
      EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1 &&
      EVP_CipherUpdate(context.get(), out.data(), &bytes, block.data(), static_cast<int>(block.size())) == 1;
  WEIR_ASSERT(done && bytes == static_cast<int>(out.size()));
  return out;
}

TemporaryGruus::Mac TemporaryGruus::mac_of(const Block& block) const {
  std::array<std::uint8_t, 32> full;
  unsigned bytes = 0;
  const unsigned char* made =
      HMAC(EVP_sha256(), keys_->data() + kCipherKeyBytes, static_cast<int>(keys_->size() - kCipherKeyBytes),
           block.data(), block.size(), full.data(), &bytes);
  WEIR_ASSERT(made != nullptr && bytes == full.size());
  Mac mac;
  std::copy_n(full.begin(), mac.size(), mac.begin());
  return mac;
}

std::string TemporaryGruus::make(const GruuEpoch& what) const {
  Block plain;
  WEIR_ASSERT(RAND_bytes(plain.data(), kDistinguisherBytes) == 1);
  for (std::size_t i = 0; i < kNumberBytes; ++i) {
    plain[kDistinguisherBytes + i] = static_cast<std::uint8_t>(what.binding >> (8 * (kNumberBytes - 1 - i)));
  }
  proto::store_be32(plain.data() + kDistinguisherBytes + kNumberBytes, what.epoch);
  const Block block = cipher(plain, true);
  return std::string(kPrefix) + to_hex(block) + to_hex(mac_of(block));
}

std::optional<GruuEpoch> TemporaryGruus::read(std::string_view user) const {
  if (!user.starts_with(kPrefix)) return std::nullopt;
  std::array<std::uint8_t, std::tuple_size_v<Block> + std::tuple_size_v<Mac>> bytes;
  if (!from_hex(user.substr(kPrefix.size()), bytes)) return std::nullopt;
  Block block;
  std::copy_n(bytes.begin(), block.size(), block.begin());
  const Mac mac = mac_of(block);
  if (CRYPTO_memcmp(mac.data(), bytes.data() + block.size(), mac.size()) != 0) return std::nullopt;
  const Block plain = cipher(block, false);
  GruuEpoch what;
  for (std::size_t i = 0; i < kNumberBytes; ++i) what.binding = what.binding << 8 | plain[kDistinguisherBytes + i];
  what.epoch = proto::load_be32(plain.data() + kDistinguisherBytes + kNumberBytes);
  return what;
}

}  // namespace weir::controlplane
