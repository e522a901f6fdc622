// Offer and answer between two legs: RFC 3264, with RFC 5763 and RFC 8842 for DTLS-SRTP, RFC 5761 for rtcp-mux.
// Weir is in the middle: it reads an offer on one leg, makes its own towards the other, reads that leg's answer and
// makes its own to the first. Section i of one leg is section i of the other, refused ones (port 0) included.
//
//   read_offer(caller's body) -> make_offer(towards callee) -> read_answer(callee's body) -> make_answer(to caller)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/inet.h"
#include "sip/dtls_attributes.h"
#include "sip/remote_section.h"
#include "sip/sdp.h"

namespace weir::sip {

/// An offer a peer made, with at least one section we can carry.
struct RemoteOffer {
  SessionDescription description;
  std::vector<RemoteSection> sections;  ///< as many as description.media
};

/// RTP sections one offer may open; further ones are refused with port 0. Each costs ports on both legs.
inline constexpr std::size_t kSectionsAcceptedMax = 4;

/// Reads and judges an offer. 400: no SDP, attributes of broken syntax, or fewer sections than `sections_before`, the
/// number the session already has (RFC 3264 section 8). 488: nothing in it can be carried; the reason is that of the
/// first audio section, if there is one.
std::variant<RemoteOffer, SdpRefusal> read_offer(std::string_view body, std::size_t sections_before = 0);

/// What we bring to one section on one leg.
struct LocalSection {
  proto::Endpoint rtp;                    ///< where we receive
  proto::Endpoint rtcp;                   ///< where we receive RTCP when it is not muxed
  bool rtcp_mux = true;                   ///< offer it; in an answer: take it if offered
  DtlsSetup setup = DtlsSetup::kActpass;  ///< of an offer; an answer follows setup_to_answer
  std::optional<DtlsRole> current_role;   ///< of an association that goes on; see setup_to_answer
  std::string tls_id;                     ///< empty: none. Answers say it only if the offer did (RFC 8842 section 5.3)
};

/// What we bring to one leg. Owned by the leg.
struct LocalSession {
  std::uint64_t session_id = 1;  ///< of our o= line; stays for the leg's life, at most 2^62 (RFC 3264 section 5)
  proto::IpAddress address;      ///< of our o= line
  std::vector<Fingerprint> fingerprints;  ///< of our certificate, for secured sections
  /// One per section of the other side's description, in order; those of sections not carried are not read.
  std::vector<LocalSection> sections;
  /// What we sent last on this leg: the o= version goes up by one if anything changed (RFC 3264 section 8).
  std::optional<SessionDescription> previous;
};

/// Our offer towards the far leg: the sections `received` has, same order, codecs, payload types and packet times; our
/// addresses, protocol and keys. Sections that are not carried are there with port 0. Directions are the offerer's.
/// Of the attributes only those that describe codecs cross: rtpmap, fmtp, ptime, maxptime.
SessionDescription make_offer(const RemoteOffer& received, const LocalSession& local, RtpProtocol protocol);

/// What offer and answer made of one section on one leg: all that the media part needs.
struct AgreedSection {
  bool active = false;  ///< false: port 0 in the answer; nothing below means anything
  RtpProtocol protocol = RtpProtocol::kAvp;
  proto::Endpoint remote_rtp;   ///< family kNone: the peer gave none (hold)
  proto::Endpoint remote_rtcp;  ///< equals remote_rtp with rtcp_mux
  bool rtcp_mux = false;
  Direction direction = Direction::kSendRecv;  ///< ours: sends() means we may send to the peer
  std::optional<DtlsRole> role;                ///< ours; nullopt for plain RTP and for holdconn
  DtlsAttributes remote_dtls;                  ///< fingerprints to check the peer's certificate with
  DtlsAttributes local_dtls;                   ///< what we said
};

/// A finished exchange on one leg. `remote` and `local` are the two descriptions, whoever offered.
struct Agreement {
  SessionDescription remote;
  SessionDescription local;
  std::vector<AgreedSection> sections;
};

/// Reads the answer to `offered`, which make_offer made, and validates it: same number and order of sections, same
/// media and protocol, a format of the offer in each, setup that answers ours, fingerprint where secured, no section
/// revived. rtcp-mux that was not offered is passed over. 400: broken SDP; 488: anything else, also when it accepts no
/// section at all.
std::variant<Agreement, SdpRefusal> read_answer(const SessionDescription& offered, std::string_view body);

/// Our answer to `offer`, out of what the far leg agreed to: the far side's choice of codecs and direction, the
/// caller's protocol token, our addresses and keys. Sections that are not carried on both legs get port 0.
Agreement make_answer(const RemoteOffer& offer, const Agreement& far, const LocalSession& local);

}  // namespace weir::sip
