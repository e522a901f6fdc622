// What the call tells a stream of its legs, and what it learns of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controlplane/media_rates.h"
#include "proto/inet.h"
#include "proto/settings/settings.h"
#include "proto/srtp_profile.h"
#include "sip/dtls_attributes.h"

namespace weir::controlplane {

enum class Side : std::uint8_t { kCaller = 0, kCallee = 1 };
constexpr Side opposite(Side side) {
  return side == Side::kCaller ? Side::kCallee : Side::kCaller;
}
const char* to_string(Side side);

/// What is known of a leg when its stream is made.
struct MediaLegOptions {
  std::uint8_t network = 0;  ///< index in Settings::networks
  proto::settings::MediaProfile profile = proto::settings::MediaProfile::kRtp;
  /// Our own offer lets the remote be the DTLS client (passive, actpass): its ClientHello may overtake its answer, so
  /// the RTP port listens from the start. Nothing is decided before the answer's fingerprint is known.
  bool listens_early = false;
};

/// What a leg's remote said in its SDP.
struct RemoteMedia {
  proto::Endpoint rtp;    ///< port 0 or address 0.0.0.0: nothing is sent there (RFC 3264 section 8.4)
  proto::Endpoint rtcp;   ///< a=rtcp, or RTP's port + 1; not read with rtcp_mux
  bool rtcp_mux = false;  ///< both sides have agreed to it
  /// Its direction is not sendrecv: silence is no sign of death (RFC 3264 section 8.4), so no timeout is said.
  bool on_hold = false;
  sip::DtlsRole role = sip::DtlsRole::kServer;  ///< ours (sip::our_dtls_role); DTLS legs only
  std::vector<sip::Fingerprint> fingerprints;   ///< DTLS legs only: at least one, else the leg fails
  MediaTerms terms;                             ///< of what it sends; those of the first description hold
};

/// How a leg was secured. With two associations (no rtcp-mux) this is RTP's.
struct SecuredInfo {
  proto::SrtpProfile profile = proto::SrtpProfile::kNone;
  sip::DtlsRole role = sip::DtlsRole::kServer;
  std::string version;       ///< "DTLSv1.2"
  std::string cipher_suite;  ///< OpenSSL's name, e.g. "ECDHE-ECDSA-AES128-GCM-SHA256"
  std::string fingerprint;   ///< of the peer's certificate, as SDP writes it: "sha-256 AB:CD:..."
  std::string verdict;       ///< for people, e.g. "matches the SDP (sha-256)"
  proto::Endpoint peer;      ///< where the association's datagrams come from
};

}  // namespace weir::controlplane
