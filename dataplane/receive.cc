#include "dataplane/receive.h"

#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_prefetch.h>

namespace weir::dataplane {
namespace {

using proto::DropReason;

/// Frames ahead of the one being parsed whose headers are asked for.
constexpr std::uint32_t kPrefetchAhead = 4;

void prefetch_headers(const rte_mbuf* mbuf) {
  rte_prefetch0(rte_pktmbuf_mtod(mbuf, const void*));
}

}  // namespace

Receiver::Receiver(Wiring wiring, FlowTable& table, Answerer& answerer, proto::WorkerCounters& counters)
    : wiring_(std::move(wiring)), table_(table), answerer_(answerer), counters_(counters) {}

std::uint32_t Receiver::from_port(std::uint16_t port_id, std::uint16_t queue, Burst& burst) {
  Frames frames;
  const std::uint32_t count = rte_eth_rx_burst(port_id, queue, frames.data(), kBurstMax);
  for (std::uint32_t i = 0; i < count; ++i) frames[i]->port = port_id;  // not every driver says (net_ring)
  sort(frames, count, burst);
  return count;
}

std::uint32_t Receiver::from_worker(rte_ring* ring, Burst& burst) {
  Frames frames;
  const std::uint32_t count =
      rte_ring_sc_dequeue_burst(ring, reinterpret_cast<void**>(frames.data()), kBurstMax, nullptr);
  sort(frames, count, burst);
  return count;
}

void Receiver::sort(const Frames& frames, std::uint32_t count, Burst& burst) {
  burst.count = 0;
  for (std::uint32_t i = 0; i < count && i < kPrefetchAhead; ++i) prefetch_headers(frames[i]);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i + kPrefetchAhead < count) prefetch_headers(frames[i + kPrefetchAhead]);
    take(frames[i], burst);
  }
}

void Receiver::take(rte_mbuf* mbuf, Burst& burst) {
  const std::uint8_t network = wiring_.network_of_port[mbuf->port];
  Frame frame;
  if (const DropReason reason = inspect(mbuf, network, frame); reason != DropReason::kNone) return drop(mbuf, reason);
  const std::uint16_t owner = owner_of(frame);
  if (owner != wiring_.worker) return hand_over(mbuf, owner);
  ++counters_.received;
  switch (frame.kind) {
    case FrameKind::kUdp:
      return push(mbuf, network, frame, burst);
    case FrameKind::kIcmp:
      return answerer_.echo(network, mbuf, frame, burst.now_ns);
    case FrameKind::kArp:
      return answerer_.arp(network, mbuf, frame, burst.now_ns);
    case FrameKind::kDrop:
      break;
  }
}

/// The frame in one piece, with its VLAN tag, parsed; or why it is dropped. May move the mbuf's start.
DropReason Receiver::inspect(rte_mbuf*& mbuf, std::uint8_t network, Frame& frame) const {
  if (mbuf->nb_segs != 1) return DropReason::kTooLong;
  // Some drivers (af_packet) hand the tag over beside the frame: back with it, so that there is one way to read it.
  if ((mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0 && rte_vlan_insert(&mbuf) != 0) {
    return DropReason::kEthernetMalformed;
  }
  if ((mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_BAD) return DropReason::kIpChecksum;
  if ((mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_BAD) return DropReason::kUdpChecksum;
  frame = parse_frame({rte_pktmbuf_mtod(mbuf, const std::uint8_t*), mbuf->data_len}, wiring_.networks[network]);
  return frame.reason;
}

/// UDP belongs to its port's worker, ARP to worker 0, which writes the neighbour tables.
std::uint16_t Receiver::owner_of(const Frame& frame) const {
  switch (frame.kind) {
    case FrameKind::kUdp:
      return static_cast<std::uint16_t>(proto::worker_of_port(frame.local_port, wiring_.workers));
    case FrameKind::kArp:
      return 0;
    case FrameKind::kIcmp:
    case FrameKind::kDrop:
      break;
  }
  return wiring_.worker;
}

/// The worker that gets the frame counts it as received, so that each frame is counted once.
void Receiver::hand_over(rte_mbuf* mbuf, std::uint16_t to) {
  if (rte_ring_sp_enqueue(wiring_.to_worker[to], mbuf) != 0) drop(mbuf, DropReason::kHandoffFull);
}

void Receiver::drop(rte_mbuf* mbuf, DropReason reason) {
  ++counters_.received;
  ++counters_.dropped[static_cast<std::size_t>(reason)];
  rte_pktmbuf_free(mbuf);
}

void Receiver::push(rte_mbuf* mbuf, std::uint8_t network, const Frame& frame, Burst& burst) {
  const std::uint32_t at = burst.count++;
  burst.mbuf[at] = mbuf;
  burst.data[at] = rte_pktmbuf_mtod_offset(mbuf, std::uint8_t*, frame.payload_offset);
  burst.bytes[at] = frame.payload_bytes;
  burst.room[at] = static_cast<std::uint32_t>(mbuf->buf_len - mbuf->data_off - frame.payload_offset);
  burst.source[at] = {.address = proto::IpAddress::from_ipv4(frame.source), .port = frame.source_port};
  burst.local_port[at] = frame.local_port;
  burst.network[at] = network;
  burst.verdict[at] = DropReason::kNone;
  table_.prefetch_port(network, frame.local_port);
}

}  // namespace weir::dataplane
