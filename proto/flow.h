// A flow: one direction of media. What weir-control asks for (FlowSpec) and what anyone may read of it (FlowStatus).
#pragma once

#include <array>
#include <cstdint>

#include "proto/inet.h"
#include "proto/limits.h"
#include "proto/srtp_profile.h"

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

/// One SRTP direction. profile kNone: plain, and the keys are ignored. SRTP and SRTCP keys may come from different DTLS
/// associations: without rtcp-mux each port has its own (RFC 5764 section 4.1.2).
struct TransformSpec {
  SrtpProfile profile;
  std::array<std::uint8_t, 3> reserved;
  std::uint32_t rtp_roc;  ///< rollover counter the first SSRC starts with; 0 but for takeover and tests
  SessionKeys rtp;
  SessionKeys rtcp;
};
static_assert(sizeof(TransformSpec) == 144);

/// Whose packets a flow takes.
enum class SourcePolicy : std::uint8_t {
  kSignalled = 0,  ///< only FlowSpec::peer
  kLatch = 1,      ///< the first valid (secured leg: authenticated) packet's source, then only that one
  kRelatch = 2,    ///< as kLatch, and any later authenticated packet moves it; secured legs only
};

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

/// How media changes between the sides. ssrc_to 0: SSRCs pass. Else every inbound SSRC that authenticates first leaves
/// as ssrc_to, in RTP and RTCP alike; ssrc_reverse_from/_to translate the SSRCs of the opposite flow in report blocks.
struct RewriteSpec {
  std::uint32_t ssrc_to;
  std::uint32_t ssrc_reverse_from;
  std::uint32_t ssrc_reverse_to;
  std::uint8_t payload_types;  ///< used entries of payload_type_map
  std::array<std::uint8_t, 3> reserved;
  std::array<PayloadTypePair, kPayloadTypeMapMax> payload_type_map;
};
static_assert(sizeof(RewriteSpec) == 32);

/// Everything weir-media needs to know of a flow. 0 in a rate means unlimited, in a timeout never.
struct FlowSpec {
  std::uint64_t cookie;  ///< weir-control's own mark; comes back in events and in the status
  Endpoint peer;         ///< signalled source; port 0 while unknown
  std::uint16_t local_port;
  std::uint8_t network;  ///< index of the network it arrives on
  std::uint8_t accepts;  ///< kAcceptRtp | kAcceptRtcp
  std::uint8_t punts;    ///< kPuntDtls | kPuntStun
  SourcePolicy source_policy;
  std::array<std::uint8_t, 2> reserved;
  std::uint32_t packets_per_s_max;
  std::uint32_t bytes_per_s_max;
  std::uint32_t punts_per_s_max;
  std::uint32_t media_timeout_ms;
  Exit rtp;
  Exit rtcp;
  RewriteSpec rewrite;
  TransformSpec receive;
  TransformSpec send;
  std::uint32_t reserved_end;
};

/// The worker that owns a local port: RTP and RTCP of a pair (even, odd) always share one.
constexpr std::uint32_t worker_of_port(std::uint16_t port, std::uint32_t workers) {
  return workers == 1 ? 0 : (std::uint32_t{port} >> 1) % workers;  // a division for each packet only where it is needed
}

/// One flow as anyone may read it. Written by the owning worker only, each value whole; a reader that needs them
/// together compares generation before and after. No keys here.
struct alignas(64) FlowStatus {
  std::uint64_t cookie;
  std::uint32_t generation;
  FlowState state;
  std::uint8_t network;
  std::uint16_t local_port;
  std::uint16_t worker;
  SrtpProfile receive_profile;
  SrtpProfile send_profile;
  Endpoint source;  ///< the source in force: signalled or learned
  Endpoint rtp_exit;
  Endpoint rtcp_exit;
  std::uint32_t ssrc_last;       ///< of the last accepted RTP packet
  std::uint64_t rtp_index_last;  ///< its extended index (ROC, SEQ)
  std::uint64_t rtp_packets_in;  ///< accepted: past policy, replay check and tag
  std::uint64_t rtp_packets_out;
  std::uint64_t rtp_bytes_in;  ///< UDP payload bytes
  std::uint64_t rtp_bytes_out;
  std::uint64_t rtcp_packets_in;
  std::uint64_t rtcp_packets_out;
  std::uint64_t dropped;
  std::uint64_t auth_failed;    ///< part of dropped
  std::uint64_t replayed;       ///< part of dropped
  std::uint64_t media_last_ns;  ///< CLOCK_MONOTONIC of the last accepted packet, 0 before the first
};
static_assert(sizeof(FlowStatus) % 64 == 0);

}  // namespace weir::proto
