#include "controlplane/digest_nonce.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>

#include "controlplane/hex.h"
#include "proto/assert.h"
#include "proto/bytes.h"

namespace weir::controlplane {
namespace {

constexpr std::size_t kNonceBytes = 32;

}  // namespace

DigestNonces::DigestNonces(std::uint64_t lifetime_ns) : lifetime_ns_(lifetime_ns) {
  WEIR_ASSERT(RAND_bytes(secret_->data(), static_cast<int>(secret_->size())) == 1);
}

DigestNonces::Mac DigestNonces::mac_of(const Stamp& stamp, std::string_view domain, const Source& source) const {
  std::string text(reinterpret_cast<const char*>(stamp.data()), stamp.size());
  text += static_cast<char>(source.first);
  text.append(reinterpret_cast<const char*>(source.second.data()), source.second.size());
  text += domain;
  std::array<std::uint8_t, 32> full;
  unsigned bytes = 0;
  const unsigned char* made =
      HMAC(EVP_sha256(), secret_->data(), static_cast<int>(secret_->size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), full.data(), &bytes);
  WEIR_ASSERT(made != nullptr && bytes == full.size());
  Mac mac;
  std::copy_n(full.begin(), mac.size(), mac.begin());
  return mac;
}

std::string DigestNonces::make(std::uint64_t now_ns, std::string_view domain, const Source& source) {
  Stamp stamp;
  proto::store_be64(stamp.data(), now_ns);
  proto::store_be64(stamp.data() + 8, ++serial_last_);
  return to_hex(stamp) + to_hex(mac_of(stamp, domain, source));
}

std::optional<std::uint64_t> DigestNonces::read(std::uint64_t now_ns, std::string_view nonce, std::string_view domain,
                                                const Source& source) const {
  std::array<std::uint8_t, kNonceBytes> bytes;
  if (!from_hex(nonce, bytes)) return std::nullopt;
  Stamp stamp;
  std::copy_n(bytes.begin(), stamp.size(), stamp.begin());
  const Mac mac = mac_of(stamp, domain, source);
  if (CRYPTO_memcmp(mac.data(), bytes.data() + stamp.size(), mac.size()) != 0) return std::nullopt;
  if (now_ns > proto::load_be64(stamp.data()) + lifetime_ns_) return std::nullopt;
  return proto::load_be64(stamp.data() + 8);
}

bool NonceCounts::use(std::uint64_t serial, std::uint32_t count) {
  constexpr std::uint32_t kWindow = 64;
  auto found = windows_.find(serial);
  if (found == windows_.end()) {
    if (serial <= forgotten_to_) return false;
    if (windows_.size() >= nonces_max_) {
      forgotten_to_ = windows_.begin()->first;
      windows_.erase(windows_.begin());
      if (serial <= forgotten_to_) return false;
    }
    windows_.emplace(serial, Window{count, 1});
    return true;
  }
  Window& window = found->second;
  if (count > window.highest) {
    const std::uint32_t ahead = count - window.highest;
    window.used = ahead >= kWindow ? 1 : window.used << ahead | 1;
    window.highest = count;
    return true;
  }
  const std::uint32_t behind = window.highest - count;
  if (behind >= kWindow || (window.used >> behind & 1) != 0) return false;
  window.used |= std::uint64_t{1} << behind;
  return true;
}

}  // namespace weir::controlplane
