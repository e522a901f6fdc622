// The burst: up to 64 packets in columns, as they pass the stages in order
//   receive -> lookup -> unprotect -> rewrite -> protect -> transmit   (+ punt)
// A stage reads the columns of the stages before it and writes its own. Each worker has one Burst and uses it again.
#pragma once

#include <array>
#include <cstdint>

#include "proto/counters.h"
#include "proto/demux.h"
#include "proto/flow.h"
#include "proto/inet.h"
#include "proto/limits.h"

namespace weir::dataplane {

struct FlowEntry;
class FlowTable;
struct SsrcState;

inline constexpr std::size_t kBurstMax = proto::kBurstMax;
static_assert(kBurstMax <= 128, "one ipsec-mb burst holds at most 128 jobs");

template <typename T>
using Column = std::array<T, kBurstMax>;

/// Places in a burst, in packet order.
struct PacketList {
  std::uint32_t count = 0;
  Column<std::uint8_t> at;

  void push(std::uint32_t packet) { at[count++] = static_cast<std::uint8_t>(packet); }
  void clear() { count = 0; }
};

/// Notes: what a stage has found, for the worker to tell weir-control, or for a later stage.
inline constexpr std::uint8_t kNoteFirstAuthenticated = 1;  ///< the flow's first accepted packet
inline constexpr std::uint8_t kNoteIndexNearLimit = 2;      ///< a key of the flow is close to its lifetime
inline constexpr std::uint8_t kNoteKeysConfirmed = 4;       ///< the newest receive keys have authenticated
inline constexpr std::uint8_t kNoteOlderKeys = 8;           ///< older receive keys have; it moves no source
inline constexpr std::uint8_t kNotePictureAsked = 16;       ///< for a whole picture, of a side that knows no such RTCP

struct Burst {
  std::uint32_t count = 0;     ///< receive: packets taken from the queue; 0..kBurstMax
  std::uint64_t now_ns = 0;    ///< worker: CLOCK_MONOTONIC, read once per burst
  FlowTable* table = nullptr;  ///< lookup: the one that all flows are of

  /// Packets on their way to a transmit queue. lookup fills it with what belongs to a flow as media; unprotect, rewrite
  /// and protect take out what they drop; transmit sends the rest.
  PacketList media;
  /// lookup: of the flows of `media`, all FlowEntry::transforms together; and whether there is RTCP in it. What a stage
  /// need not do for any packet of the burst it need not ask each packet.
  std::uint8_t transforms = 0;
  bool rtcp = false;
  /// protect: the flow whose stream started anew in this burst, and what the sequence numbers of its later packets
  /// still lack, since rewrite saw them before.
  const FlowEntry* continued = nullptr;
  std::uint16_t continued_by = 0;
  std::uint32_t trials = 0;  ///< unprotect: packets that look_for_missed_wrap has tried, kTrialsPerBurst at most
  /// lookup: packets of `media` that commit_admission has to see, and those that rewrite changes. One that was dropped
  /// since may still be listed.
  PacketList unsettled;
  PacketList rewrites;
  /// lookup: packets for weir-control.
  PacketList punts;
  /// lookup: STUN of flows with ICE credentials. answer_checks makes answers of them, or drops them; transmit sends
  /// them.
  PacketList checks;
  /// rewrite: packets of `media` that a transcoder converts. One that was dropped since may still be listed.
  PacketList transcodes;
  /// transmit: packets that leave as DTLS application data: weir-control's, which PuntGate gives them to.
  PacketList handed_up;
  bool dropped = false;  ///< a packet of this burst was dropped
  /// unprotect, rewrite, protect: packets of `media` whose `notes` are not zero. A packet dropped later may still be
  /// listed.
  PacketList noted;

  Column<void*> mbuf;                 ///< receive: the DPDK buffer; only receive, punt and transmit look inside
  Column<std::uint8_t*> data;         ///< receive: first byte of the UDP payload
  Column<std::uint32_t> bytes;        ///< receive: UDP payload bytes; unprotect, protect: after the transform
  Column<std::uint32_t> room;         ///< receive: payload bytes that may be written from data on and leave; >= bytes
  Column<proto::Endpoint> source;     ///< receive
  Column<std::uint16_t> local_port;   ///< receive: UDP destination port
  Column<std::uint8_t> network;       ///< receive: index of the network it came from
  Column<proto::PacketKind> kind;     ///< lookup: RFC 7983
  Column<std::uint32_t> flow_index;   ///< lookup
  Column<FlowEntry*> flow;            ///< lookup; nullptr before, and for packets without a flow
  Column<proto::FlowStatus*> status;  ///< lookup: the flow's public counters

  Column<std::uint16_t> header_bytes;  ///< unprotect: RTP header with CSRCs and extension; 8 for RTCP
  Column<std::uint32_t> ssrc;          ///< unprotect: as received; rewrite: as sent
  Column<SsrcState*> state;            ///< unprotect: of its SSRC, secured flows only; nullptr: it has none yet
  Column<std::uint64_t> index;         ///< unprotect: packet index as received; protect: as sent
  Column<std::uint8_t> notes;          ///< lookup: 0; unprotect, rewrite, protect: kNote*

  /// Any stage that drops: why. kNone until then (receive sets it). Each packet ends in exactly one place: transmitted,
  /// punted, answered, absorbed, or here with a reason.
  Column<proto::DropReason> verdict;

  /// Empties all lists, for `packets` packets of flows of this table.
  void begin(std::uint32_t packets, FlowTable& of) {
    count = packets;
    table = &of;
    dropped = false;
    clear_media();
    for (PacketList* list : {&unsettled, &rewrites, &punts, &checks, &transcodes, &handed_up, &noted}) list->clear();
  }

  /// Drops a packet. The stage also leaves it out of the list it writes.
  void drop(std::uint32_t packet, proto::DropReason reason) {
    verdict[packet] = reason;
    dropped = true;
  }

  /// Empties `media`.
  void clear_media() {
    media.clear();
    transforms = 0;
    rtcp = false;
    trials = 0;
    continued = nullptr;
  }

  /// Puts a packet on its way. `flow_transforms`: its flow's FlowEntry::transforms.
  void push_media(std::uint32_t packet, std::uint8_t flow_transforms) {
    media.push(packet);
    transforms |= flow_transforms;
    rtcp |= kind[packet] == proto::PacketKind::kRtcp;
  }

  void note(std::uint32_t packet, std::uint8_t what) {
    if (notes[packet] == 0) noted.push(packet);
    notes[packet] |= what;
  }

  /// Takes what was dropped out of `media`.
  void keep_undropped_media() {
    if (!dropped) return;
    std::uint32_t kept = 0;
    for (std::uint32_t k = 0; k < media.count; ++k) {
      const std::uint8_t packet = media.at[k];
      media.at[kept] = packet;
      kept += verdict[packet] == proto::DropReason::kNone ? 1 : 0;
    }
    media.count = kept;
  }
};

inline bool is_rtcp(const Burst& burst, std::uint32_t packet) {
  return burst.kind[packet] == proto::PacketKind::kRtcp;
}

/// What a burst holds: RTP of flows without detours, as most do, or anything. What a template makes of this is made
/// twice, so that the former asks no packet.
enum class Mix : bool { kRtp, kAny };

template <Mix kMix>
bool is_rtcp(const Burst& burst, std::uint32_t packet) {
  return kMix == Mix::kAny && is_rtcp(burst, packet);
}

}  // namespace weir::dataplane
