#include "controlplane/local_keys.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "proto/assert.h"
#include "proto/secret.h"

namespace weir::controlplane {
namespace {

constexpr std::size_t kTlsIdBytes = 16;
/// There are no more of them to choose from.
constexpr std::size_t kSuitesMax = proto::kSrtpProfiles.size();
constexpr std::size_t kBytesMax = proto::kSessionKeyBytesMax + proto::kSessionSaltBytesMax;  // of one's key and salt

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
  // Drawn at once: the system's source takes longer to be asked than to answer.
  std::array<std::uint8_t, kSuitesMax * kBytesMax> drawn;
  WEIR_ASSERT(suites.size() <= kSuitesMax);
  fill_with_random(drawn.data(), suites.size() * kBytesMax);
  const std::uint8_t* next = drawn.data();
  const auto take = [&next](std::uint8_t* to, std::size_t bytes) {
    std::copy_n(next, bytes, to);
    next += bytes;
  };
  for (const proto::SrtpProfile suite : suites) {
    const proto::SrtpProfileInfo& info = proto::srtp_profile(suite);
    sip::CryptoAttribute& line = lines.emplace_back();
    line.tag = static_cast<std::uint32_t>(lines.size());
    line.suite = suite;
    sip::CryptoKey& key = *line.keys.emplace_back();
    take(key.key.data(), info.key_bytes);
    take(key.salt.data(), info.salt_bytes);
  }
  proto::wipe(drawn.data(), drawn.size());
  return lines;
}

}  // namespace weir::controlplane
