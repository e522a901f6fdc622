#include "controlplane/local_keys.h"

#include <openssl/rand.h>

#include <array>
#include <cstdint>

#include "proto/assert.h"

namespace weir::controlplane {
namespace {

constexpr std::size_t kTlsIdBytes = 16;

void fill_with_random(std::uint8_t* to, std::size_t bytes) {
  WEIR_ASSERT(RAND_bytes(to, static_cast<int>(bytes)) == 1);
}

}  // namespace

std::string make_tls_id() {
  static constexpr char kHex[] = "0123456789abcdef";
  std::array<std::uint8_t, kTlsIdBytes> bytes;
  fill_with_random(bytes.data(), bytes.size());
  std::string id;
  id.reserve(2 * kTlsIdBytes);
  for (const std::uint8_t byte : bytes) {
    id += kHex[byte >> 4];
    id += kHex[byte & 15];
  }
  return id;
}

std::vector<sip::CryptoAttribute> make_crypto(const std::vector<proto::SrtpProfile>& suites) {
  std::vector<sip::CryptoAttribute> lines;
  for (const proto::SrtpProfile suite : suites) {
    const proto::SrtpProfileInfo& info = proto::srtp_profile(suite);
    sip::CryptoAttribute& line = lines.emplace_back();
    line.tag = static_cast<std::uint32_t>(lines.size());
    line.suite = suite;
    sip::CryptoKey& key = *line.keys.emplace_back();
    fill_with_random(key.key.data(), info.key_bytes);
    fill_with_random(key.salt.data(), info.salt_bytes);
  }
  return lines;
}

}  // namespace weir::controlplane
