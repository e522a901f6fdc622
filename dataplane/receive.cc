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

proto::Bytes bytes_of(const rte_mbuf* mbuf) {
  return {rte_pktmbuf_mtod(mbuf, const std::uint8_t*), mbuf->data_len};
}

/// Marks of a frame that needs more than a look: its VLAN tag lies beside it, or a checksum may be bad.
constexpr std::uint64_t kOddMarks =
    RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_IP_CKSUM_BAD | RTE_MBUF_F_RX_L4_CKSUM_BAD;

/// What the marks say against the frame. May move the mbuf's start.
DropReason inspect_odd(rte_mbuf*& mbuf) {
  // Some drivers (af_packet) hand the tag over beside the frame: back with it, so that there is one way to read it.
  if ((mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0 && rte_vlan_insert(&mbuf) != 0) {
    return DropReason::kEthernetMalformed;
  }
  if ((mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_BAD) return DropReason::kIpChecksum;
  if ((mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_BAD) return DropReason::kUdpChecksum;
  return DropReason::kNone;
}

}  // namespace

Receiver::Receiver(Wiring wiring, FlowTable& table, Answerer& answerer, proto::WorkerCounters& counters)
    : wiring_(std::move(wiring)),
      owner_{.worker = wiring_.worker, .workers = wiring_.workers},
      table_(table),
      answerer_(answerer),
      counters_(counters) {
  for (const Network& network : wiring_.networks) {
    filters_.push_back(
        {.ipv4 = network.is_ipv4(), .over_ipv4 = PlainUdpFilter(network), .over_ipv6 = PlainUdpIpv6Filter(network)});
  }
}

std::uint32_t Receiver::from_port(std::uint16_t port_id, std::uint16_t queue, Burst& burst) {
  Frames frames;
  const std::uint32_t count = rte_eth_rx_burst(port_id, queue, frames.data(), kBurstMax);
  const std::span<const std::uint8_t> networks = wiring_.networks_of_port[port_id];
  begin(frames, count, burst);
  if (networks.size() > 1) {
    for (std::uint32_t i = 0; i < count; ++i) {
      if (i + kPrefetchAhead < count) prefetch_headers(frames[i + kPrefetchAhead]);
      take_any(frames[i], networks, burst);
    }
  } else if (filters_[networks[0]].ipv4) {
    take_all(frames, count, networks[0], filters_[networks[0]].over_ipv4, burst);
  } else {
    take_all(frames, count, networks[0], filters_[networks[0]].over_ipv6, burst);
  }
  counters_.received += burst.count;
  return count;
}

/// Frames of a port that has one network. The filter is a copy: a store into the burst cannot change it.
template <typename UdpFilter>
[[gnu::always_inline]] inline void Receiver::take_all(const Frames& frames, std::uint32_t count, std::uint8_t network,
                                                      UdpFilter filter, Burst& burst) {
  const Owner owner = owner_;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i + kPrefetchAhead < count) prefetch_headers(frames[i + kPrefetchAhead]);
    take(frames[i], network, filter, owner, burst);
  }
}

std::uint32_t Receiver::from_worker(rte_ring* ring, Burst& burst) {
  Frames frames;
  const std::uint32_t count =
      rte_ring_sc_dequeue_burst(ring, reinterpret_cast<void**>(frames.data()), kBurstMax, nullptr);
  begin(frames, count, burst);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i + kPrefetchAhead < count) prefetch_headers(frames[i + kPrefetchAhead]);
    const auto network = static_cast<std::uint8_t>(frames[i]->port);  // hand_over has written it there
    take_any(frames[i], {&network, 1}, burst);
  }
  counters_.received += burst.count;
  return count;
}

void Receiver::begin(const Frames& frames, std::uint32_t count, Burst& burst) {
  burst.count = 0;
  burst.dropped = false;
  for (std::uint32_t i = 0; i < count && i < kPrefetchAhead; ++i) prefetch_headers(frames[i]);
}

/// Puts a datagram for this worker into the burst and sends the rest where it belongs.
template <typename UdpFilter>
[[gnu::always_inline]] inline void Receiver::take(rte_mbuf* mbuf, std::uint8_t network, const UdpFilter& filter,
                                                  Owner owner, Burst& burst) {
  PlainUdp udp;
  const bool plain = mbuf->nb_segs == 1 && (mbuf->ol_flags & kOddMarks) == 0 && filter.parse(bytes_of(mbuf), udp);
  if (!plain) [[unlikely]]
    return take_odd(mbuf, {&network, 1}, burst);
  take_udp(mbuf, network, udp, owner, burst);
}

/// The same where tag and address say which network it is.
void Receiver::take_any(rte_mbuf* mbuf, std::span<const std::uint8_t> networks, Burst& burst) {
  if (mbuf->nb_segs == 1 && (mbuf->ol_flags & kOddMarks) == 0) {
    for (const std::uint8_t network : networks) {
      if (take_plain(mbuf, network, burst)) return;
    }
  }
  take_odd(mbuf, networks, burst);
}

/// False: the frame is none of this network's, or not plain.
bool Receiver::take_plain(rte_mbuf* mbuf, std::uint8_t network, Burst& burst) {
  PlainUdp udp;
  const Filter& filter = filters_[network];
  const proto::Bytes bytes = bytes_of(mbuf);
  if (!(filter.ipv4 ? filter.over_ipv4.parse(bytes, udp) : filter.over_ipv6.parse(bytes, udp))) return false;
  take_udp(mbuf, network, udp, owner_, burst);
  return true;
}

/// UDP belongs to its port's worker.
[[gnu::always_inline]] inline void Receiver::take_udp(rte_mbuf* mbuf, std::uint8_t network, const PlainUdp& udp,
                                                      Owner owner, Burst& burst) {
  const auto worker = static_cast<std::uint16_t>(proto::worker_of_port(udp.local_port, owner.workers));
  if (worker != owner.worker) [[unlikely]]
    return hand_over(mbuf, network, worker);
  const std::uint32_t at = burst.count++;
  burst.mbuf[at] = mbuf;
  burst.data[at] = rte_pktmbuf_mtod_offset(mbuf, std::uint8_t*, udp.payload_offset);
  burst.bytes[at] = udp.payload_bytes;
  burst.room[at] = static_cast<std::uint32_t>(mbuf->buf_len - mbuf->data_off - udp.payload_offset);
  if (udp.source_ipv6 == nullptr) {
    burst.source[at].set_ipv4(udp.source_be, udp.source_port);
  } else {
    burst.source[at].set_ipv6(udp.source_ipv6, udp.source_port);
  }
  burst.local_port[at] = udp.local_port;
  burst.network[at] = network;
  burst.verdict[at] = DropReason::kNone;
  table_.prefetch_port(network, udp.local_port);
}

void Receiver::take_odd(rte_mbuf* mbuf, std::span<const std::uint8_t> networks, Burst& burst) {
  if (mbuf->nb_segs != 1) return drop(mbuf, DropReason::kTooLong);
  if (const DropReason reason = inspect_odd(mbuf); reason != DropReason::kNone) return drop(mbuf, reason);
  const auto [network, frame] = parse_frame(bytes_of(mbuf), wiring_.networks, networks);
  if (frame.kind != FrameKind::kUdp) return take_other(mbuf, network, frame, burst.now_ns);
  PlainUdp udp = {.source_be = __builtin_bswap32(frame.source.ipv4()),
                  .source_port = frame.source_port,
                  .local_port = frame.local_port,
                  .payload_offset = frame.payload_offset,
                  .payload_bytes = frame.payload_bytes};
  std::uint8_t source[sizeof(Address)];
  frame.source.store_ipv6(source);
  if (!frame.source.is_ipv4()) udp.source_ipv6 = source;
  take_udp(mbuf, network, udp, owner_, burst);
}

/// ARP and neighbour discovery belong to worker 0, which writes the neighbour tables.
void Receiver::take_other(rte_mbuf* mbuf, std::uint8_t network, const Frame& frame, std::uint64_t now_ns) {
  switch (frame.kind) {
    case FrameKind::kIcmp:
      ++counters_.received;
      return answerer_.echo(network, mbuf, frame, now_ns);
    case FrameKind::kArp:
    case FrameKind::kNd:
      if (wiring_.worker != 0) return hand_over(mbuf, network, 0);
      ++counters_.received;
      if (frame.kind == FrameKind::kArp) return answerer_.arp(network, mbuf, frame, now_ns);
      return answerer_.nd(network, mbuf, frame, now_ns);
    case FrameKind::kUdp:
    case FrameKind::kDrop:
      return drop(mbuf, frame.reason);
  }
}

/// The worker that gets the frame counts it as received, so that each frame is counted once.
void Receiver::hand_over(rte_mbuf* mbuf, std::uint8_t network, std::uint16_t to) {
  mbuf->port = network;  // between the workers; the port is known from it, and not every driver says (net_ring)
  if (rte_ring_sp_enqueue(wiring_.to_worker[to], mbuf) != 0) return drop(mbuf, DropReason::kHandoffFull);
  ++counters_.handed_over;
}

void Receiver::drop(rte_mbuf* mbuf, DropReason reason) {
  ++counters_.received;
  ++counters_.dropped[static_cast<std::size_t>(reason)];
  rte_pktmbuf_free(mbuf);
}

}  // namespace weir::dataplane
