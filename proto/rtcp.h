// RTCP views: the common header of each packet of a compound, and the SSRC that SRTCP keys on.
// RFC 3550 section 6, RFC 4585 section 6.1, RFC 5506 (reduced size), RFC 3711 section 3.4.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/bytes.h"

namespace weir::proto {

/// Common header and sender SSRC: what every RTCP packet that Weir accepts has at least, in bytes.
inline constexpr std::size_t kRtcpHeaderBytes = 8;

enum class RtcpType : std::uint8_t {
  kSenderReport = 200,
  kReceiverReport = 201,
  kSourceDescription = 202,
  kBye = 203,
  kApp = 204,
  kTransportFeedback = 205,
  kPayloadFeedback = 206,
  kExtendedReport = 207,
};

/// One packet of a compound. `body` starts after the four bytes of the common header and ends at its length field.
struct RtcpView {
  std::uint8_t type;   ///< packet type, not restricted to RtcpType
  std::uint8_t count;  ///< RC, SC or FMT, 5 bits
  bool padding;
  std::uint32_t packet_bytes;  ///< common header included
  Bytes body;
};

/// The first eight bytes of RTCP or SRTCP: version 2 and a sender's SSRC. These are never encrypted.
std::optional<std::uint32_t> rtcp_sender_ssrc(Bytes packet);

/// The packet at the front of `rest`: version 2 and a length field that fits. nullopt ends a walk as malformed; the
/// caller goes on with rest.subspan(packet_bytes) until it is empty.
std::optional<RtcpView> parse_rtcp(Bytes rest);

}  // namespace weir::proto
