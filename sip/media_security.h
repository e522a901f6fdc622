// How the media of one leg may be secured: what a realm's or a trunk's policy says, and what offer and answer made of
// it. RFC 4568 (SDES), RFC 5763 (DTLS-SRTP), RFC 8643 (best effort).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "proto/certificate_hash.h"
#include "proto/codec_policy.h"
#include "proto/secret.h"
#include "proto/srtp_profile.h"
#include "sip/crypto_attribute.h"

namespace weir::sip {

/// Where the keys of a section's media come from.
enum class Keying : std::uint8_t { kNone, kSdes, kDtls };
std::string_view to_string(Keying keying);

/// What a policy wants of media security.
enum class SrtpDemand : std::uint8_t {
  kForbidden,  ///< plain RTP only; secured offers are refused
  kPreferred,  ///< secured where the peer offers it; see best_effort
  kRequired,   ///< secured or not at all
};

/// Hash functions in order, each once. In place of a vector, for every leg has two: three bits each, the first lowest.
struct FingerprintHashes {
  std::uint16_t packed = 0;

  constexpr FingerprintHashes() = default;
  constexpr FingerprintHashes(std::span<const proto::CertificateHash> hashes) {
    for (std::size_t i = 0; i < hashes.size() && i < proto::kCertificateHashCount; ++i) {
      packed = static_cast<std::uint16_t>(packed | (static_cast<unsigned>(hashes[i]) + 1) << 3 * i);
    }
  }
  [[nodiscard]] std::vector<proto::CertificateHash> list() const {
    std::vector<proto::CertificateHash> hashes;
    for (unsigned rest = packed; rest != 0; rest >>= 3) {
      hashes.push_back(static_cast<proto::CertificateHash>((rest & 7) - 1));
    }
    return hashes;
  }
  friend bool operator==(const FingerprintHashes&, const FingerprintHashes&) = default;
};
static_assert(proto::kCertificateHashCount < 7 && 3 * proto::kCertificateHashCount <= 16);
inline constexpr std::array kAllFingerprintHashes = {proto::CertificateHash::kSha1, proto::CertificateHash::kSha224,
                                                     proto::CertificateHash::kSha256, proto::CertificateHash::kSha384,
                                                     proto::CertificateHash::kSha512};
static_assert(kAllFingerprintHashes.size() == proto::kCertificateHashCount);

/// The policy of one leg. The default takes what is offered, plain or DTLS.
struct SecurityPolicy {
  SrtpDemand srtp = SrtpDemand::kPreferred;
  bool dtls = true;
  /// Hashes by which a peer's description may name its DTLS certificate.
  FingerprintHashes fingerprints_accepted = FingerprintHashes(kAllFingerprintHashes);
  /// DTLS keys in force for so long, or for so many packets of the party's, are to be renewed; 0: never.
  std::uint32_t rekey_s = 0;
  /// SDES suites by preference. None: no SDES. NULL ciphers only where the operator asked for them.
  std::vector<proto::SrtpProfile> suites;
  /// Of both keyings where both are possible: what is offered first, and taken if the peer offers both.
  Keying first = Keying::kDtls;
  /// RFC 8643, with kPreferred: keys in sections of RTP/AVP and RTP/AVPF, offered by us and taken from the peer.
  /// Without it such sections are plain.
  bool best_effort = false;
  /// Our offers use the protocols with feedback (RFC 4585): RTP/AVPF and its kin.
  bool feedback = false;
  /// ICE (RFC 8445): offered by us, and answered where the peer offers it.
  bool ice = false;
  /// With checks of our own, and a say in which pair it is; else as a lite agent.
  bool ice_full = false;
  /// Video rides beside the audio in a BUNDLE group of browsers; header extensions (RFC 8285) and simulcast (RFC 8853)
  /// cross. Each only where the other leg's policy says so too.
  bool video = false;
  bool extensions = false;
  bool simulcast = false;
  /// DTLS without use_srtp is taken: media is its application data (RFC 5764 section 4.1.1).
  bool rtp_over_dtls = false;
  /// Not of security, but as much the leg's: which codecs our offers have.
  proto::CodecPolicy codecs = {};
  /// By which ours names ours.
  FingerprintHashes fingerprints_offered = FingerprintHashes(std::array{proto::CertificateHash::kSha256});
  std::uint32_t rekey_packets = 0;  ///< see rekey_s
  /// The party may redo its DTLS handshake inside its association (RFC 5763 section 6.7).
  bool renegotiates = false;

  [[nodiscard]] bool sdes() const { return !suites.empty(); }
  /// Any keying at all may be used.
  [[nodiscard]] bool may_secure() const { return srtp != SrtpDemand::kForbidden && (dtls || sdes()); }

  friend bool operator==(const SecurityPolicy&, const SecurityPolicy&) = default;
};
static_assert(sizeof(SecurityPolicy) <= 72, "every leg has it three times");

/// Both directions' SDES keys of one section, as agreed (RFC 4568 section 5.1).
struct SdesAgreement {
  CryptoAttribute local;   ///< ours: we send with its first key
  CryptoAttribute remote;  ///< the peer's, of the same tag and suite: it sends with the first
};

/// True if the peer's line has the same suite and keys: the peer's session goes on (RFC 4568 section 7.1.4).
bool is_same_crypto(const CryptoAttribute& a, const CryptoAttribute& b);

}  // namespace weir::sip
