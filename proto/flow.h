// A flow: one direction of media. What weir-control asks for (FlowSpec) and what anyone may read of it (FlowStatus).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/ice_role.h"
#include "proto/inet.h"
#include "proto/limits.h"
#include "proto/srtp_profile.h"
#include "proto/transcode.h"

namespace weir::proto {

/// Index in the flow table plus the generation that tells one use of that index from the next. weir-control chooses
/// both: an index may be used again, with a higher generation, once its removal is answered.
struct FlowId {
  std::uint32_t index;
  std::uint32_t generation;

  friend bool operator==(const FlowId&, const FlowId&) = default;
};

/// free -> open (punts only) -> installed (media) -> draining (nothing new) -> free.
enum class FlowState : std::uint8_t { kFree = 0, kOpen = 1, kInstalled = 2, kDraining = 3 };

/// Session keys of one packet kind, derived by weir-control (RFC 3711 section 4.3). Unused tails are zero.
struct SessionKeys {
  std::array<std::uint8_t, kSessionKeyBytesMax> encryption;
  std::array<std::uint8_t, kSessionAuthKeyBytes> authentication;
  std::array<std::uint8_t, kSessionSaltBytesMax> salt;
  std::array<std::uint8_t, 2> reserved;
};
static_assert(sizeof(SessionKeys) == 68);

/// One SRTP direction. profile kNone: plain, and the keys are ignored. kDtlsRecords: likewise; what arrives as RTP or
/// RTCP is refused, media comes by InjectKind::kReceived, and what would leave is punted. SRTP and SRTCP keys may come
/// from different DTLS associations: without rtcp-mux each port has its own (RFC 5764 section 4.1.2).
///
/// New keys for a stream that goes on: by RFC 3711 (sections 3.3.1 and 3.4) a rekey resets neither ROC nor SRTCP index,
/// and so do peers that give their running session new keys: keeps_indexes 1. A new DTLS association, or SDES keys in a
/// session that the peer sets up anew, starts at rtp_roc and 0 (RFC 5764 section 4.2): keeps_indexes 0.
///
/// weir-media sees to it that no index repeats under the send keys in force and those given again right after them.
/// Send keys of longer ago must never come back, in whatever flow: it remembers none (RFC 3711 section 9.1).
struct TransformSpec {
  SrtpProfile profile;
  std::uint8_t mki_bytes;      ///< 0: packets carry no MKI (RFC 3711 section 3.1). <= kMkiBytesMax
  std::uint8_t lifetime_log2;  ///< sending: 2^this SRTP and SRTCP packets at most; 0: as many as RFC 3711 allows
  std::uint8_t keeps_indexes;  ///< kUpdateKeys: 1: indexes go on under the new keys
  std::uint32_t rtp_roc;       ///< rollover counter the first SSRC starts with; 0 but for takeover and tests
  std::array<std::uint8_t, kMkiBytesMax> mki;  ///< the first mki_bytes are used
  SessionKeys rtp;
  SessionKeys rtcp;
};
static_assert(sizeof(TransformSpec) == 148);

/// Whose packets a flow takes.
enum class SourcePolicy : std::uint8_t {
  kSignalled = 0,  ///< only FlowSpec::peer
  kLatch = 1,      ///< the first valid (secured leg: authenticated) packet's source, then only that one; see below
  kRelatch = 2,    ///< as kLatch, and any later authenticated packet moves it; secured legs only
  /// The source that the peer nominated by an authenticated connectivity check (RFC 8445 section 7.3.1.5), before that
  /// FlowSpec::peer, and for media whoever has sent such a check (section 12.2). DTLS is punted from sources with an
  /// authenticated check, from no other. Needs FlowSpec::ice
  kIce = 3,
};

/// Credentials of ours that a peer's connectivity checks are made with (RFC 8445 section 7.3): their USERNAME is
/// "ufrag:the peer's own", and the password keys MESSAGE-INTEGRITY. Both of RFC 8839's ice-chars. ufrag_bytes 0: none.
struct IceCredentialsSpec {
  std::uint8_t ufrag_bytes;  ///< 0, or kIceUfragBytesMin..Max
  std::array<std::uint8_t, kIceUfragBytesMax> ufrag;
  std::uint8_t password_bytes;  ///< 0 without a ufrag, else kIcePasswordBytesMin..Max
  std::array<std::uint8_t, kIcePasswordBytesMax> password;
};
static_assert(sizeof(IceCredentialsSpec) == 50);

/// A flow's credentials: those in force, and those of an ICE restart that is under way (RFC 8445 section 9).
inline constexpr std::size_t kIceCredentials = 2;

/// Where one kind of packet leaves to. port 0 in peer: nowhere, the packet is dropped as kind_not_accepted.
struct Exit {
  Endpoint peer;
  std::uint16_t local_port;
  std::uint8_t network;  ///< index of the network it leaves on
  std::uint8_t dscp;     ///< 6 bits
};
static_assert(sizeof(Exit) == 24);

/// accepts: kinds of packets a flow takes as media, and kinds it punts.
inline constexpr std::uint8_t kAcceptRtp = 1;
inline constexpr std::uint8_t kAcceptRtcp = 2;
inline constexpr std::uint8_t kPuntDtls = 1;
inline constexpr std::uint8_t kPuntStun = 2;

struct PayloadTypePair {
  std::uint8_t from;
  std::uint8_t to;
};

/// RewriteSpec::absorbs: what the far side does not understand of RTCP feedback. It is taken out of each compound; with
/// one of kFeedbackPli and kFeedbackFir the other kind of picture request leaves in its place (RFC 4585 section 6.3.1,
/// RFC 5104 section 4.3.1).
inline constexpr std::uint8_t kFeedbackNack = 1;  ///< RFC 4585 section 6.2.1
inline constexpr std::uint8_t kFeedbackTransport =
    2;  ///< transport-wide: draft-holmer-rmcat-transport-wide-cc, RFC 8888
inline constexpr std::uint8_t kFeedbackPli = 4;
inline constexpr std::uint8_t kFeedbackFir = 8;
inline constexpr std::uint8_t kFeedbackRemb = 16;   ///< draft-alvestrand-rmcat-remb-03
inline constexpr std::uint8_t kFeedbackOther = 32;  ///< all else of packet types 205 and 206: TMMBR, SLI, RPSI ...
/// Compounds that begin with no report (RFC 5506): an empty receiver report is put before what is left.
inline constexpr std::uint8_t kFeedbackReducedSize = 64;
inline constexpr std::uint8_t kFeedbackAll = 127;

/// How media changes between the sides. ssrc_to 0: SSRCs pass. Else every inbound SSRC that authenticates first leaves
/// as ssrc_to, in RTP and RTCP alike; ssrc_reverse_from/_to translate the SSRCs of the opposite flow in report blocks.
struct RewriteSpec {
  std::uint32_t ssrc_to;
  std::uint32_t ssrc_reverse_from;
  std::uint32_t ssrc_reverse_to;
  std::uint8_t payload_types;  ///< used entries of payload_type_map
  std::uint8_t absorbs;        ///< kFeedback*: taken out of RTCP
  /// 1: header extensions (RFC 8285) are taken out of RTP. Beside it kHidesSources, kFindsSources (source_disguise.h).
  std::uint8_t strips_extensions;
  /// RTCP: of sender reports' RTP timestamps and the jitter of report blocks, where the RTP is transcoded.
  TimestampScale rtcp_timestamps;
  std::array<PayloadTypePair, kPayloadTypeMapMax> payload_type_map;
};
static_assert(sizeof(RewriteSpec) == 32);

/// Everything weir-media needs to know of a flow. 0 in a rate means unlimited, in a timeout never.
struct FlowSpec {
  /// weir-control's own mark; comes back in events and in the status. Random: it is the secret of a SourceDisguise.
  std::uint64_t cookie;
  Endpoint peer;  ///< signalled source; port 0 while unknown
  std::uint16_t local_port;
  std::uint8_t network;  ///< index of the network it arrives on
  std::uint8_t accepts;  ///< kAcceptRtp | kAcceptRtcp
  std::uint8_t punts;    ///< kPuntDtls | kPuntStun
  SourcePolicy source_policy;
  /// kLatch, kRelatch: how many bits a source's address must have in common with the signalled peer's; 0: none. What is
  /// punted is held to the same, and under kSignalled to the peer itself.
  std::uint8_t latch_prefix_bits;
  /// kNone: ICE-lite. Else weir-control makes checks too, by kInject: their responses are punted, conflicting roles are
  /// settled as ice_tie_breaker says, and it is weir-control that chooses `peer`. Needs `ice`; stays for a flow's life
  /// what it was, but that the roles may change
  IceRole ice_role;
  std::uint32_t packets_per_s_max;
  std::uint32_t bytes_per_s_max;
  std::uint32_t punts_per_s_max;
  std::uint32_t media_timeout_ms;
  Exit rtp;
  Exit rtcp;
  RewriteSpec rewrite;
  TransformSpec receive;
  TransformSpec send;
  std::uint32_t rtp_clock_hz;  ///< for jitter; 0: not known. <= kRtpClockHzMax
  /// kLatch: for how long after kInstall or kSetPeer a source may be learned; then only `peer`. 0: for as long as it
  /// takes on a secured leg, not at all on a plain one. <= kLatchWindowMsMax
  std::uint32_t latch_window_ms;
  /// kUpdateKeys: for how long the old receive keys go on receiving beside the new ones; shorter once those have
  /// authenticated. 0: not at all. <= kKeyGraceMsMax
  std::uint32_t key_grace_ms;
  /// The selected source silent, without an authenticated check, for so long: kConsentLost (RFC 7675). 0: never.
  std::uint32_t ice_consent_ms;
  /// kOpen, kInstall, kSetPeer: the flow answers connectivity checks made with any of these, as ICE-lite (RFC 8445
  /// section 2.5). The second needs the first. What was checked and nominated stays as long as one of them does.
  std::array<IceCredentialsSpec, kIceCredentials> ice;
  std::uint64_t ice_tie_breaker;  ///< RFC 8445 section 16.1
  /// kInstall, kSetPeer: the RTP is converted by a core of its own, between the transforms. Needs kAcceptRtp.
  TranscodeSpec transcode;
  /// The network, + 1, of the other address family on whose local_port the flow's packets arrive as well; 0: none. Of a
  /// peer that is offered both and chooses by ICE. kOpen, kInstall; stays for a flow's life what it was.
  std::uint8_t also_network;
  std::array<std::uint8_t, 7> reserved;
};

/// The worker that owns a local port: RTP and RTCP of a pair (even, odd) always share one.
constexpr std::uint32_t worker_of_port(std::uint16_t port, std::uint32_t workers) {
  return workers == 1 ? 0 : (std::uint32_t{port} >> 1) % workers;  // a division for each packet only where it is needed
}

/// One stream (SSRC) of a flow as its RTP arrives, counted as RFC 3550 does: A.1 (sequence), A.3 (loss), A.8 (jitter).
/// Written by the owning worker only; read it with read_stream (proto/stream_reading.h). What every packet changes of
/// the current stream, the one whose packet came last, lies in FlowStatus: here it is then out of date, and `packets`
/// and `bytes` are what has to be added to the flow's own counters, modulo 2^64.
struct alignas(64) StreamStatus {
  std::uint64_t packets;  ///< accepted, late ones and duplicates included
  std::uint64_t bytes;    ///< UDP payload
  std::uint64_t origin;   ///< index_highest - origin, modulo 2^64, is how many packets should have come
  std::uint64_t index_highest;
  std::uint64_t recent;  ///< 0: the slot is free
  std::uint32_t ssrc;
  std::uint32_t transit;
  std::uint32_t jitter_16;
  std::uint32_t reordered;   ///< came after a packet with a higher sequence number
  std::uint32_t duplicates;  ///< had come before: dropped as replayed on a secured flow, passed on on a plain one
  std::uint32_t version;     ///< bit 0: being written; bit 1: it is the current stream
};
static_assert(sizeof(StreamStatus) == 64);
inline constexpr std::uint32_t kStreamChanging = 1;
inline constexpr std::uint32_t kStreamCurrent = 2;

/// One flow as anyone may read it. Written by the owning worker only, each value whole; a reader that needs them
/// together compares generation before and after. No keys here.
struct alignas(64) FlowStatus {
  std::uint64_t cookie;
  std::uint64_t media_last_ns;  ///< CLOCK_MONOTONIC of the last accepted packet, 0 before the first
  std::uint32_t generation;
  FlowState state;
  std::uint8_t network;
  std::uint16_t local_port;
  std::uint8_t worker;
  std::uint8_t also_network;  ///< see FlowSpec
  SrtpProfile receive_profile;
  SrtpProfile send_profile;
  Endpoint source;  ///< the source in force: signalled or learned
  std::uint64_t rtcp_packets_in;
  std::uint64_t rtcp_packets_out;

  // The cache line that every RTP packet changes.
  std::uint64_t rtp_packets_in;  ///< accepted: past policy, replay check, tag and rate
  std::uint64_t rtp_packets_out;
  std::uint64_t rtp_bytes_in;  ///< UDP payload bytes
  std::uint64_t rtp_bytes_out;
  std::uint64_t rtp_index_highest;  ///< of the current stream: extended sequence number, on a secured flow (ROC, SEQ)
  std::uint64_t rtp_recent;     ///< bit k: rtp_index_highest - k came; 0: no RTP yet, rtp_index_highest means nothing
  std::uint32_t ssrc_last;      ///< of the last accepted RTP packet: the current stream
  std::uint32_t rtp_transit;    ///< arrival minus timestamp of its last packet, in timestamp units
  std::uint32_t rtp_jitter_16;  ///< interarrival jitter, in 1/16 timestamp unit
  std::uint32_t rtp_ticks;      ///< of the RTP clock in 2^32 ns; 0: not known, no jitter. See rtp_ticks_of

  Endpoint rtp_exit;
  Endpoint rtcp_exit;
  std::uint64_t dropped;
  std::uint64_t auth_failed;  ///< part of dropped
  std::uint64_t replayed;     ///< part of dropped

  std::array<StreamStatus, kStreamsShownMax> streams;
};
static_assert(offsetof(FlowStatus, rtp_packets_in) == 64 && offsetof(FlowStatus, rtp_exit) == 128,
              "a packet changes one cache line");
/// An odd number of cache lines, so that the same line of many flows spreads over all cache sets.
static_assert(sizeof(FlowStatus) == 448 && sizeof(FlowStatus) / 64 % 2 == 1);

/// The fastest RTP clock a flow may have.
inline constexpr std::uint32_t kRtpClockHzMax = 10'000'000;

/// FlowStatus::rtp_ticks of a clock, and the clock again: rounding loses 0.12 Hz at most.
constexpr std::uint32_t rtp_ticks_of(std::uint32_t clock_hz) {
  return static_cast<std::uint32_t>(((std::uint64_t{clock_hz} << 32) + 500'000'000) / 1'000'000'000);
}
constexpr std::uint32_t rtp_clock_hz_of(std::uint32_t ticks) {
  return static_cast<std::uint32_t>((std::uint64_t{ticks} * 1'000'000'000 + (std::uint64_t{1} << 31)) >> 32);
}
static_assert(rtp_clock_hz_of(rtp_ticks_of(8'000)) == 8'000 && rtp_clock_hz_of(rtp_ticks_of(44'100)) == 44'100 &&
              rtp_clock_hz_of(rtp_ticks_of(kRtpClockHzMax)) == kRtpClockHzMax);

}  // namespace weir::proto
