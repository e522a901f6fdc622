// One media section of a peer's offer or answer, read and judged: where its media goes, how it is protected, and
// whether Weir can carry it. RFC 3264 sections 5 and 6, RFC 3605, RFC 5761, RFC 5763 section 5.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/inet.h"
#include "sip/dtls_attributes.h"
#include "sip/sdp.h"

namespace weir::sip {

/// The m= line protocols Weir speaks. RTP/SAVP and RTP/SAVPF are taken only with a fingerprint (DTLS of old clients).
enum class RtpProtocol : std::uint8_t { kAvp, kAvpf, kSavp, kSavpf, kDtlsSavp, kDtlsSavpf };
/// As in the m= line, e.g. "UDP/TLS/RTP/SAVP".
std::string_view to_string(RtpProtocol protocol);
std::optional<RtpProtocol> rtp_protocol(std::string_view token);
/// True when media of this protocol is SRTP keyed by DTLS.
constexpr bool is_secured(RtpProtocol protocol) {
  return protocol != RtpProtocol::kAvp && protocol != RtpProtocol::kAvpf;
}

enum class SectionUse : std::uint8_t {
  kAccepted,  ///< we can carry it
  kDisabled,  ///< the peer itself said port 0
  kRefused,   ///< we cannot carry it; `refusal` says why
};

/// One section of what the peer sent, read. Fields below `refusal` mean something for kAccepted only.
struct RemoteSection {
  SectionUse use = SectionUse::kDisabled;
  SdpRefusal refusal;
  RtpProtocol protocol = RtpProtocol::kAvp;
  proto::Endpoint rtp;   ///< family kNone when the peer gave 0.0.0.0 or :: (hold, or ICE)
  proto::Endpoint rtcp;  ///< without rtcp-mux: a=rtcp, or port + 1; family kNone as above
  bool rtcp_mux = false;
  bool ice = false;
  Direction direction = Direction::kSendRecv;  ///< the peer's view; c=0.0.0.0 without ICE takes "receives" away
  DtlsAttributes dtls;                         ///< of secured sections
};

/// Judges a section: audio only, unicast IP address, payload types as formats, and for secured protocols a fingerprint.
RemoteSection read_section(const SessionDescription& session, const MediaSection& section);

}  // namespace weir::sip
