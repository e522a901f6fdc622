// RTP header view. RFC 3550 section 5.1, extension section 5.3.1.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/bytes.h"

namespace weir::proto {

inline constexpr std::size_t kRtpHeaderBytesMin = 12;

/// The fields SRTP and forwarding need. Host byte order; lengths in bytes.
struct RtpView {
  std::uint32_t ssrc;
  std::uint32_t timestamp;
  std::uint16_t sequence;
  std::uint16_t header_bytes;  ///< fixed header, CSRCs and extension: where the payload starts
  std::uint8_t payload_type;   ///< 7 bits
  bool marker;
  bool padding;  ///< the P bit; the pad count itself may be encrypted, so it is not checked here
};

/// Parses and bounds the header: version 2, CSRC list and extension inside the packet. nullopt if it is not RTP.
std::optional<RtpView> parse_rtp(Bytes packet);

}  // namespace weir::proto
