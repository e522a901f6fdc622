// How the media of one leg may be secured: what a realm's or a trunk's policy says, and what offer and answer made of
// it. RFC 4568 (SDES), RFC 5763 (DTLS-SRTP), RFC 8643 (best effort).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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

/// The policy of one leg. The default takes what is offered, plain or DTLS.
struct SecurityPolicy {
  SrtpDemand srtp = SrtpDemand::kPreferred;
  bool dtls = true;
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

  [[nodiscard]] bool sdes() const { return !suites.empty(); }
  /// Any keying at all may be used.
  [[nodiscard]] bool may_secure() const { return srtp != SrtpDemand::kForbidden && (dtls || sdes()); }

  friend bool operator==(const SecurityPolicy&, const SecurityPolicy&) = default;
};

/// Both directions' SDES keys of one section, as agreed (RFC 4568 section 5.1).
struct SdesAgreement {
  CryptoAttribute local;   ///< ours: we send with its first key
  CryptoAttribute remote;  ///< the peer's, of the same tag and suite: it sends with the first
};

/// True if the peer's line has the same suite and keys: the peer's session goes on (RFC 4568 section 7.1.4).
bool is_same_crypto(const CryptoAttribute& a, const CryptoAttribute& b);

}  // namespace weir::sip
