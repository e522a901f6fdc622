#include "dataplane/punt.h"

#include <rte_mbuf.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "dataplane/headers.h"
#include "dataplane/picture_request.h"
#include "dataplane/returned_media.h"
#include "dataplane/token_bucket.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::InjectKind;
using proto::PacketKind;
using proto::RingState;

constexpr std::uint8_t kDscpMax = 63;
/// ContentType of RFC 5246 section 6.2.1.
constexpr std::uint8_t kApplicationData = 23;

/// It leaves as media does.
bool is_for_burst(InjectKind kind) {
  return kind == InjectKind::kPictureRequest || kind == InjectKind::kReceived;
}

/// Application data of DTLS (RFC 6347 section 4.3.1): media, where there is any use for it at all.
bool carries_media(const Burst& burst, std::uint32_t packet) {
  return burst.kind[packet] == PacketKind::kDtls && burst.data[packet][0] == kApplicationData;
}

/// The room in front of an injected payload is the mbuf's headroom.
static_assert(RTE_PKTMBUF_HEADROOM >= kHeaderRoomBytes);

}  // namespace

PuntGate::PuntGate(proto::RingProducer<proto::Punt> punts, proto::RingConsumer<proto::Inject> injects,
                   rte_mempool* pool, std::uint16_t worker, proto::WorkerCounters& counters, const PuntRates& rates,
                   std::uint64_t seed)
    : punts_(punts),
      injects_(injects),
      pool_(pool),
      worker_(worker),
      counters_(counters),
      budget_(rates, seed),
      injected_{} {}

void PuntGate::punt(Burst& burst) {
  for (std::uint32_t i = 0; i < burst.punts.count; ++i) {
    const std::uint32_t packet = burst.punts.at[i];
    const DropReason reason = punt_one(burst, packet);
    if (reason != DropReason::kNone) burst.drop(packet, reason);
  }
  burst.punts.clear();
}

std::uint32_t PuntGate::hand_up(Burst& burst) {
  std::uint32_t given = 0;
  for (std::uint32_t i = 0; i < burst.handed_up.count; ++i) {
    const std::uint32_t packet = burst.handed_up.at[i];
    const DropReason reason = hand_up_one(burst, packet);
    if (reason != DropReason::kNone) {
      burst.drop(packet, reason);
    } else {
      ++given;
    }
  }
  burst.handed_up.clear();
  return given;
}

DropReason PuntGate::punt_one(Burst& burst, std::uint32_t packet) {
  const FlowEntry& flow = *burst.flow[packet];
  const proto::IpAddress& source = burst.source[packet].address;
  if (burst.source[packet] != flow.peer) return give(burst, packet, {.kept = 2, .expected = false, .source = &source});
  if (carries_media(burst, packet)) return give(burst, packet, {.kept = 4, .expected = false, .source = &source});
  return give(burst, packet, {.kept = 0, .expected = true, .source = &source});
}

DropReason PuntGate::hand_up_one(Burst& burst, std::uint32_t packet) {
  const std::uint32_t bytes = burst.bytes[packet];
  const DropReason reason = give(burst, packet, {.kept = 4, .expected = false, .source = nullptr});
  if (reason != DropReason::kNone) return reason;
  proto::FlowStatus& status = *burst.status[packet];
  if (is_rtcp(burst, packet)) {
    ++status.rtcp_packets_out;
  } else {
    ++status.rtp_packets_out;
    status.rtp_bytes_out += bytes;
  }
  return DropReason::kNone;
}

/// The packet goes to weir-control and is out of the burst.
DropReason PuntGate::give(Burst& burst, std::uint32_t packet, const Claim& claim) {
  FlowEntry& flow = *burst.flow[packet];
  if (burst.bytes[packet] > proto::kPuntDataBytesMax) return DropReason::kTooLong;
  TokenBucket& bucket = flow.punts_bucket;
  refill(bucket, burst.now_ns);
  const std::uint32_t kept = claim.kept == 0 ? 0 : bucket.rate_per_s / claim.kept;
  if (!has_tokens(bucket, 1, kept)) return DropReason::kPuntRateLimited;
  if (!budget_.allows(claim.source, claim.expected, burst.now_ns)) return DropReason::kPuntRateLimited;
  RingState state;
  proto::Punt* slot = punts_.claim(state);
  if (slot == nullptr) {
    if (state == RingState::kCorrupt) ++counters_.ring_corrupt;
    return DropReason::kPuntRingFull;
  }
  take_tokens(bucket, 1);
  budget_.take();
  slot->flow = {burst.flow_index[packet], flow.generation};
  slot->cookie = flow.cookie;
  slot->now_ns = burst.now_ns;
  slot->source = burst.source[packet];
  slot->kind = static_cast<std::uint8_t>(burst.kind[packet]);
  slot->reserved = 0;
  slot->bytes = static_cast<std::uint16_t>(burst.bytes[packet]);
  std::memcpy(slot->data, burst.data[packet], burst.bytes[packet]);
  punts_.publish();
  ++counters_.punted;
  rte_pktmbuf_free(static_cast<rte_mbuf*>(burst.mbuf[packet]));
  burst.mbuf[packet] = nullptr;
  return DropReason::kNone;
}

PuntGate::~PuntGate() {
  for (std::size_t i = 0; i < waiting_count_; ++i) rte_pktmbuf_free(waiting_[i].mbuf);
}

std::optional<InjectKind> PuntGate::inject(FlowTable& table, Transmitter& transmitter, Burst& burst) {
  if (waiting_count_ > 0) try_waiting(table, transmitter, burst.now_ns);
  std::optional<InjectKind> added;
  for (std::uint32_t i = 0; i < kInjectsPerPass && take_next(); ++i) {
    if (is_for_burst(injected_.kind)) {
      if (added && *added != injected_.kind) {  // they leave by other ways
        held_ = true;
        break;
      }
      if (!added) burst.begin(0, table);
      if (!add_to_burst(table, burst)) ++counters_.inject_refused;
      if (burst.count != 0) added = injected_.kind;
      continue;
    }
    if (!may_inject(table)) {
      ++counters_.inject_refused;
      continue;
    }
    note_check(table);
    if (!inject_one(table, transmitter, burst.now_ns)) ++counters_.inject_refused;
  }
  return added;
}

/// Into injected_. False: there is none.
bool PuntGate::take_next() {
  if (std::exchange(held_, false)) return true;
  const RingState state = injects_.pop(injected_);
  if (state == RingState::kCorrupt) ++counters_.ring_corrupt;
  return state == RingState::kOk;
}

bool PuntGate::add_to_burst(FlowTable& table, Burst& burst) {
  if (injected_.kind == InjectKind::kPictureRequest) return take_picture_request(table, burst);
  if (injected_.bytes > proto::kPuntDataBytesMax || flow_of(table, injected_.flow) == nullptr) return false;
  if (!add_returned({injected_.data, injected_.bytes}, injected_.flow.index, table, pool_, burst)) return false;
  ++counters_.returned;
  return true;
}

bool PuntGate::take_picture_request(FlowTable& table, Burst& burst) {
  if (injected_.bytes != sizeof(proto::PictureRequest) || flow_of(table, injected_.flow) == nullptr) return false;
  proto::PictureRequest request;
  std::memcpy(&request, injected_.data, sizeof request);
  return add_picture_request(request, injected_.flow.index, table, pool_, burst);
}

/// The flow, if it is this worker's and still the one that is meant.
const FlowEntry* PuntGate::flow_of(FlowTable& table, const proto::FlowId& id) const {
  if (id.index >= table.flows_max()) return nullptr;
  // Another worker's entry may change at any moment: its owner is all that may be read of it.
  if (!table.is_owned_by(id.index, worker_)) return nullptr;
  const FlowEntry& flow = table.entry(id.index);
  return flow.state != proto::FlowState::kFree && flow.generation == id.generation ? &flow : nullptr;
}

bool PuntGate::may_inject(FlowTable& table) const {
  const proto::Inject& inject = injected_;
  if (inject.kind != InjectKind::kDatagram || flow_of(table, inject.flow) == nullptr) return false;
  if (inject.bytes == 0 || inject.bytes > proto::kDatagramBytesMax || inject.dscp > kDscpMax) return false;
  if (inject.destination.port == 0 || !is_unicast(Address(inject.destination.address))) return false;
  const PacketKind kind = proto::classify({inject.data, inject.bytes});
  return kind == PacketKind::kDtls || kind == PacketKind::kStun;
}

void PuntGate::note_check(FlowTable& table) const {
  const proto::Bytes datagram(injected_.data, injected_.bytes);
  if (proto::classify(datagram) != PacketKind::kStun) return;
  if (IceState* ice = table.ice_of(injected_.flow.index)) remember_sent(*ice, datagram);
}

PuntGate::Sending PuntGate::try_to_send(const Outgoing& outgoing, FlowTable& table, Transmitter& transmitter,
                                        std::uint64_t now_ns) {
  const FlowEntry* flow = flow_of(table, outgoing.flow);
  if (flow == nullptr || now_ns >= outgoing.until_ns) return Sending::kGivenUp;
  const bool sent = transmitter.inject(*flow, outgoing.mbuf, outgoing.destination, outgoing.dscp, now_ns);
  return sent ? Sending::kSent : Sending::kWaits;
}

bool PuntGate::may_wait(const Outgoing& outgoing) const {
  const auto is_like = [&](const Outgoing& one) {
    return one.destination.address.family == outgoing.destination.address.family;
  };
  const auto like =
      static_cast<std::size_t>(std::count_if(waiting_.begin(), waiting_.begin() + waiting_count_, is_like));
  return waiting_count_ < kInjectsWaitingMax && like < kInjectsWaitingOfFamilyMax;
}

bool PuntGate::inject_one(FlowTable& table, Transmitter& transmitter, std::uint64_t now_ns) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
  if (mbuf == nullptr) return false;
  std::memcpy(rte_pktmbuf_append(mbuf, injected_.bytes), injected_.data, injected_.bytes);
  const Outgoing outgoing = {.mbuf = mbuf,
                             .flow = injected_.flow,
                             .destination = injected_.destination,
                             .dscp = injected_.dscp,
                             .until_ns = now_ns + kInjectPatienceNs};
  const Sending sending = try_to_send(outgoing, table, transmitter, now_ns);
  if (sending == Sending::kSent) return true;
  if (sending == Sending::kWaits && may_wait(outgoing)) {
    waiting_[waiting_count_++] = outgoing;
    return true;
  }
  rte_pktmbuf_free(mbuf);
  return false;
}

/// Oldest first, so that a flight leaves in its order.
void PuntGate::try_waiting(FlowTable& table, Transmitter& transmitter, std::uint64_t now_ns) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < waiting_count_; ++i) {
    switch (try_to_send(waiting_[i], table, transmitter, now_ns)) {
      case Sending::kSent:
        break;
      case Sending::kWaits:
        waiting_[kept++] = waiting_[i];
        break;
      case Sending::kGivenUp:
        rte_pktmbuf_free(waiting_[i].mbuf);
        ++counters_.inject_refused;
        break;
    }
  }
  waiting_count_ = kept;
}

}  // namespace weir::dataplane
