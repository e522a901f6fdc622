// The flow table: one entry per flow, in weir-media's private part of the region, so that it survives a restart.
// Each entry has one writer: the worker that owns its local port. No locks, no atomics in the packet path.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "dataplane/headers.h"
#include "dataplane/ice_state.h"
#include "dataplane/rate_meter.h"
#include "dataplane/session_keys.h"
#include "dataplane/side_pool.h"
#include "dataplane/srtp_index.h"
#include "dataplane/token_bucket.h"
#include "dataplane/transcode_state.h"
#include "proto/assert.h"
#include "proto/flow.h"
#include "proto/limits.h"

namespace weir::dataplane {

class Cipher;

/// Asks for a cache line. Not __builtin_prefetch: GCC takes a function that does nothing else for one without effect,
/// and drops its calls.
inline void prefetch(const void* at) {
  asm volatile("prefetcht0 %0" : : "m"(*static_cast<const std::uint8_t*>(at)));
}

/// What is known of one SSRC.
struct SsrcState {
  SrtpWindow window;
  std::uint32_t ssrc;
  std::uint32_t used;  ///< 0: free; 1: it is `ssrc`'s, for as long as the keys are

  [[nodiscard]] bool is_used() const { return used != 0; }
  [[nodiscard]] bool is_of(std::uint32_t other) const { return (ssrc == other) & is_used(); }
  void take(std::uint32_t for_ssrc) {
    ssrc = for_ssrc;
    used = 1;
  }
};
static_assert(sizeof(SsrcState) == 32);

/// What is known of one SSRC's SRTCP. It is `ssrc`'s once its window has seen something.
struct SrtcpState {
  SrtcpWindow window;
  std::uint32_t ssrc;

  [[nodiscard]] bool is_used() const { return !window.empty(); }
  [[nodiscard]] bool is_of(std::uint32_t other) const { return (ssrc == other) & is_used(); }
  void take(std::uint32_t for_ssrc) { ssrc = for_ssrc; }
};
static_assert(sizeof(SrtcpState) == 16);

using SsrcStates = std::array<SsrcState, proto::kSsrcsNearMax>;
using SrtcpStates = std::array<SrtcpState, proto::kSsrcsNearMax>;

/// The state of an SSRC that is in use, or nullptr.
template <typename State, std::size_t N>
[[gnu::always_inline]] inline State* find_ssrc(std::array<State, N>& states, std::uint32_t ssrc) {
  for (State& state : states) {
    if (state.is_of(ssrc)) [[likely]]
      return &state;
    if (!state.is_used()) return nullptr;  // states fill from the front and are never given back
  }
  return nullptr;
}

/// The state of an SSRC, a free one if it has none yet, nullptr if all are taken. For authenticated packets, and for
/// those we send.
template <typename State, std::size_t N>
[[gnu::always_inline]] inline State* find_or_add_ssrc(std::array<State, N>& states, std::uint32_t ssrc) {
  for (State& state : states) {
    if (state.is_of(ssrc)) [[likely]]
      return &state;
    if (state.is_used()) continue;
    state.take(ssrc);
    return &state;
  }
  return nullptr;
}

/// SSRCs beyond those whose states lie in the entry: of the few flows that have so many. See ssrc_states.h.
struct alignas(64) MoreSsrcs {
  static constexpr std::size_t kSsrcs = proto::kSsrcsPerFlowMax - proto::kSsrcsNearMax;
  std::array<SsrcState, kSsrcs> receive_rtp;
  std::array<SsrcState, kSsrcs> send_rtp;
  std::array<SrtcpState, kSsrcs> receive_rtcp;
};
static_assert(sizeof(MoreSsrcs) == 960);

/// Receive keys that newer ones have replaced, while they still receive, the expanded ones right before them. See
/// key_epochs.h.
struct alignas(64) KeyEpoch {
  SrtcpKey receive_srtcp_key;
  std::uint32_t rtp_roc;  ///< rollover counter that an SSRC starts with
  proto::SrtpProfile receive_profile;
  Mki mki;
  bool confirmed : 1;       ///< a packet under the newer keys has authenticated
  bool shares_indexes : 1;  ///< the newer keys go on with the same indexes (TransformSpec::keeps_indexes)
  bool rtp_stays : 1;       ///< the newer SRTP key is the same: its windows lie in the entry, not here
  bool rtcp_stays : 1;      ///< the same of SRTCP
  std::uint64_t until_ns;   ///< CLOCK_MONOTONIC: from then on they receive no more
  std::array<SsrcState, proto::kSsrcsPerFlowMax> receive_rtp;
  std::array<SrtcpState, proto::kSsrcsPerFlowMax> receive_rtcp;
};
static_assert(sizeof(KeyEpoch) == 832);

/// FlowEntry::transforms: what a flow's packets go through, kept so that a burst can be asked as a whole.
inline constexpr std::uint8_t kReceivesPlain = 1;
inline constexpr std::uint8_t kReceivesHmac = 2;
inline constexpr std::uint8_t kReceivesGcm = 4;
inline constexpr std::uint8_t kSendsHmac = 8;
inline constexpr std::uint8_t kSendsGcm = 16;
/// What takes them off the common way.
inline constexpr std::uint8_t kDetourEpoch = 32;       ///< older keys still receive: `epoch`
inline constexpr std::uint8_t kDetourReceiveMki = 64;  ///< what arrives carries an MKI
inline constexpr std::uint8_t kDetourSend = 128;       ///< what leaves carries an MKI, or is counted: `send_rtp_left`
inline constexpr std::uint8_t kDetoursReceiving = kDetourEpoch | kDetourReceiveMki;

/// Those that the transforms ask for: all but kDetourEpoch.
constexpr std::uint8_t transforms_of(const proto::TransformSpec& receive, const proto::TransformSpec& send) {
  const auto pick = [](proto::SrtpProfile profile, unsigned none, unsigned hmac, unsigned gcm) {
    if (!proto::is_srtp(profile)) return none;
    return proto::srtp_profile(profile).aead ? gcm : hmac;
  };
  unsigned transforms =
      pick(receive.profile, kReceivesPlain, kReceivesHmac, kReceivesGcm) | pick(send.profile, 0, kSendsHmac, kSendsGcm);
  if (proto::is_srtp(receive.profile) && receive.mki_bytes != 0) transforms |= kDetourReceiveMki;
  if (proto::is_srtp(send.profile) && (send.mki_bytes | send.lifetime_log2) != 0) transforms |= kDetourSend;
  return static_cast<std::uint8_t>(transforms);
}

/// FlowEntry::marks.
inline constexpr std::uint8_t kMarkHeard = 1;          ///< unprotect: a packet was accepted; housekeeping takes it back
inline constexpr std::uint8_t kMarkAuthenticated = 2;  ///< unprotect: the first packet was accepted and noted
inline constexpr std::uint8_t kMarkLatched = 4;        ///< lookup: `peer` was learned and is in force
inline constexpr std::uint8_t kMarkNearLimit = 8;      ///< unprotect, protect: the key's end was noted
inline constexpr std::uint8_t kMarkTimeout = 16;       ///< housekeeping: the silence was said
inline constexpr std::uint8_t kMarkRewriting =
    32;  ///< rewrite: rewrite_ssrc, _before and the sequence offset are in use
inline constexpr std::uint8_t kMarkRewrites = 64;  ///< install, set_peer: `rewrite` asks for something, or kTranscodes
inline constexpr std::uint8_t kMarkRtpLeaves = 128;  ///< install, set_peer: rtp_exit leads somewhere

/// FlowEntry::accepts, beside proto::kAccept*: STUN is answered here, by the flow's IceState.
inline constexpr std::uint8_t kAnswersChecks = 128;
/// Likewise: its RTP is converted, as its TranscodeState says.
inline constexpr std::uint8_t kTranscodes = 64;
/// Likewise: the flow receives kDtlsRecords. proto::kAccept* lie so far up then, where lookup does not see them: no
/// packet is media that did not come by weir-control.
inline constexpr unsigned kAcceptsReturned = 2;
constexpr std::uint8_t accepts_of(std::uint8_t accepts, proto::SrtpProfile receive) {
  constexpr unsigned kBoth = proto::kAcceptRtp | proto::kAcceptRtcp;
  const unsigned media = (accepts | accepts >> kAcceptsReturned) & kBoth;
  const unsigned others = accepts & ~(kBoth | kBoth << kAcceptsReturned);
  const bool returned = receive == proto::SrtpProfile::kDtlsRecords;
  return static_cast<std::uint8_t>(others | (returned ? media << kAcceptsReturned : media));
}

/// One flow. Zeroed memory is a free entry. Its expanded keys lie around it: those it receives with end where it
/// begins, those it sends with begin where it ends. So each kind of keys has its place at a constant distance, whatever
/// room the table leaves for them.
struct alignas(64) FlowEntry {
  // The cache line that decides: lookup needs nothing else.
  std::uint32_t generation;
  proto::FlowState state;
  std::uint8_t network;
  std::uint16_t local_port;
  std::uint8_t accepts;  ///< proto::kAccept*, or kAcceptsReturned; kAnswersChecks, kTranscodes
  std::uint8_t punts;
  proto::SourcePolicy source_policy;
  std::uint8_t marks;
  proto::SrtpProfile receive_profile;
  proto::SrtpProfile send_profile;
  std::uint8_t owner;                ///< worker + 1; 0: nobody. See FlowTable::claim
  std::uint8_t also_network;         ///< see proto::FlowSpec
  proto::Endpoint peer;              ///< source in force: signalled or learned
  std::uint8_t rtp_network;          ///< of rtp_exit
  std::uint8_t transforms;           ///< what its packets go through: kReceives*, kSends*, kDetour*
  std::uint8_t latch_prefix_bits;    ///< see proto::FlowSpec
  std::uint8_t rewrite_returns : 2;  ///< rewrite: packets of rewrite_ssrc_before since the last of rewrite_ssrc
  std::uint8_t picture_told : 6;     ///< rewrite: when weir-control was told that a picture is asked for: feedback.h
  RateMeter rate;                    ///< lookup asks it, unprotect takes from it

  alignas(64) PreparedHeaders rtp_headers;  ///< transmit: for rtp_exit; neighbours_version 0: to be made

  // Exits and rewriting of the packets that need them.
  proto::Exit rtcp_exit;
  std::uint64_t cookie;
  proto::RewriteSpec rewrite;

  // What is seldom needed: headers to be made, punts, silence (housekeeping).
  proto::Exit rtp_exit;
  std::uint32_t media_timeout_ms;
  std::uint32_t rewrite_ssrc_before;  ///< rewrite: the SSRC that left as rewrite.ssrc_to before rewrite_ssrc
  TokenBucket punts_bucket;
  std::uint64_t media_last_ns;            ///< housekeeping: when it last took kMarkHeard back
  std::uint32_t rewrite_ssrc;             ///< rewrite: the SSRC that leaves as rewrite.ssrc_to now
  std::uint16_t rewrite_sequence_offset;  ///< rewrite: added to its sequence numbers, modulo 2^16
  std::uint16_t rewrite_sequence_last;    ///< rewrite: the highest sequence number that left

  // Receive and send state. Nothing here changes before a packet has authenticated.
  alignas(64) SsrcStates receive_rtp;
  alignas(64) SsrcStates send_rtp;  ///< a send index is recorded before the packet leaves: it may skip, never repeat
  alignas(64) SrtcpStates receive_rtcp;

  // What the expanded keys do not say.
  SrtcpKey receive_srtcp_key;
  SrtcpKey send_srtcp_key;
  std::uint32_t receive_rtp_roc;  ///< rollover counter that an SSRC starts with
  std::uint32_t send_rtp_roc;
  Mki receive_mki;
  Mki send_mki;
  std::uint8_t send_lifetime_log2;   ///< see proto::TransformSpec
  std::uint8_t restart_next : 6;     ///< continuation: end of the sequence number that would follow the last refused
  std::uint8_t restart_packets : 2;  ///< continuation: how many were refused in a row
  std::uint32_t send_rtcp_next;      ///< send state: next SRTCP index of the flow, whatever the SSRC
  Place epoch;                       ///< of the older receive keys, if kDetourEpoch
  Place more_ssrcs;
  std::uint32_t latch_until_ms;  ///< kLatchClosed, kLatchOpen, or CLOCK_MONOTONIC modulo 2^32: see source_policy.h
  std::uint64_t send_rtp_left;   ///< send state: SRTP packets of the key's lifetime, if kDetourLifetime
};
static_assert(std::is_trivially_copyable_v<FlowEntry> && std::is_standard_layout_v<FlowEntry>);

/// Whether rewrite has anything to do with a packet of this kind.
inline bool rewrites(const FlowEntry& flow, bool rtcp) {
  return (flow.marks & kMarkRewrites) != 0 || (rtcp && flow.rewrite.absorbs != 0);
}
static_assert(offsetof(FlowEntry, rtp_headers) == 64, "one cache line decides");
static_assert(offsetof(FlowEntry, rtcp_exit) == 128);
static_assert(offsetof(FlowEntry, rtp_exit) == 192);
static_assert(offsetof(FlowEntry, receive_rtp) == 256);
static_assert(sizeof(FlowEntry) == 704);

/// An entry of a table, its keys included.
constexpr std::uint32_t entry_bytes(KeyRoom room) {
  return 2 * bytes_of(room) + static_cast<std::uint32_t>(sizeof(FlowEntry));
}
/// An odd number of cache lines, so that the same line of many flows spreads over all cache sets.
static_assert(entry_bytes(KeyRoom::kAesCm) / 64 % 2 == 1 && entry_bytes(KeyRoom::kGcm) / 64 % 2 == 1);

/// One flow of so many has an older key epoch at a time, and one more than kSsrcsNearMax SSRCs: rekeys are hours apart,
/// a grace seconds. With few flows there are enough for all.
inline constexpr std::uint32_t kFlowsPerPlace = 64;
inline constexpr std::uint32_t kPlacesMin = 64;
constexpr std::uint32_t places_for(std::uint32_t flows_max) {
  return flows_max / kFlowsPerPlace + kPlacesMin;
}
static_assert(places_for(proto::kFlowsMax) <= kPlacesMax);

/// Flows that may speak ICE at a time: all of them, as far as places can be named. A browser's audio and video are one
/// flow each way (RFC 8843), and only the one that it sends speaks ICE.
constexpr std::uint32_t ice_places_for(std::uint32_t flows_max) {
  return flows_max < kPlacesMax ? flows_max : kPlacesMax;
}

/// What one flow more costs of the region, once every place for ICE has a name: its entry, its status, and its share of
/// the pools.
constexpr std::uint32_t flow_bytes(KeyRoom room) {
  const std::size_t places = sizeof(KeyEpoch) + bytes_of(room) + sizeof(MoreSsrcs);
  return static_cast<std::uint32_t>(entry_bytes(room) + sizeof(proto::FlowStatus) + places / kFlowsPerPlace);
}
static_assert(flow_bytes(KeyRoom::kAesCm) <= 2048);
static_assert(flow_bytes(KeyRoom::kGcm) <= 3244, "it only shrinks");

inline constexpr std::uint32_t kNoFlow = 0xffffffff;

/// Flows whose hot cache lines, about eleven each, stay in a core's second-level cache (2 MB) beside the packets:
/// asking ahead for them costs more than it brings.
inline constexpr std::uint32_t kFlowsNear = 2048;

/// Keys that lie right before what holds them, and right behind it; const if it is.
template <typename Keys, typename Holder>
auto& keys_before(Holder& holder) {
  return reinterpret_cast<std::conditional_t<std::is_const_v<Holder>, const Keys, Keys>*>(&holder)[-1];
}
template <typename Keys, typename Holder>
auto& keys_behind(Holder& holder) {
  return *reinterpret_cast<std::conditional_t<std::is_const_v<Holder>, const Keys, Keys>*>(&holder + 1);
}

/// The expanded keys that a flow or an epoch receives with, of a profile without GCM and of one with it.
template <typename Holder>
auto& receive_aes_cm(Holder& holder) {
  return keys_before<AesCmSide>(holder);
}
template <typename Holder>
auto& receive_gcm(Holder& holder) {
  return keys_before<GcmKeys>(holder);
}
/// Those that a flow sends with.
template <typename Flow>
auto& send_aes_cm(Flow& flow) {
  return keys_behind<AesCmSide>(flow);
}
template <typename Flow>
auto& send_gcm(Flow& flow) {
  return keys_behind<GcmKeys>(flow);
}

template <typename Holder>
SideKeys receive_side(Holder& holder) {
  const bool aead = proto::srtp_profile(holder.receive_profile).aead;
  return {.profile = holder.receive_profile,
          .aes_cm = aead ? nullptr : &receive_aes_cm(holder),
          .gcm = aead ? &receive_gcm(holder) : nullptr,
          .srtcp = &holder.receive_srtcp_key};
}
inline SideKeys send_side(FlowEntry& flow) {
  const bool aead = proto::srtp_profile(flow.send_profile).aead;
  return {.profile = flow.send_profile,
          .aes_cm = aead ? nullptr : &send_aes_cm(flow),
          .gcm = aead ? &send_gcm(flow) : nullptr,
          .srtcp = &flow.send_srtcp_key};
}

/// The table. One object for all workers; every function that changes an entry belongs to that entry's owner.
class FlowTable {
 public:
  /// Bytes of private memory for this many flows and networks; `transcodes_max` flows may be transcoded at once.
  static std::uint64_t private_bytes(std::uint32_t flows_max, std::uint32_t networks, KeyRoom room,
                                     std::uint32_t transcodes_max = 0);

  /// `memory` is at least private_bytes long, 64-byte aligned, zeroed or left by an earlier incarnation with the same
  /// layout hash and room; `status` has flows_max entries. Neither is copied.
  FlowTable(void* memory, std::uint32_t flows_max, std::uint32_t networks, KeyRoom room, proto::FlowStatus* status,
            std::uint32_t transcodes_max = 0);

  SidePool<KeyEpoch>& epochs() { return epochs_; }
  SidePool<MoreSsrcs>& more_ssrcs() { return more_ssrcs_; }
  /// What a flow knows of ICE, or nullptr: it answers no checks.
  IceState* ice_of(std::uint32_t index) {
    const Place place = (entry(index).accepts & kAnswersChecks) != 0 ? ice_.find(index) : Place{0};
    return place == 0 ? nullptr : &ice_.at(place);
  }

  /// Flows that may be transcoded at once.
  [[nodiscard]] std::uint32_t transcodes_max() const { return transcodes_.places(); }
  /// The place of a flow that is transcoded, else 0; and what it keeps there.
  [[nodiscard]] Place transcode_place(std::uint32_t index) const {
    return (entry(index).accepts & kTranscodes) != 0 ? transcodes_.find(index) : Place{0};
  }
  TranscodeState& transcode_at(Place place) { return transcodes_.at(place); }

  /// After a restart of weir-media: rebuilds the ports, and those expanded keys whose layout depends on the CPU.
  /// Rollover counters and send indexes stay as they are; a stream's late packets of before are refused.
  void resume(Cipher& cipher);

  [[nodiscard]] std::uint32_t flows_max() const { return flows_max_; }
  [[nodiscard]] std::uint32_t networks() const { return networks_; }
  [[nodiscard]] KeyRoom key_room() const { return room_; }
  FlowEntry& entry(std::uint32_t index) {
    WEIR_ASSERT(index < flows_max_);
    return *reinterpret_cast<FlowEntry*>(first_entry_ + index * entry_stride_);
  }
  [[nodiscard]] const FlowEntry& entry(std::uint32_t index) const {
    WEIR_ASSERT(index < flows_max_);
    return *reinterpret_cast<const FlowEntry*>(first_entry_ + index * entry_stride_);
  }
  proto::FlowStatus& status(std::uint32_t index) {
    WEIR_ASSERT(index < flows_max_);
    return status_[index];
  }

  /// Flows in use that a worker owns. For that worker.
  [[nodiscard]] std::uint32_t flows_of(std::uint32_t worker) const { return owned_[worker].flows; }

  /// The flow at a local port, or kNoFlow. `network` < networks().
  [[nodiscard]] std::uint32_t flow_at(std::uint8_t network, std::uint16_t port) const {
    return ports_[std::uint32_t{network} << 16 | port] - 1;
  }
  void prefetch_port(std::uint8_t network, std::uint16_t port) const {
    prefetch(&ports_[std::uint32_t{network} << 16 | port]);
  }

  /// Makes `worker` the owner of a free entry. False: another worker owns it. Two workers may be asked at once by a
  /// damaged weir-control, so this one step is atomic. remove() gives the entry back.
  bool claim(std::uint32_t index, std::uint16_t worker);
  /// Only of an entry that the worker owns may it read anything else.
  [[nodiscard]] bool is_owned_by(std::uint32_t index, std::uint16_t worker) const;

  // The spec is validated, the entry claimed, the port free or this flow's own (commands.cc).
  /// free -> open: punts only. Keys, exits and rewriting of the spec are not read.
  void open(proto::FlowId id, const proto::FlowSpec& spec);
  /// free or open -> installed. All media state starts anew. What an open flow spent of its punts is kept.
  void install(proto::FlowId id, const proto::FlowSpec& spec, std::uint64_t now_ns, Cipher& cipher);
  /// Before any of open, install and set_peer: the spec's ICE credentials, or none any more. False, and nothing has
  /// changed: too many flows speak ICE.
  bool set_ice(std::uint32_t index, const proto::FlowSpec& spec, Cipher& cipher);
  /// Before install, and before set_peer of an installed flow: how the spec wants its RTP converted, or not at all any
  /// more. The same conversion goes on with the same codecs. False, and nothing has changed: too many flows are.
  bool set_transcode(std::uint32_t index, const proto::TranscodeSpec& spec);
  /// New transforms: `receive`, `send` and key_grace_ms of the spec. A kind of packet whose keys did not change keeps
  /// its indexes and windows, else an index would be used twice; with new keys it goes on or starts anew as the
  /// transform says. Sending changes at once; the old receive keys stay for the grace. False, and nothing has changed:
  /// there is no place for them.
  bool update_keys(std::uint32_t index, const proto::FlowSpec& update, std::uint64_t now_ns, Cipher& cipher);
  /// Gives an epoch the keys that a flow receives with.
  void copy_receive_keys(const FlowEntry& flow, KeyEpoch& epoch) const;
  /// Ends the older receive keys.
  void end_epoch(std::uint32_t index);
  /// New signalled source, but that a nominated one stays under SourcePolicy::kIce, and exits; and if the flow is
  /// installed whose packets it takes, its punts, rates and clock. What was latched is forgotten and may be latched
  /// anew for `latch_window_ms`; not on a plain leg if source and policy are those in force.
  void set_peer(std::uint32_t index, const proto::FlowSpec& spec, std::uint64_t now_ns);
  /// installed -> draining.
  void drain(std::uint32_t index);
  /// any -> free: keys and state are wiped, the port is closed, nobody owns the entry.
  void remove(std::uint32_t index);

 private:
  struct Layout;
  FlowTable(std::uint8_t* memory, const Layout& layout, proto::FlowStatus* status);

  /// Written by one worker each, on a cache line of its own.
  struct alignas(64) Owned {
    std::uint32_t flows = 0;
  };

  std::uint32_t& flows_of_owner(const FlowEntry& flow) {
    WEIR_ASSERT(flow.owner != 0 && flow.owner <= proto::kWorkersMax);
    return owned_[flow.owner - 1u].flows;
  }
  /// Where the flow's packets arrive.
  void set_ports(const FlowEntry& flow, std::uint32_t value);
  void reset_media(FlowEntry& flow, const proto::FlowSpec& spec);
  void replace_keys(FlowEntry& flow, const proto::FlowSpec& update, Cipher& cipher);
  void resume_flow(FlowEntry& flow, Cipher& cipher);
  void resume_pools(Cipher& cipher);
  void release_places(FlowEntry& flow);
  void end_ice(std::uint32_t index);
  void end_transcode(std::uint32_t index);
  void keep_nominated(std::uint32_t index);
  void wipe_keys(FlowEntry& flow);
  void publish(std::uint32_t index);

  std::uint32_t* ports_;  ///< [networks][65536]: flow index + 1, 0 if closed
  std::uint8_t* first_entry_;
  std::uint64_t entry_stride_;  ///< bytes
  SidePool<KeyEpoch> epochs_;
  SidePool<MoreSsrcs> more_ssrcs_;
  SidePool<IceState> ice_;
  SidePool<TranscodeState> transcodes_;
  proto::FlowStatus* status_;
  std::uint32_t flows_max_;
  std::uint32_t networks_;
  KeyRoom room_;
  std::array<Owned, proto::kWorkersMax> owned_{};
};

/// Asks for the line that decides.
inline void prefetch_flow(const FlowEntry* flow) {
  prefetch(flow);
}

/// Whether the profile's AES-CM round keys reach into AesCmKeys' fifth cache line.
constexpr bool has_long_schedule(proto::SrtpProfile profile) {
  return profile >= proto::SrtpProfile::kAes192CmHmacSha1_80 && profile <= proto::SrtpProfile::kAes256CmHmacSha1_32;
}

/// Asks for what unprotect, protect and transmit will touch of an installed flow whose first line has arrived.
inline void prefetch_media(const FlowEntry& flow, const proto::FlowStatus& status) {
  const auto prefetch_lines = [](const void* keys, std::size_t begin, std::size_t end) {
    for (std::size_t line = begin; line < end; ++line) prefetch(static_cast<const std::uint8_t*>(keys) + 64 * line);
  };
  const auto prefetch_aes_cm = [&](const AesCmSide& keys, proto::SrtpProfile profile) {
    prefetch_lines(&keys, 0, 4);  // HMAC states, salt and round keys
    if (has_long_schedule(profile)) prefetch_lines(&keys, 4, 5);
  };
  const auto prefetch_gcm = [&](const GcmKeys& keys) {
    prefetch_lines(&keys, 0, 4);    // round keys
    prefetch_lines(&keys, 12, 16);  // hash keys of 16 blocks, and the salt
  };
  static_assert(sizeof(GcmKeys) == 16 * 64 && sizeof(AesCmKeys) == 5 * 64);
  prefetch(&flow.rtp_headers);
  prefetch(&status.rtp_packets_in);
  if ((flow.transforms & (kReceivesHmac | kReceivesGcm)) != 0) {
    prefetch(&flow.receive_rtp);
    if ((flow.transforms & kReceivesGcm) != 0) {
      prefetch_gcm(receive_gcm(flow));
    } else {
      prefetch_aes_cm(receive_aes_cm(flow), flow.receive_profile);
    }
  }
  if ((flow.transforms & (kSendsHmac | kSendsGcm)) != 0) {
    prefetch(&flow.send_rtp);
    if ((flow.transforms & kSendsGcm) != 0) {
      prefetch_gcm(send_gcm(flow));
    } else {
      prefetch_aes_cm(send_aes_cm(flow), flow.send_profile);
    }
  }
}

/// Of everything in the private memory but its KeyRoom: changes when a restarted weir-media could not go on with what
/// lies there.
consteval std::uint64_t private_layout_hash() {
  const std::uint64_t facts[] = {
      sizeof(FlowEntry),
      offsetof(FlowEntry, peer),
      offsetof(FlowEntry, transforms),
      offsetof(FlowEntry, rtp_headers),
      offsetof(FlowEntry, rtcp_exit),
      offsetof(FlowEntry, rewrite),
      offsetof(FlowEntry, rate),
      offsetof(FlowEntry, rtp_exit),
      offsetof(FlowEntry, punts_bucket),
      sizeof(RateMeter),
      offsetof(FlowEntry, rewrite_ssrc),
      offsetof(FlowEntry, receive_rtp),
      offsetof(FlowEntry, receive_rtcp),
      offsetof(FlowEntry, send_rtp),
      offsetof(FlowEntry, send_rtcp_next),
      sizeof(AesCmSide),
      sizeof(GcmKeys),
      offsetof(FlowEntry, epoch),
      offsetof(FlowEntry, send_rtp_left),
      sizeof(KeyEpoch),
      offsetof(KeyEpoch, receive_rtp),
      offsetof(KeyEpoch, receive_rtcp),
      sizeof(MoreSsrcs),
      kFlowsPerPlace,
      offsetof(FlowEntry, receive_srtcp_key),
      offsetof(FlowEntry, send_srtcp_key),
      offsetof(FlowEntry, receive_rtp_roc),
      offsetof(FlowEntry, receive_mki),
      offsetof(FlowEntry, send_mki),
      offsetof(FlowEntry, send_lifetime_log2),
      offsetof(KeyEpoch, receive_srtcp_key),
      offsetof(KeyEpoch, rtp_roc),
      offsetof(KeyEpoch, receive_profile),
      offsetof(KeyEpoch, until_ns),
      sizeof(SsrcState),
      offsetof(SsrcState, used),
      sizeof(SsrcStates),
      sizeof(SrtcpState),
      offsetof(MoreSsrcs, receive_rtcp),
      offsetof(FlowEntry, latch_until_ms),
      offsetof(FlowEntry, more_ssrcs),
      sizeof(TokenBucket),
      sizeof(SrtcpKey),
      sizeof(Mki),
      sizeof(proto::RewriteSpec),
      sizeof(IceState),
      sizeof(IceCredentials),
      offsetof(IceState, sources),
      offsetof(IceState, transactions),
      sizeof(TranscodeState),
      offsetof(TranscodeState, clocks),
      sizeof(StreamClock),
      kPlacesMax,
  };
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const std::uint64_t fact : facts) hash = (hash ^ fact) * 0x100000001b3ull;
  return hash;
}

}  // namespace weir::dataplane
