// The attributes that bind a DTLS-SRTP association to its session description: setup and connection (RFC 4145),
// fingerprint (RFC 8122), tls-id and when a new association is due (RFC 8842), roles (RFC 5763 section 5).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/bytes.h"
#include "proto/certificate_hash.h"
#include "proto/result.h"
#include "sip/sdp.h"

namespace weir::sip {

enum class DtlsSetup : std::uint8_t { kActive, kPassive, kActpass, kHoldconn };
enum class DtlsConnection : std::uint8_t { kNew, kExisting };
/// Which end sends the ClientHello.
enum class DtlsRole : std::uint8_t { kClient, kServer };

std::string_view to_string(DtlsSetup setup);
std::string_view to_string(DtlsRole role);

using FingerprintHash = proto::CertificateHash;
inline constexpr std::size_t kFingerprintBytesMax = 64;
static_assert(proto::kCertificateHashes.back().bytes == kFingerprintBytesMax);

/// "sha-256", also the name OpenSSL knows without its dash.
std::string_view to_string(FingerprintHash hash);
/// Length of the digest in bytes.
std::size_t digest_bytes(FingerprintHash hash);

/// A certificate's hash. Public: compared with ==. Bytes behind digest_bytes(hash) are zero.
struct Fingerprint {
  FingerprintHash hash = FingerprintHash::kSha256;
  std::array<std::uint8_t, kFingerprintBytesMax> digest{};

  [[nodiscard]] proto::Bytes bytes() const { return {digest.data(), digest_bytes(hash)}; }
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

/// A fingerprint of a digest. The digest's length must be digest_bytes(hash): anything else is our own bug.
Fingerprint make_fingerprint(FingerprintHash hash, proto::Bytes digest);

/// What a=fingerprint may be wrong in: the grammar (400), or what it says (488).
/// A hash function that is unknown or withdrawn is kNotUsable with a reason; the line is well-formed all the same.
struct FingerprintFault {
  enum class Kind : std::uint8_t { kSyntax, kWrongLength, kNotUsable };
  Kind kind;
  std::string reason;
};
/// Parses "sha-256 4A:AD:...". The hash name in any case; the digest in upper case as RFC 8122 says, or lower case as
/// many clients do.
std::variant<Fingerprint, FingerprintFault> parse_fingerprint(std::string_view value);
/// "sha-256 4A:AD:...", upper case.
std::string write_fingerprint(const Fingerprint& fingerprint);

/// The fingerprints a certificate has to match one of: those with the strongest hash of the set (RFC 8122 section 5.1).
std::vector<Fingerprint> fingerprints_to_match(const std::vector<Fingerprint>& fingerprints);

/// RFC 8842 section 4: 20 to 255 of ALPHA / DIGIT / "+" / "/" / "-" / "_".
bool is_tls_id(std::string_view value);
inline constexpr std::size_t kTlsIdBytesMin = 20;
inline constexpr std::size_t kTlsIdBytesMax = 255;

/// What one section says, session-level values included where the section has none of its own.
struct DtlsAttributes {
  std::optional<DtlsSetup> setup;
  std::optional<DtlsConnection> connection;
  std::vector<Fingerprint> fingerprints;  ///< the usable ones, in order
  std::optional<std::string> tls_id;

  friend bool operator==(const DtlsAttributes&, const DtlsAttributes&) = default;
};

/// Fingerprints of hashes that are not among `accepted` are passed over. Refuses: a fingerprint of broken syntax (400);
/// one of the wrong length, none usable, or an unknown setup or connection, or a malformed tls-id (488). No fingerprint
/// at all is not refused here: the profile decides that.
std::variant<DtlsAttributes, SdpRefusal> read_dtls_attributes(const SessionDescription& session,
                                                              const MediaSection& section,
                                                              std::span<const FingerprintHash> accepted);
/// The same with every hash accepted.
std::variant<DtlsAttributes, SdpRefusal> read_dtls_attributes(const SessionDescription& session,
                                                              const MediaSection& section);
/// Appends setup, connection, fingerprints and tls-id to a section's attributes, whichever are there.
void append_dtls_attributes(const DtlsAttributes& dtls, MediaSection& section);

/// The setup to answer with; active -> passive; passive -> active; holdconn -> holdconn (RFC 4145 section 4.1). Towards
/// an open offerer (actpass) we are passive, so that no handshake starts before the caller listens, and that the SRTP
/// profile, which the server chooses, is the one that costs least. `current` is our role in an association that goes
/// on, which an open re-offer must not turn over (RFC 8842 section 5.3).
DtlsSetup setup_to_answer(DtlsSetup offered, std::optional<DtlsRole> current = std::nullopt);
/// May this setup answer that one? RFC 4145 section 4.1; RFC 5763 section 5: an answer is never actpass.
bool is_setup_answer(DtlsSetup offered, DtlsSetup answered);
/// Our role once both sides have spoken: that of our own setup in offer or answer. nullopt for holdconn, and for a pair
/// that is_setup_answer refuses.
std::optional<DtlsRole> our_dtls_role(DtlsSetup ours, DtlsSetup theirs);

/// What an association was made of, on one side: the same values again mean the same association.
struct DtlsAssociationTerms {
  DtlsRole our_role = DtlsRole::kServer;
  std::vector<Fingerprint> our_fingerprints;
  std::vector<Fingerprint> their_fingerprints;
  std::string our_tls_id;  ///< empty: none
  std::string their_tls_id;
  proto::Endpoint our_transport;    ///< counts only while neither side says tls-id and there is no ICE
  proto::Endpoint their_transport;  ///< likewise
  bool ice = false;
};
/// RFC 8842 section 3.1: roles, fingerprint set (order does not matter) or tls-id changed; without tls-id also the
/// transport (section 5.1).
bool needs_new_association(const DtlsAssociationTerms& before, const DtlsAssociationTerms& now);

}  // namespace weir::sip
