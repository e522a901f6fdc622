// What crosses the rings between weir-control and weir-media. The one file in which the two paths meet: review it
// hardest, change it least. Fixed-width PODs, native byte order, no pointers. The reader copies a slot once and then
// validates every field: the writer may be compromised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "proto/flow.h"

namespace weir::proto {

/// Raised with every change of a layout or a meaning in proto/ that the layout hash cannot see.
inline constexpr std::uint32_t kRegionVersion = 11;

/// Command: weir-control -> the worker that owns the flow. Each is answered by one Event with the same request number.
enum class CommandKind : std::uint8_t {
  kOpen = 1,        ///< free -> open: the port punts DTLS or STUN as `punts` says, answers checks, and takes no media
  kInstall = 2,     ///< free or open -> installed: the whole spec. On open, local port and network must not change
  kUpdateKeys = 3,  ///< installed: new receive and send transforms; key_grace_ms. Sending changes at once
  /// open or installed: new peer, rtp and rtcp exits, latch_window_ms, all of ice. Installed also what a later
  /// description changes: punts, source_policy, latch_prefix_bits, packets_per_s_max, bytes_per_s_max, rtp_clock_hz,
  /// transcode, and of rewrite absorbs, strips_extensions and rtcp_timestamps.
  /// Nothing else is read. An open flow of kIce that is given no credentials goes on as one of kLatch
  kSetPeer = 4,
  kRemove = 5,  ///< any -> free, keys wiped. Removing a free flow is answered kRemoved: idempotent
  kDrain = 6,   ///< installed -> draining: takes no new packet, statistics stay readable
};

struct Command {
  CommandKind kind;
  std::uint8_t reserved[3];
  std::uint32_t request;
  FlowId flow;
  FlowSpec spec;  ///< holds keys and passwords: the reader wipes the slot after it copied it, the writer its own copy
};

/// Why a command was refused.
enum class Refusal : std::uint8_t {
  kNone = 0,
  kKindUnknown,
  kIndexOutOfRange,
  kGenerationStale,
  kStateWrong,
  kNetworkUnknown,
  kPortInUse,
  kPortNotOurs,  ///< the port belongs to another worker
  kEnumOutOfRange,
  kAddressFamily,
  kNoRoom,
  kAeadNotAllowed,  ///< without [srtp] aead the flow table has no room for GCM's keys
  kNoTranscoders,   ///< without [media] transcode_cores nobody converts audio
  kTranscodersTaken,
};
inline constexpr std::size_t kRefusalCount = 14;
/// For people, e.g. "the port is in use by another flow".
const char* to_string(Refusal refusal);

enum class EventKind : std::uint8_t {
  kOpened = 1,  // answers, in CommandKind's order
  kInstalled = 2,
  kKeysUpdated = 3,
  kPeerSet = 4,
  kRemoved = 5,
  kDrained = 6,
  kRefused = 7,             ///< answer: see refusal
  kSourceLearned = 8,       ///< source: the address the flow latched to
  kFirstAuthenticated = 9,  ///< the first packet that passed the tag check, or a plain flow's first valid packet
  kMediaTimeout = 10,       ///< no accepted packet for media_timeout_ms; said once until media comes again
  kIndexNearLimit = 11,     ///< a key is close to its lifetime (RFC 3711 section 9.2): rekey
  kKeysConfirmed = 12,      ///< a packet under the new receive keys authenticated while the old ones still received
  // ICE. source: the check's; ssrc: which of FlowSpec::ice it was made with; priority: its PRIORITY
  kIceChecked = 13,  ///< an authenticated check, a source's first; of a flood of sources only some. Full ICE: also its
                     ///< later ones, until FlowSpec::peer of an installed flow is that source. bytes: see Event
  kIceNominated = 14,  ///< kIce: the peer nominated this source; a lite agent's flow follows it
  kConsentLost = 15,   ///< no check from the selected source for ice_consent_ms; again thrice in that until one comes
  kIceRoleLost = 16,   ///< full ICE: by the tie-breakers the flow's role is another from now on: ssrc (IceRole)
  /// Authenticated RTCP asks for a whole picture, and the side that the flow leads to understands neither PLI nor FIR.
  /// Once a second for a flow at most.
  kPictureAsked = 17,
};

struct Event {
  EventKind kind;
  Refusal refusal;
  std::uint16_t worker;
  std::uint32_t request;  ///< of the command it answers; 0 otherwise
  FlowId flow;
  std::uint64_t cookie;
  std::uint64_t now_ns;  ///< CLOCK_MONOTONIC
  Endpoint source;
  std::uint32_t ssrc;
  std::uint32_t priority;
  std::uint32_t bytes;  ///< kIceChecked: by so many the check was longer than its answer
};
static_assert(sizeof(Event) == 64);

/// A whole datagram that is not media, or for weir-control to send.
inline constexpr std::size_t kPuntDataBytesMax = 1984;
static_assert(kPuntDataBytesMax >= kDatagramBytesMax);

/// Punt: worker -> control. data[0, bytes) is the UDP payload that arrived at the flow. Of kind kRtp or kRtcp, which
/// are punted in no other way, it is what leaves: a packet of this flow, whose send profile is kDtlsRecords, in the
/// clear.
struct Punt {
  FlowId flow;
  std::uint64_t cookie;
  std::uint64_t now_ns;
  Endpoint source;
  std::uint8_t kind;  ///< PacketKind
  std::uint8_t reserved;
  std::uint16_t bytes;
  std::uint8_t padding[16];
  std::uint8_t data[kPuntDataBytesMax];
};
static_assert(sizeof(Punt) == 2048);

enum class InjectKind : std::uint8_t {
  kDatagram = 0,        ///< data[0, bytes) is sent from the flow's local address and port to `destination`: no media
  kPictureRequest = 1,  ///< data is a PictureRequest; destination and dscp are not read
  /// data is RTP or RTCP that came to the flow as authenticated DTLS application data: it goes on as what other flows
  /// unprotect does. Its receive profile is kDtlsRecords; destination and dscp are not read
  kReceived = 2,
};

/// RTCP that asks whoever the flow's RTCP leaves to for whole pictures, as PLI or FIR, whichever the flow does not
/// absorb (RFC 4585 section 6.3.1, RFC 5104 section 4.3.1). weir-media writes it, and protects it under the flow's keys
/// with the flow's next index.
inline constexpr std::size_t kPictureSourcesMax = 4;
struct PictureRequest {
  std::uint32_t sender;                                  ///< SSRC
  std::uint32_t sources;                                 ///< used entries of source; 1..kPictureSourcesMax
  std::array<std::uint32_t, kPictureSourcesMax> source;  ///< SSRCs of the pictures' senders
};
static_assert(sizeof(PictureRequest) == 24);

/// Inject: control -> worker.
struct Inject {
  FlowId flow;
  Endpoint destination;
  std::uint16_t bytes;
  std::uint8_t dscp;
  InjectKind kind;
  std::uint8_t reserved[32];
  std::uint8_t data[kPuntDataBytesMax];
};
static_assert(sizeof(Inject) == 2048);

template <typename T>
inline constexpr bool kCrossesProcesses = std::is_trivially_copyable_v<T>&& std::is_standard_layout_v<T>;
static_assert(kCrossesProcesses<Command> && kCrossesProcesses<Event> && kCrossesProcesses<Punt> &&
              kCrossesProcesses<Inject> && kCrossesProcesses<PictureRequest> && kCrossesProcesses<FlowStatus>);

// Offsets the two processes agree on; a change here is a new kRegionVersion.
static_assert(offsetof(Command, flow) == 8 && offsetof(Command, spec) == 16);
static_assert(offsetof(FlowSpec, rtp) == 52 && offsetof(FlowSpec, rewrite) == 100 &&
              offsetof(FlowSpec, receive) == 132 && offsetof(FlowSpec, send) == 280 && offsetof(FlowSpec, ice) == 444 &&
              offsetof(FlowSpec, transcode) == 552 && offsetof(FlowSpec, also_network) == 592 &&
              sizeof(FlowSpec) == 600);
static_assert(sizeof(Command) == 616);
static_assert(offsetof(Event, source) == 32 && offsetof(Punt, data) == 64 && offsetof(Inject, data) == 64);

}  // namespace weir::proto
