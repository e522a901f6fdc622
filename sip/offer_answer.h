// Offer and answer between two legs: RFC 3264, with RFC 5763 and RFC 8842 for DTLS-SRTP, RFC 4568 for SDES, RFC 8643
// for best-effort SRTP, RFC 4585 for feedback, RFC 5761 for rtcp-mux. Weir is in the middle: it reads an offer on one
// leg, makes its own towards the other, reads that leg's answer and makes its own to the first. Section i of one leg is
// section i of the other, refused ones (port 0) included.
//
//   read_offer(caller's body) -> make_offer(towards callee) -> read_answer(callee's body) -> make_answer(to caller)
//
// Neither function knows who called: with a delayed offer (RFC 3261 section 13.2.1) the callee's 200 has the offer, and
// the caller's ACK or PRACK the answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/inet.h"
#include "sip/codecs.h"
#include "sip/dtls_attributes.h"
#include "sip/ice_attributes.h"
#include "sip/media_security.h"
#include "sip/remote_section.h"
#include "sip/sdp.h"

namespace weir::sip {

/// An offer a peer made, with at least one section we can carry.
struct RemoteOffer {
  SessionDescription description;
  std::vector<RemoteSection> sections;  ///< as many as description.media
  bool extensions = false;              ///< as the policy said that it was read by: they may cross
  bool simulcast = false;
};

/// RTP sections one offer may open; further ones are refused with port 0. Each costs ports on both legs.
inline constexpr std::size_t kSectionsAcceptedMax = 4;

/// Reads and judges an offer. 400: no SDP, attributes of broken syntax, or fewer sections than `sections_before`, the
/// number the session already has (RFC 3264 section 8). Of the sections of a BUNDLE group the first we can carry is
/// accepted, the others ride on it (kBundled) or are refused. 488: nothing in it can be carried; the reason is that of
/// the first audio section, if there is one.
std::variant<RemoteOffer, SdpRefusal> read_offer(std::string_view body, std::size_t sections_before = 0,
                                                 const SecurityPolicy& policy = {});

/// What we bring to one section on one leg.
struct LocalSection {
  proto::Endpoint rtp;                    ///< where we receive
  proto::Endpoint rtcp;                   ///< where we receive RTCP when it is not muxed
  bool rtcp_mux = true;                   ///< offer it; in an answer: take it if offered
  DtlsSetup setup = DtlsSetup::kActpass;  ///< of an offer; an answer follows setup_to_answer
  std::optional<DtlsRole> current_role;   ///< of an association that goes on; see setup_to_answer
  std::string tls_id;                     ///< empty: none. Answers say it only if the offer did (RFC 8842 section 5.3)
  /// The association in force, and the tls-id of one that would take its place: an answer says the latter if the offer
  /// wants a new association (RFC 8842 section 5.3).
  std::optional<DtlsAssociationTerms> association;
  std::string tls_id_next;
  /// Our SDES keys, a line for each suite by preference, each key ours alone and never used before. make_offer says
  /// them all, make_answer the one whose suite it chooses, under the offer's tag.
  std::vector<CryptoAttribute> crypto;
  /// The keys in force: make_offer says our line again in place of `crypto`, make_answer to the same line of the
  /// peer's.
  std::optional<SdesAgreement> sdes;
  /// Offered if set; answered if set and the offer has ICE too.
  std::optional<LocalIce> ice;
  /// Of a section that rides on another's transport: the session has it there already. The rest is not read.
  bool bundled = false;
};

/// What tells whether a description is the same as one before, keys and all.
struct DescriptionMark {
  std::uint64_t version = 0;  ///< of its o= line
  std::uint64_t digest = 0;   ///< of all of it; no secret can be had from it
  /// Its sections behind the first, as they are when closed: a session has never fewer (RFC 3264 section 8).
  std::vector<MediaSection> later;
  /// The identification tag of each section, empty where it has none; they stay for the session's life (RFC 9429
  /// section 5.2.2).
  std::vector<std::string> mids;
  AudioTypes audio_types{};  ///< of its first audio section that is open

  DescriptionMark() = default;
  DescriptionMark(const SessionDescription& description);  // NOLINT: a description's mark stands for it
};

/// What we bring to one leg. Owned by the leg.
struct LocalSession {
  std::uint64_t session_id = 1;  ///< of our o= line; stays for the leg's life, at most 2^62 (RFC 3264 section 5)
  proto::IpAddress address;      ///< of our o= line
  /// The party shall not know the other side again: a=ssrc, a=extmap, a=mid and FEC formats stay behind.
  bool hides_sources = false;
  std::vector<Fingerprint> fingerprints;  ///< of our certificate, for secured sections
  SecurityPolicy security;                ///< make_offer: what an offer of RTP/AVP or RTP/SAVP may bring
  /// One per section of the other side's description, in order; those of sections not carried are not read.
  std::vector<LocalSection> sections;
  /// What we sent last on this leg: the o= version goes up by one if anything changed (RFC 3264 section 8).
  std::optional<DescriptionMark> previous;
};

/// The protocol to offer under a policy: required security is UDP/TLS/RTP/SAVP or RTP/SAVP, by `first` and what is
/// allowed; all else RTP/AVP (with keys in it where best_effort is set); each with "F" where feedback is set.
RtpProtocol protocol_to_offer(const SecurityPolicy& policy);

/// Our offer towards the far leg: the sections `received` has, and those beyond that the leg's session has, closed;
/// same order, codecs (but see codecs_to_offer), payload types and packet times; our addresses, protocol and keys.
/// Sections that are not carried are there with port 0. Directions are the offerer's. Of the attributes only those that
/// describe codecs cross: rtpmap, fmtp, ptime, maxptime, and rtcp-fb where both sides have feedback. The keys:
/// fingerprints for UDP/TLS; for RTP/SAVP our crypto lines, or fingerprints if there are none; for RTP/AVP, where
/// local.security has best_effort, whatever it allows. With ICE come what browsers want: a=mid, a BUNDLE group of the
/// first such section and those that ride on it (new ones without a port, a=bundle-only), a=msid. What else crosses
/// there: crossing.h.
SessionDescription make_offer(const RemoteOffer& received, const LocalSession& local, RtpProtocol protocol);

/// What offer and answer made of one section on one leg: all that the media part needs.
struct AgreedSection {
  bool active = false;  ///< false: port 0 in the answer; nothing below means anything
  RtpProtocol protocol = RtpProtocol::kAvp;
  proto::Endpoint remote_rtp;   ///< family kNone: the peer gave none (hold)
  proto::Endpoint remote_rtcp;  ///< equals remote_rtp with rtcp_mux
  bool rtcp_mux = false;
  Direction direction = Direction::kSendRecv;  ///< ours: sends() means we may send to the peer
  Keying keying = Keying::kNone;               ///< where the keys come from: the protocol does not always tell
  std::optional<DtlsRole> role;                ///< kDtls: ours; nullopt for holdconn
  DtlsAttributes remote_dtls;                  ///< kDtls: fingerprints to check the peer's certificate with
  DtlsAttributes local_dtls;                   ///< kDtls: what we said
  std::optional<SdesAgreement> sdes;           ///< kSdes
  std::optional<RemoteIce> ice;                ///< the peer's, if both sides have it: media goes where its checks say
  std::optional<LocalIce> local_ice;           ///< likewise: what we said
};

/// A finished exchange on one leg. `remote` and `local` are the two descriptions, whoever offered.
struct Agreement {
  SessionDescription remote;
  SessionDescription local;
  std::vector<AgreedSection> sections;
};

/// Reads the answer to `offered`, which make_offer made, and validates it: same number and order of sections, same
/// media and protocol, a format of the offer in each, setup that answers ours, fingerprint or one crypto line that
/// answers one of ours where secured, no section revived. rtcp-mux that was not offered is passed over, as are keys
/// that were not. `policy` is what the offer was made by, and `own` the sections; of these, the roles of associations
/// in force count, to which also an answer of actpass may be given. 400: broken SDP; 488: anything else, also when it
/// accepts no section at all.
std::variant<Agreement, SdpRefusal> read_answer(const SessionDescription& offered, std::string_view body,
                                                const SecurityPolicy& policy = {},
                                                std::span<const LocalSection> own = {});

/// Our answer to `offer`, out of what the far leg agreed to: the far side's choice of codecs (but see codecs_to_answer)
/// and direction, the
/// caller's protocol token, our addresses and keys, its identification tags and, of its BUNDLE groups, the sections
/// carried. Sections that are not carried on both legs get port 0, as do those
/// for whose keys `local` has no line, and those of rtcp-mux-only where we do not mux.
Agreement make_answer(const RemoteOffer& offer, const Agreement& far, const LocalSession& local);

}  // namespace weir::sip
