#include "dataplane/punt.h"

#include <rte_mbuf.h>

#include <atomic>
#include <cstring>

#include "dataplane/headers.h"
#include "dataplane/token_bucket.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::PacketKind;
using proto::RingState;

constexpr std::uint8_t kDscpMax = 63;

/// The room in front of an injected payload is the mbuf's headroom.
static_assert(RTE_PKTMBUF_HEADROOM >=
              proto::kEthernetBytes + proto::kVlanTagBytes + proto::kIpv4Bytes + proto::kUdpBytes);

}  // namespace

PuntGate::PuntGate(proto::RingProducer<proto::Punt> punts, proto::RingConsumer<proto::Inject> injects,
                   rte_mempool* pool, std::uint16_t worker, proto::WorkerCounters& counters)
    : punts_(punts), injects_(injects), pool_(pool), worker_(worker), counters_(counters), injected_{} {}

void PuntGate::punt(Burst& burst) {
  for (std::uint32_t i = 0; i < burst.punts.count; ++i) {
    const std::uint32_t packet = burst.punts.at[i];
    const DropReason reason = punt_one(burst, packet);
    if (reason != DropReason::kNone) {
      burst.drop(packet, reason);
      continue;
    }
    ++counters_.punted;
    rte_pktmbuf_free(static_cast<rte_mbuf*>(burst.mbuf[packet]));
    burst.mbuf[packet] = nullptr;
  }
  burst.punts.clear();
}

DropReason PuntGate::punt_one(Burst& burst, std::uint32_t packet) {
  FlowEntry& flow = *burst.flow[packet];
  if (burst.bytes[packet] > proto::kPuntDataBytesMax) return DropReason::kTooLong;
  TokenBucket& bucket = flow.punts_bucket;
  refill(bucket, burst.now_ns);
  const std::uint32_t reserve = burst.source[packet] == flow.peer ? 0 : bucket.rate_per_s / 2;
  if (!has_tokens(bucket, 1, reserve)) return DropReason::kPuntRateLimited;
  RingState state;
  proto::Punt* slot = punts_.claim(state);
  if (slot == nullptr) {
    if (state == RingState::kCorrupt) ++counters_.ring_corrupt;
    return DropReason::kPuntRingFull;
  }
  take_tokens(bucket, 1);
  slot->flow = {burst.flow_index[packet], flow.generation};
  slot->cookie = flow.cookie;
  slot->now_ns = burst.now_ns;
  slot->source = burst.source[packet];
  slot->kind = static_cast<std::uint8_t>(burst.kind[packet]);
  slot->reserved = 0;
  slot->bytes = static_cast<std::uint16_t>(burst.bytes[packet]);
  std::memcpy(slot->data, burst.data[packet], burst.bytes[packet]);
  punts_.publish();
  return DropReason::kNone;
}

void PuntGate::inject(FlowTable& table, Transmitter& transmitter, std::uint64_t now_ns) {
  for (std::uint32_t i = 0; i < kInjectsPerPass; ++i) {
    const RingState state = injects_.pop(injected_);
    if (state == RingState::kCorrupt) ++counters_.ring_corrupt;
    if (state != RingState::kOk) return;
    if (!may_inject(table) || !inject_one(table, transmitter, now_ns)) ++counters_.inject_refused;
  }
}

bool PuntGate::may_inject(FlowTable& table) const {
  const proto::Inject& inject = injected_;
  if (inject.flow.index >= table.flows_max()) return false;
  FlowEntry& flow = table.entry(inject.flow.index);
  // Another worker's entry may change at any moment: its owner is all that may be read of it.
  if (std::atomic_ref<std::uint16_t>(flow.owner).load(std::memory_order_relaxed) != worker_ + 1) return false;
  if (flow.state == proto::FlowState::kFree || flow.generation != inject.flow.generation) return false;
  if (inject.bytes == 0 || inject.bytes > proto::kDatagramBytesMax || inject.dscp > kDscpMax) return false;
  if (inject.destination.port == 0 || !is_unicast(inject.destination.address.ipv4())) return false;
  const PacketKind kind = proto::classify({inject.data, inject.bytes});
  return kind == PacketKind::kDtls || kind == PacketKind::kStun;
}

bool PuntGate::inject_one(FlowTable& table, Transmitter& transmitter, std::uint64_t now_ns) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
  if (mbuf == nullptr) return false;
  std::memcpy(rte_pktmbuf_append(mbuf, injected_.bytes), injected_.data, injected_.bytes);
  const FlowEntry& flow = table.entry(injected_.flow.index);
  if (transmitter.inject(flow.network, mbuf, flow.local_port, injected_.destination, injected_.dscp, now_ns)) {
    return true;
  }
  rte_pktmbuf_free(mbuf);
  return false;
}

}  // namespace weir::dataplane
