// One media section of a peer's offer or answer, read and judged: where its media goes, how it is protected, and
// whether Weir can carry it. RFC 3264 sections 5 and 6, RFC 3605, RFC 4568, RFC 5761, RFC 5763 section 5, RFC 8643.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/inet.h"
#include "sip/dtls_attributes.h"
#include "sip/ice_attributes.h"
#include "sip/media_security.h"
#include "sip/sdp.h"

namespace weir::sip {

/// The m= line protocols Weir speaks. RTP/SAVP and RTP/SAVPF are keyed by a=crypto, or by DTLS (old clients); RTP/AVP
/// and RTP/AVPF may be keyed by either too (RFC 8643). UDP/TLS/RTP/AVP and its kin are what the drafts before RFC 5764
/// called UDP/TLS/RTP/SAVP, never registered: taken from the peer as the same thing, and never the first thing we
/// offer.
enum class RtpProtocol : std::uint8_t { kAvp, kAvpf, kSavp, kSavpf, kDtlsSavp, kDtlsSavpf, kDtlsAvp, kDtlsAvpf };
/// As in the m= line, e.g. "UDP/TLS/RTP/SAVP".
std::string_view to_string(RtpProtocol protocol);
std::optional<RtpProtocol> rtp_protocol(std::string_view token);
/// True when media of this protocol is always SRTP.
constexpr bool is_secured(RtpProtocol protocol) {
  return protocol != RtpProtocol::kAvp && protocol != RtpProtocol::kAvpf;
}
/// True when its keys come by DTLS and in no other way (RFC 5764 section 8).
constexpr bool is_dtls(RtpProtocol protocol) {
  return protocol >= RtpProtocol::kDtlsSavp;
}
/// True for the protocols with feedback (RFC 4585, RFC 5124).
constexpr bool has_feedback(RtpProtocol protocol) {
  return protocol == RtpProtocol::kAvpf || protocol == RtpProtocol::kSavpf || protocol == RtpProtocol::kDtlsSavpf ||
         protocol == RtpProtocol::kDtlsAvpf;
}

enum class SectionUse : std::uint8_t {
  kAccepted,  ///< we can carry it
  kDisabled,  ///< the peer itself said port 0
  kBundled,   ///< we can carry it on the transport of another section of its BUNDLE group: see bundled.h
  kRefused,   ///< we cannot carry it; `refusal` says why. Port 0 with a=bundle-only is this, not kDisabled
};

/// One section of what the peer sent, read. Fields below `refusal` mean something for kAccepted only, and
/// for kBundled protocol, rtcp_mux, direction and carrier.
struct RemoteSection {
  SectionUse use = SectionUse::kDisabled;
  SdpRefusal refusal;
  RtpProtocol protocol = RtpProtocol::kAvp;
  proto::Endpoint rtp;   ///< family kNone when the peer gave 0.0.0.0 or :: (hold, or ICE)
  proto::Endpoint rtcp;  ///< without rtcp-mux: a=rtcp, or port + 1; family kNone as above
  bool rtcp_mux = false;
  bool rtcp_mux_only = false;                  ///< muxed or not at all (RFC 8858)
  std::optional<RemoteIce> ice;                ///< whether it is used is the answer's to say
  Direction direction = Direction::kSendRecv;  ///< the peer's view; c=0.0.0.0 without ICE takes "receives" away
  Keying keying = Keying::kNone;               ///< what policy chose of what the section brings
  DtlsAttributes dtls;                         ///< kDtls: at least one fingerprint
  std::optional<CryptoAttribute> crypto;       ///< kSdes: the line chosen
  std::size_t carrier = 0;                     ///< kBundled: the section with the transport
};

/// Judges a section: audio only, ICE credentials of good syntax or none, unicast IP address that is neither loopback
/// nor broadcast, payload types as formats, and keys of a kind that the policy allows wherever the protocol or the
/// policy demands them.
RemoteSection read_section(const SessionDescription& session, const MediaSection& section,
                           const SecurityPolicy& policy = {});

}  // namespace weir::sip
