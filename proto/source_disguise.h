// How one party's RTP sources are called towards another who shall not know it again from call to call: each SSRC by
// another number, and all of them by one CNAME that nobody else has (RFC 3323 section 4.3, RFC 7022 section 4.2). Both
// follow from a secret of the stream: weir-media keeps no table of them, nor does it lose one in a restart.
#pragma once

#include <array>
#include <cstdint>

namespace weir::proto {

/// RewriteSpec::strips_extensions, beside 1. The secret is the flow's cookie.
/// The sources of the flow's own media leave by other names, without header extensions, and of its RTCP what is known
/// to name nobody.
inline constexpr std::uint8_t kHidesSources = 2;
inline constexpr std::uint8_t kFindsSources = 4;  ///< RTCP names sources of the opposite flow by what they left as
inline constexpr std::uint8_t kRewriteFlagsAll = 7;

/// Bytes of a CNAME: 96 bits in base64.
inline constexpr std::size_t kHiddenCnameBytes = 16;

class SourceDisguise {
 public:
  /// `secret`: 64 random bits, the same in both directions of a stream.
  explicit SourceDisguise(std::uint64_t secret);

  /// A permutation of all SSRCs: different ones stay different, so that no index repeats under a key (RFC 3711 section
  /// 9.1), and what reports name can be found again.
  [[nodiscard]] std::uint32_t hide(std::uint32_t ssrc) const;
  [[nodiscard]] std::uint32_t find(std::uint32_t hidden) const;

  /// Of every source of the stream: audio and video are to be played together (RFC 3550 section 6.5.1).
  [[nodiscard]] std::array<std::uint8_t, kHiddenCnameBytes> cname() const;

 private:
  [[nodiscard]] std::uint16_t mix(unsigned round, std::uint16_t half) const;

  std::uint64_t secret_;
  std::uint64_t key_;
};

}  // namespace weir::proto
