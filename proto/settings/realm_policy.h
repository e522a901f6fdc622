// What a realm is held to: the security of its media, whom to trust, what to hide, its limits and session timers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/certificate_hash.h"
#include "proto/codec_policy.h"
#include "proto/srtp_profile.h"

namespace weir::proto::settings {

/// How media is offered to the far side. kRtp: RTP/AVP. kDtls: UDP/TLS/RTP/SAVP (RFC 5764). kSdes: RTP/SAVP with crypto
/// attributes (RFC 4568). kBestEffort: RTP/AVP with all that a secured answer needs (RFC 8643).
enum class MediaProfile : std::uint8_t { kRtp, kDtls, kSdes, kBestEffort };

/// What media a realm's parties may have.
enum class MediaSecurity : std::uint8_t {
  kOptional,   ///< from them either is taken; towards them plain, unless a route says otherwise
  kPreferred,  ///< from them either is taken; towards them best effort (RFC 8643)
  kRequired,   ///< secured, both ways
  kForbidden,  ///< plain, both ways
};

/// How SRTP's keys are agreed on.
enum class Keying : std::uint8_t { kDtls, kSdes };

/// Interactive Connectivity Establishment (RFC 8445) on a realm's media ports.
enum class Ice : std::uint8_t {
  kOff,   ///< its attributes are passed over
  kLite,  ///< we answer checks, and send to where they come from; in what we offer too
  kFull,  ///< and make checks of our own, and choose the pair if it is ours to choose
};

struct MediaPolicy {
  MediaSecurity security = MediaSecurity::kOptional;
  std::vector<Keying> keying = {Keying::kDtls, Keying::kSdes};  ///< allowed ones, preferred first; not empty
  /// Of SDES: offered in this order, and no other is taken; not empty. DTLS has its own in DtlsSettings.
  std::vector<SrtpProfile> sdes_suites = {SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm,
                                          SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAes256CmHmacSha1_80,
                                          SrtpProfile::kAesCm128HmacSha1_32};
  /// Of DTLS certificates: those that a peer's description may name its certificate by, and those that ours do, in this
  /// order (RFC 8122 section 5). Neither is empty.
  std::vector<CertificateHash> fingerprints_accepted = {CertificateHash::kSha1, CertificateHash::kSha224,
                                                        CertificateHash::kSha256, CertificateHash::kSha384,
                                                        CertificateHash::kSha512};
  std::vector<CertificateHash> fingerprints_offered = {CertificateHash::kSha256};
  /// DTLS keys in force for so long, or for so many packets of the leg, are renewed; 0: never.
  std::uint32_t dtls_rekey_s = 0;
  std::uint64_t dtls_rekey_packets = 0;
  /// Parties may redo their DTLS handshake inside its association: it is kept for them.
  bool dtls_renegotiation = false;
  /// DTLS parties that know no use_srtp are taken: their RTP and RTCP are application data of the association. false:
  /// their handshake fails.
  bool rtp_over_dtls = false;
  bool avpf = false;  ///< offers say RTP/AVPF and its secured kin (RFC 4585); either is taken
  Ice ice = Ice::kOff;
  CodecPolicy codecs;
  /// What crosses beside audio, where the far side's realm has it too: video in a browser's BUNDLE group, header
  /// extensions (RFC 8285), simulcast (RFC 8853).
  bool video = false;
  bool header_extensions = false;
  bool simulcast = false;
  bool operator==(const MediaPolicy&) const = default;
};

/// Who acts on a REFER from this realm.
enum class Transfers : std::uint8_t {
  kHandle,  ///< Weir itself: it calls the target
  kPass,    ///< the other side's party
};

/// What this realm's INVITEs and responses say of reliable provisional responses (RFC 3262).
enum class ReliableProvisionals : std::uint8_t { kOff, kSupported, kRequired };

/// Of calls that come in from the realm, or go out to it. 0: no limit.
struct CallLimits {
  std::uint32_t calls_max = 0;  ///< at once
  std::uint32_t calls_per_s_max = 0;
  bool operator==(const CallLimits&) const = default;
};

/// RFC 4028.
struct SessionTimers {
  std::uint32_t expires_s = 1800;  ///< asked for, and agreed to at most; 0: none is asked for
  std::uint32_t min_s = 90;        ///< a shorter one is refused (422)
  bool operator==(const SessionTimers&) const = default;
};

/// Requests outside calls that come from the realm: MESSAGE (RFC 3428) and SUBSCRIBE (RFC 6665).
struct OutsidePolicy {
  bool messages = false;                     ///< MESSAGEs go where a route leads; else 405
  std::uint32_t message_bytes_max = 16'384;  ///< of a body; NOTIFYs to the realm are held to it too
  bool subscriptions = false;                ///< likewise SUBSCRIBEs
  std::vector<std::string> events;           ///< packages that may be subscribed to; empty: all
  std::uint32_t subscriptions_max = 10'000;  ///< at once
  std::uint32_t subscriptions_per_source_max = 1'000;
  std::uint32_t subscription_s_max = 3600;  ///< longer ones are cut to this
  std::uint32_t requests_per_s_max = 0;     ///< of both together; 0: no limit
  bool operator==(const OutsidePolicy&) const = default;
};

/// Calls by SIPS URIs (RFC 5630): always by secured transports alone.
enum class Sips : std::uint8_t {
  kAccept,   ///< where a SIPS URI is asked for
  kRequire,  ///< no others, both ways
};

struct RealmPolicy {
  MediaPolicy media;
  bool trusted = false;     ///< RFC 3325: identities asserted there are believed, and ours are given
  bool sas_header = false;  ///< parties are told the short authentication strings of the other side's DTLS
  Sips sips = Sips::kAccept;
  bool topology_hiding = true;  ///< no address or identifier of the other side is shown here
  Transfers transfers = Transfers::kHandle;
  ReliableProvisionals reliable_provisionals = ReliableProvisionals::kSupported;
  CallLimits in;
  CallLimits out;
  SessionTimers session;
  OutsidePolicy outside;
  bool operator==(const RealmPolicy&) const = default;
};

/// What is offered towards a realm when its route does not say.
constexpr MediaProfile profile_towards(const MediaPolicy& policy) {
  switch (policy.security) {
    case MediaSecurity::kOptional:
    case MediaSecurity::kForbidden:
      return MediaProfile::kRtp;
    case MediaSecurity::kPreferred:
      return MediaProfile::kBestEffort;
    case MediaSecurity::kRequired:
      return policy.keying.front() == Keying::kDtls ? MediaProfile::kDtls : MediaProfile::kSdes;
  }
  return MediaProfile::kRtp;
}

}  // namespace weir::proto::settings
