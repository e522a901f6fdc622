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

/// RtcpView::count of transport feedback: RFC 4585 section 6.2, RFC 5104 section 4.2, RFC 8888 section 3.1,
/// draft-holmer-rmcat-transport-wide-cc-extensions-01.
enum class TransportFormat : std::uint8_t { kNack = 1, kTmmbr = 3, kTmmbn = 4, kCongestion = 11, kTransportWide = 15 };

/// RtcpView::count of payload feedback: RFC 4585 section 6.3, RFC 5104 section 4.3.
enum class PayloadFormat : std::uint8_t {
  kPli = 1,
  kSli = 2,
  kRpsi = 3,
  kFir = 4,
  kTstr = 5,
  kTstn = 6,
  kApplicationLayer = 15,
};

/// RFC 3550 section 6.4.1: NTP and RTP timestamps and counts of a sender report, and a block of either report.
inline constexpr std::size_t kSenderInfoBytes = 20;
inline constexpr std::size_t kReportBlockBytes = 24;

/// Feedback's sender and media source, behind the common header: RFC 4585 section 6.1.
inline constexpr std::size_t kFeedbackSourcesBytes = 8;

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

/// The body without what it is padded with; nullopt: the padding does not fit (RFC 3550 section 6.4.1).
std::optional<Bytes> rtcp_content(const RtcpView& packet);

/// Payload feedback that says how much may be sent, and of which sources: their count is the content's byte 12, they
/// lie from 16 on, as far as they fit (draft-alvestrand-rmcat-remb-03 section 2.2).
bool is_remb(const RtcpView& packet);

}  // namespace weir::proto
