// What a party may send, out of what its SDP and ours agreed on: the rates weir-media polices its flows with.
// RFC 8866 (rtpmap, ptime, maxptime, b=), RFC 3551 (codecs), RFC 3890 (TIAS), RFC 4733 (telephone-event).
#pragma once

#include <cstdint>
#include <string>

#include "sip/sdp.h"

namespace weir::controlplane {

/// Packets and bytes (UDP payload) a second; 0: not known, no limit.
struct MediaRates {
  std::uint32_t packets_per_s = 0;
  std::uint32_t bytes_per_s = 0;

  friend bool operator==(const MediaRates&, const MediaRates&) = default;
};

/// What RTCP may take: reports, feedback and BYE of one party; its 5 % are a tenth of this (RFC 3550 section 6.2).
inline constexpr MediaRates kRtcpRates{.packets_per_s = 25, .bytes_per_s = 5'000};

/// Video, where nobody says how much: browsers send 2.5 Mbit/s of 720p, and their probes and repeats come on top.
inline constexpr std::uint32_t kVideoBitsPerS = 4'000'000;
inline constexpr std::uint32_t kVideoPacketBytes = 500;
/// Transport-wide feedback comes each 50 ms and more often (draft-holmer-rmcat-transport-wide-cc-extensions-01).
inline constexpr MediaRates kVideoRtcpRates{.packets_per_s = 100, .bytes_per_s = 40'000};

/// What was agreed of one party's stream.
struct MediaTerms {
  std::string codec;  ///< the encoding's name in the first format that is no telephone-event; empty: none known
  std::uint32_t clock_hz = 0;    ///< its RTP clock; 0: not known
  MediaRates rates;              ///< the most that the party has reason to send, RTCP included
  std::uint8_t understands = 0;  ///< proto::kFeedback*: what RTCP feedback it may be sent
  bool extensions = false;       ///< RTP that it is sent may have header extensions (RFC 8285)
};

/// Reads the terms of a section from both descriptions: `remote` is what the party whose media it is said, `local` what
/// it was told. Only formats in both count. The rates are those of the most demanding format:
///   packets: one for each packet time, which is the shortest of a=ptime and a=maxptime on either side and 20 ms, and
///            2.5 ms for a codec of which nothing is known; as many again for telephone-events (every 20 ms); RTCP.
///   bytes:   the codec's bit rate, or b=TIAS or b=AS if that is more; for a codec of which nothing is known what b=
///   says,
///            or 510 kbit/s, the most that Opus has (RFC 6716 section 2.1.1); 64 bytes with each packet for its RTP
///            header, extensions and SRTP; RTCP.
/// Video takes kVideoBitsPerS, or what b= says, in packets of kVideoPacketBytes on average, and RTCP for each frame.
MediaTerms read_media_terms(const sip::MediaSection& remote, const sip::MediaSection& local);

/// What two sections of one transport make together: `rider` is the one that has no transport of its own.
void add_terms(const MediaTerms& rider, MediaTerms& terms);

/// `rates` times the margin, or no limit if the margin or a rate is 0.
MediaRates with_margin(const MediaRates& rates, std::uint32_t factor);

}  // namespace weir::controlplane
