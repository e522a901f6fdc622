#include "controlplane/dtls_cookie.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>

#include "proto/assert.h"

namespace weir::controlplane {
namespace {

void fill_random(std::uint8_t* at, std::size_t bytes) {
  // Without randomness there is no security to go on with.
  WEIR_ASSERT(RAND_bytes(at, static_cast<int>(bytes)) == 1);
}

}  // namespace

DtlsCookies::DtlsCookies() {
  fill_random(current_->data(), current_->size());
  fill_random(previous_->data(), previous_->size());
}

void DtlsCookies::rotate(std::uint64_t now_ns) {
  if (now_ns - rotated_ns_ < kRotationNs) return;
  // After a long pause the previous secret is old as well: it must not outlive its period.
  if (now_ns - rotated_ns_ < 2 * kRotationNs) {
    *previous_ = *current_;
  } else {
    fill_random(previous_->data(), previous_->size());
  }
  fill_random(current_->data(), current_->size());
  rotated_ns_ = now_ns;
}

DtlsCookie DtlsCookies::compute(const Key& key, const proto::Endpoint& source) {
  static_assert(sizeof(proto::Endpoint) == 20, "no padding: hashed as bytes");
  std::array<std::uint8_t, 32> full;
  unsigned bytes = 0;
  const unsigned char* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                                   reinterpret_cast<const unsigned char*>(&source), sizeof source, full.data(), &bytes);
  WEIR_ASSERT(made != nullptr && bytes == full.size());
  DtlsCookie cookie;
  std::copy_n(full.begin(), cookie.size(), cookie.begin());
  return cookie;
}

DtlsCookie DtlsCookies::make(const proto::Endpoint& source, std::uint64_t now_ns) {
  rotate(now_ns);
  return compute(*current_, source);
}

bool DtlsCookies::valid(const proto::Endpoint& source, proto::Bytes cookie, std::uint64_t now_ns) {
  if (cookie.size() != kDtlsCookieBytes) return false;
  rotate(now_ns);
  const DtlsCookie current = compute(*current_, source);
  const DtlsCookie previous = compute(*previous_, source);
  const bool matches_current = CRYPTO_memcmp(current.data(), cookie.data(), cookie.size()) == 0;
  const bool matches_previous = CRYPTO_memcmp(previous.data(), cookie.data(), cookie.size()) == 0;
  return matches_current || matches_previous;
}

}  // namespace weir::controlplane
