// Reads a session description: RFC 8866 section 9, in bounded time and memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "sip/sdp.h"

namespace weir::sip {

/// The whole text, in bytes. Chromium's largest offers (audio, video, data, 60 payload types) are 8 KB.
inline constexpr std::size_t kSdpBytesMax = 64 * 1024;
/// One line without its line end, in bytes.
inline constexpr std::size_t kSdpLineBytesMax = 4096;
/// m= lines.
inline constexpr std::size_t kSdpSectionsMax = 64;
/// a= lines of one section, or of the session level.
inline constexpr std::size_t kSdpAttributesMax = 512;
/// Formats of one m= line. RTP has 128 payload types.
inline constexpr std::size_t kSdpFormatsMax = 128;
/// Lines of each other kind that may repeat (b, c, e, p, t, r), per section or session level.
inline constexpr std::size_t kSdpRepeatsMax = 16;
static_assert(kSdpLineBytesMax < kSdpBytesMax);

/// Why a text is no session description: always a 400 in SIP. Lines count from 1; 0 means the whole text.
struct SdpError {
  std::uint32_t line = 0;
  std::string reason;
};
/// "line 4: the port is not a number".
std::string to_string(const SdpError& error);

/// Lines may end in CRLF or LF; the last may lack its end, and empty lines may follow it. v= comes first and o= is
/// there; what real clients do is accepted: no s= or t= (the defaults stand in), and lines of one level in another
/// order than section 9's. A line of an unknown type letter makes the whole text unacceptable (section 5).
std::variant<SessionDescription, SdpError> parse_sdp(std::string_view text);

}  // namespace weir::sip
