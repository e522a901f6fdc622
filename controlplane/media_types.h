// What the call tells a stream of its legs, and what it learns of them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/boxed.h"
#include "controlplane/media_rates.h"
#include "proto/inet.h"
#include "proto/srtp_profile.h"
#include "sip/dtls_attributes.h"
#include "sip/ice_attributes.h"
#include "sip/media_security.h"
#include "sip/sdp.h"

namespace weir::controlplane {

class Certificate;

enum class Side : std::uint8_t { kCaller = 0, kCallee = 1 };
inline constexpr std::array<Side, 2> kSides = {Side::kCaller, Side::kCallee};
constexpr Side opposite(Side side) {
  return side == Side::kCaller ? Side::kCallee : Side::kCaller;
}
const char* to_string(Side side);

/// What is known of a leg when its stream is made.
struct MediaLegOptions {
  std::uint8_t network = 0;  ///< index in Settings::networks
  /// Of the other family, whose addresses are candidates too for a party that speaks ICE, as long as there is a pair of
  /// ports that is free on both.
  std::optional<std::uint8_t> also_network = {};
  /// What the leg's media may be: set_remote refuses anything else, whatever the SDP agreed on.
  sip::SecurityPolicy security = {};
  /// Our own offer lets the remote be the DTLS client (passive, actpass): its ClientHello may overtake its answer, so
  /// the RTP port listens from the start; and for the checks of one who has offered ICE. Nothing is decided before the
  /// fingerprint is known.
  bool listens_early = false;
  /// Its party shall not know our DTLS certificate again from another call (RFC 3323): the leg gets one of its own.
  bool fresh_certificate = false;
  /// Nor the other side's sources: towards it they have other SSRCs and another CNAME in every call.
  bool unlinkable = false;
  /// Its own; null: all legs' one, or with fresh_certificate one that MediaEngine takes from its pool.
  std::shared_ptr<const Certificate> certificate = {};
};

/// What was agreed with a leg's remote: its SDP and ours (to_remote_media).
struct RemoteMedia {
  proto::Endpoint rtp;    ///< port 0 or address 0.0.0.0: nothing is sent there (RFC 3264 section 8.4)
  proto::Endpoint rtcp;   ///< a=rtcp, or RTP's port + 1; not read with rtcp_mux
  bool rtcp_mux = false;  ///< both sides have agreed to it
  /// Its direction is not sendrecv: silence is no sign of death (RFC 3264 section 8.4), so no timeout is said.
  bool on_hold = false;
  sip::Direction direction = sip::Direction::kSendRecv;  ///< ours: without sends() no RTP goes there, RTCP does
  sip::Keying keying = sip::Keying::kNone;               ///< where the keys come from; what follows is of that kind
  sip::DtlsRole role = sip::DtlsRole::kServer;           ///< kDtls: ours (sip::our_dtls_role)
  std::vector<sip::Fingerprint> fingerprints;            ///< kDtls: at least one, else the leg fails
  std::string tls_id;                                    ///< kDtls: the remote's; empty: none
  std::string our_tls_id;                                ///< kDtls: as we said it; empty: we did not
  std::optional<sip::SdesAgreement> sdes;                ///< kSdes: both sides' keys
  /// It speaks ICE, and so do we on this leg: nothing is sent but to where its checks come from.
  Boxed<sip::RemoteIce> ice;
  MediaTerms terms;  ///< of what it sends
  /// Which of the parties that may answer on the leg's ports this is: a fork has a number of its own. When it changes,
  /// all is negotiated anew with the other one on the same ports; what the one before had is kept while `early`.
  std::uint64_t dialog = 0;
  bool early = false;  ///< of a provisional response: another party may yet win
};

/// How long a leg's DTLS keys have been in force, and for how much.
struct KeyAge {
  std::uint64_t since_ns = 0;        ///< CLOCK_MONOTONIC; 0: it has none
  std::uint64_t packets_before = 0;  ///< of its party, by the time that they came
  std::uint64_t asked_ns = 0;        ///< when others were asked for last; 0: not yet
  std::uint8_t asked = 0;            ///< how often, in vain so far
  std::uint16_t early = 0;           ///< in kEarlyOf-ths of what policy allows: drawn, so that not all end at once
  bool kept = false;                 ///< its party was asked, and goes on with these

  /// A tenth of it at most.
  static constexpr std::uint16_t kEarlyOf = 10'000;
  static constexpr std::uint16_t kEarlyMax = kEarlyOf / 10;
};

/// How a leg was secured. With two associations (no rtcp-mux) this is RTP's.
struct SecuredInfo {
  sip::Keying keying = sip::Keying::kNone;  ///< kSdes: profile and peer are all there is
  proto::SrtpProfile profile = proto::SrtpProfile::kNone;
  sip::DtlsRole role = sip::DtlsRole::kServer;
  std::string version;               ///< "DTLSv1.2"
  std::string cipher_suite;          ///< OpenSSL's name, e.g. "ECDHE-ECDSA-AES128-GCM-SHA256"
  std::string fingerprint;           ///< of the peer's certificate, as SDP writes it: "sha-256 AB:CD:..."
  std::string verdict;               ///< for people, e.g. "matches the SDP (sha-256)"
  std::string short_authentication;  ///< kDtls: what both ends of it read to each other, "K3F7Q"
  proto::Endpoint peer;              ///< where the association's datagrams come from
};

}  // namespace weir::controlplane
