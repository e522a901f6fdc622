#include "controlplane/local_keys.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "proto/assert.h"
#include "proto/secret.h"
#include "sip/sdp_write.h"

namespace weir::controlplane {
namespace {

constexpr std::size_t kTlsIdBytes = 16;
/// There are no more of them to choose from.
constexpr std::size_t kSuitesMax = proto::kSrtpProfiles.size();
constexpr std::size_t kBytesMax = proto::kSessionKeyBytesMax + proto::kSessionSaltBytesMax;  // of one's key and salt

void fill_with_random(std::uint8_t* to, std::size_t bytes) {
  WEIR_ASSERT(RAND_bytes(to, static_cast<int>(bytes)) == 1);
}

/// The lines are our own: they can be read.
void renew_crypto(sip::MediaSection& section) {
  std::vector<sip::CryptoAttribute> lines;
  std::vector<proto::SrtpProfile> suites;
  for (const std::string_view line : sip::crypto_lines(section)) {
    auto read = sip::parse_crypto(line);
    WEIR_ASSERT(std::holds_alternative<sip::CryptoAttribute>(read));
    suites.push_back(lines.emplace_back(std::get<sip::CryptoAttribute>(std::move(read))).suite);
  }
  const std::vector<sip::CryptoAttribute> fresh = make_crypto(suites);
  std::size_t next = 0;
  for (sip::SdpAttribute& attribute : section.attributes) {
    if (attribute.name != "crypto") continue;
    lines[next].keys = fresh[next].keys;
    attribute.value = sip::write_crypto(lines[next++]);
  }
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

bool has_crypto(const sip::SessionDescription& description) {
  return std::any_of(description.media.begin(), description.media.end(),
                     [](const sip::MediaSection& section) { return !sip::crypto_lines(section).empty(); });
}

std::string write_for_one(const sip::SessionDescription& offer) {
  if (!has_crypto(offer)) return sip::write_sdp(offer);
  sip::SessionDescription own = offer;
  for (sip::MediaSection& section : own.media) renew_crypto(section);
  return sip::write_sdp(own);
}

}  // namespace weir::controlplane
