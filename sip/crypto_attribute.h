// a=crypto: SRTP keys in the session description (SDES). RFC 4568, RFC 6188 section 6 and RFC 7714 section 14.2 for the
// suites. The values hold keys: they are wiped when they go, and nothing of them may be logged.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/bytes.h"
#include "proto/limits.h"
#include "proto/secret.h"
#include "proto/srtp_profile.h"
#include "sip/sdp.h"

namespace weir::sip {

/// One direction's master key and salt, as the side that sends with it gave them.
struct CryptoKey {
  std::array<std::uint8_t, proto::kSessionKeyBytesMax> key{};    ///< the suite's key_bytes are used; the rest is zero
  std::array<std::uint8_t, proto::kSessionSaltBytesMax> salt{};  ///< likewise salt_bytes
  std::uint8_t lifetime_log2 = 0;  ///< 2^this packets at most, what was written rounded down; 0: RFC 3711's limits
  std::uint8_t mki_bytes = 0;      ///< 0: packets carry no MKI
  std::array<std::uint8_t, proto::kMkiBytesMax> mki{};

  friend bool operator==(const CryptoKey&, const CryptoKey&) = default;
};

inline constexpr std::uint32_t kCryptoTagMax = 999'999'999;  ///< RFC 4568 section 9.1: 1*9DIGIT
/// Keys of one line. RFC 4568 section 6.1 names no limit; more than one is for who changes keys without signalling.
inline constexpr std::size_t kCryptoKeysMax = 4;
/// A lifetime below 2^10 packets is 20 s of audio: a re-INVITE that often is no call.
inline constexpr std::uint8_t kCryptoLifetimeLog2Min = 10;

/// One a=crypto line.
struct CryptoAttribute {
  std::uint32_t tag = 0;
  proto::SrtpProfile suite = proto::SrtpProfile::kNone;
  std::vector<proto::Secret<CryptoKey>> keys;  ///< at least one; told apart by their MKIs if there are more
};

/// Why a line cannot be used: it is no a=crypto line at all, or it asks for what Weir does not do.
struct CryptoFault {
  enum class Kind : std::uint8_t { kSyntax, kNotUsable };
  Kind kind;
  std::string reason;  ///< for people; nothing of the line's key is in it
};

/// Reads the value of an a=crypto line: "1 AES_CM_128_HMAC_SHA1_80 inline:WVNf...|2^20|1:4". Key and salt may lack
/// their padding. A suite nobody knows, an MKI longer than proto::kMkiBytesMax, a lifetime below 2^10, KDR, FEC_ORDER,
/// FEC_KEY, UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP, UNAUTHENTICATED_SRTP and unknown session parameters without "-" in
/// front are kNotUsable (RFC 4568 section 6.3.7). WSH is a hint (section 6.3.6): our window serves any.
std::variant<CryptoAttribute, CryptoFault> parse_crypto(std::string_view value);

/// The value of an a=crypto line, key and salt padded.
std::string write_crypto(const CryptoAttribute& crypto);

/// The section's first line, in its own order of preference (RFC 4568 section 5.1.2), whose suite is one of `suites`.
/// Lines that cannot be used, and those whose tag stood in a line before, are passed over; then and if there is none,
/// the fault says why of the first that fell.
std::variant<CryptoAttribute, CryptoFault> choose_crypto(const MediaSection& section,
                                                         std::span<const proto::SrtpProfile> suites);

/// The section's line with this tag, if it can be used.
std::optional<CryptoAttribute> find_crypto(const MediaSection& section, std::uint32_t tag);

}  // namespace weir::sip
