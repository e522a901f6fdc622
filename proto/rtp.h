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
inline std::optional<RtpView> parse_rtp(Bytes packet) {
  if (packet.size() < kRtpHeaderBytesMin || packet[0] >> 6 != 2) return std::nullopt;
  std::size_t header_bytes = kRtpHeaderBytesMin + 4 * std::size_t{packet[0] & 0x0fu};
  if ((packet[0] & 0x10) != 0) {
    if (packet.size() < header_bytes + 4) return std::nullopt;
    header_bytes += 4 + 4 * std::size_t{load_be16(packet.data() + header_bytes + 2)};
  }
  if (packet.size() < header_bytes) return std::nullopt;
  return RtpView{
      .ssrc = load_be32(packet.data() + 8),
      .timestamp = load_be32(packet.data() + 4),
      .sequence = load_be16(packet.data() + 2),
      .header_bytes = static_cast<std::uint16_t>(header_bytes),
      .payload_type = static_cast<std::uint8_t>(packet[1] & 0x7f),
      .marker = (packet[1] & 0x80) != 0,
      .padding = (packet[0] & 0x20) != 0,
  };
}

}  // namespace weir::proto
