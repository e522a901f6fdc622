// Random RTP and RTCP packets, valid as RFC 3550 asks: for comparisons with an oracle.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "proto/bytes.h"

namespace weir::tests {

using Random = std::mt19937_64;

inline std::uint32_t below(Random& random, std::uint32_t limit) {
  return static_cast<std::uint32_t>(random() % limit);
}

inline std::vector<std::uint8_t> random_bytes(Random& random, std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

/// Any marker, padding bit, CSRC list and extension; a payload of exactly `payload_bytes`.
inline std::vector<std::uint8_t> random_rtp(Random& random, std::uint32_t ssrc, std::uint16_t sequence,
                                            std::size_t payload_bytes) {
  const std::uint32_t csrcs = below(random, 4) == 0 ? below(random, 16) : 0;
  const bool extension = below(random, 3) == 0;
  const std::uint32_t extension_words = extension ? below(random, 5) : 0;
  std::vector<std::uint8_t> packet =
      random_bytes(random, 12 + 4 * csrcs + (extension ? 4 + 4 * extension_words : 0) + payload_bytes);
  packet[0] = static_cast<std::uint8_t>(0x80 | (below(random, 2) << 5) | (extension ? 0x10 : 0) | csrcs);
  packet[1] = static_cast<std::uint8_t>((below(random, 2) << 7) | (96 + below(random, 32)));  // 96..127: never RTCP
  proto::store_be16(packet.data() + 2, sequence);
  proto::store_be32(packet.data() + 8, ssrc);
  if (extension) proto::store_be16(packet.data() + 12 + 4 * csrcs + 2, static_cast<std::uint16_t>(extension_words));
  return packet;
}

/// One packet of any type from 200 to 207 with `words` 32-bit words behind its sender SSRC.
inline std::vector<std::uint8_t> random_rtcp(Random& random, std::uint32_t ssrc, std::uint32_t words) {
  std::vector<std::uint8_t> packet = random_bytes(random, 8 + 4 * std::size_t{words});
  packet[0] = static_cast<std::uint8_t>(0x80 | below(random, 32));
  packet[1] = static_cast<std::uint8_t>(200 + below(random, 8));
  proto::store_be16(packet.data() + 2, static_cast<std::uint16_t>(1 + words));
  proto::store_be32(packet.data() + 4, ssrc);
  return packet;
}

}  // namespace weir::tests
