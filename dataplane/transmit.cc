#include "dataplane/transmit.h"

#include <rte_ethdev.h>
#include <rte_ring_peek_zc.h>

#include "dataplane/flow_table.h"
#include "dataplane/headers.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;

/// Cuts or grows the mbuf to headers and payload, where the payload lies, and asks the port for its checksums.
void frame_payload(rte_mbuf* mbuf, const std::uint8_t* payload, std::uint32_t payload_bytes, const Network& network) {
  const std::uint16_t headers = header_bytes(network);
  mbuf->data_off = static_cast<std::uint16_t>(payload - headers - static_cast<std::uint8_t*>(mbuf->buf_addr));
  mbuf->data_len = static_cast<std::uint16_t>(headers + payload_bytes);
  mbuf->pkt_len = mbuf->data_len;
  mbuf->ol_flags = 0;
  if (!network.ip_checksum_offload && !network.udp_checksum_offload) return;
  mbuf->ol_flags = RTE_MBUF_F_TX_IPV4 | (network.ip_checksum_offload ? RTE_MBUF_F_TX_IP_CKSUM : 0) |
                   (network.udp_checksum_offload ? RTE_MBUF_F_TX_UDP_CKSUM : 0);
  mbuf->tx_offload = rte_mbuf_tx_offload(network.link_bytes(), proto::kIpv4Bytes, 0, 0, 0, 0, 0);
}

}  // namespace

Transmitter::Transmitter(std::span<const Network> networks, std::vector<Queue> queues, Resolver& resolver,
                         proto::WorkerCounters& counters)
    : networks_(networks),
      queues_(std::move(queues)),
      outboxes_(networks.size()),
      resolver_(resolver),
      counters_(counters) {}

void Transmitter::transmit(Burst& burst) {
  for (std::uint32_t i = 0; i < burst.media.count; ++i) {
    const std::uint32_t packet = burst.media.at[i];
    const DropReason reason = send_media(burst, packet);
    if (reason != DropReason::kNone) burst.drop(packet, reason);
  }
  burst.media.clear();
}

DropReason Transmitter::send_media(Burst& burst, std::uint32_t packet) {
  const bool rtcp = burst.kind[packet] == proto::PacketKind::kRtcp;
  const FlowEntry& flow = *burst.flow[packet];
  const proto::Exit& exit = rtcp ? flow.rtcp_exit : flow.rtp_exit;
  if (burst.bytes[packet] > proto::kDatagramBytesMax) return DropReason::kTooLong;
  const std::uint32_t destination = exit.peer.address.ipv4();
  const std::uint64_t mac = resolver_.find(exit.network, destination, burst.now_ns);
  if (mac == 0) return DropReason::kNextHopUnknown;

  const Network& network = networks_[exit.network];
  write_headers(burst.data[packet], burst.bytes[packet], network,
                {.mac = mac,
                 .destination = destination,
                 .destination_port = exit.peer.port,
                 .source_port = exit.local_port,
                 .dscp = exit.dscp});
  auto* mbuf = static_cast<rte_mbuf*>(burst.mbuf[packet]);
  frame_payload(mbuf, burst.data[packet], burst.bytes[packet], network);
  burst.mbuf[packet] = nullptr;
  push(exit.network, mbuf, As::kForwarded,
       {.status = burst.status[packet], .bytes = burst.bytes[packet], .rtcp = rtcp});
  return DropReason::kNone;
}

bool Transmitter::inject(std::uint8_t network, rte_mbuf* mbuf, std::uint16_t local_port,
                         const proto::Endpoint& destination, std::uint8_t dscp, std::uint64_t now_ns) {
  const std::uint32_t address = destination.address.ipv4();
  const std::uint64_t mac = resolver_.find(network, address, now_ns);
  if (mac == 0) return false;
  auto* payload = rte_pktmbuf_mtod(mbuf, std::uint8_t*);
  const std::uint32_t bytes = mbuf->data_len;
  write_headers(payload, bytes, networks_[network],
                {.mac = mac,
                 .destination = address,
                 .destination_port = destination.port,
                 .source_port = local_port,
                 .dscp = dscp});
  frame_payload(mbuf, payload, bytes, networks_[network]);
  push(network, mbuf, As::kInjected, {});
  return true;
}

void Transmitter::push(std::uint8_t network, rte_mbuf* frame, As as, const Media& media) {
  Outbox& outbox = outboxes_[network];
  if (outbox.count == kBurstMax) flush_network(network);
  outbox.frames[outbox.count] = frame;
  outbox.as[outbox.count] = as;
  outbox.media[outbox.count] = media;
  ++outbox.count;
}

void Transmitter::flush() {
  for (std::size_t network = 0; network < outboxes_.size(); ++network) {
    if (outboxes_[network].count > 0) flush_network(network);
    if (!queues_[network].from_workers.empty()) send_for_others(queues_[network]);
  }
}

void Transmitter::flush_network(std::size_t network) {
  Outbox& outbox = outboxes_[network];
  const Queue& queue = queues_[network];
  std::uint32_t sent = 0;
  if (queue.to_worker_0 != nullptr) {
    sent = rte_ring_sp_enqueue_burst(queue.to_worker_0, reinterpret_cast<void**>(outbox.frames.data()), outbox.count,
                                     nullptr);
  } else {
    sent = rte_eth_tx_burst(queue.port_id, queue.queue, outbox.frames.data(), static_cast<std::uint16_t>(outbox.count));
  }
  for (std::uint32_t i = 0; i < sent; ++i) count_sent(outbox.as[i], outbox.media[i]);
  for (std::uint32_t i = sent; i < outbox.count; ++i) {
    count_unsent(outbox.as[i], outbox.media[i]);
    rte_pktmbuf_free(outbox.frames[i]);
  }
  outbox.count = 0;
}

/// Frames leave the ring only when the port has them, so that their workers, which counted them as sent when the ring
/// took them, were right.
void Transmitter::send_for_others(const Queue& queue) {
  for (rte_ring* ring : queue.from_workers) {
    rte_ring_zc_data waiting = {};
    const unsigned count = rte_ring_dequeue_zc_burst_start(ring, kBurstMax, &waiting, nullptr);
    if (count == 0) continue;
    const std::uint16_t first = rte_eth_tx_burst(queue.port_id, queue.queue, static_cast<rte_mbuf**>(waiting.ptr1),
                                                 static_cast<std::uint16_t>(waiting.n1));
    std::uint16_t second = 0;
    if (first == waiting.n1 && count > waiting.n1) {  // the ring's end lies inside the burst
      second = rte_eth_tx_burst(queue.port_id, queue.queue, static_cast<rte_mbuf**>(waiting.ptr2),
                                static_cast<std::uint16_t>(count - waiting.n1));
    }
    rte_ring_dequeue_zc_finish(ring, std::uint32_t{first} + second);
  }
}

void Transmitter::count_sent(As as, const Media& media) {
  switch (as) {
    case As::kForwarded:
      ++counters_.forwarded;
      ++(media.rtcp ? media.status->rtcp_packets_out : media.status->rtp_packets_out);
      if (!media.rtcp) media.status->rtp_bytes_out += media.bytes;
      return;
    case As::kAnswered:
      ++counters_.answered;
      return;
    case As::kInjected:
      ++counters_.injected;
      return;
    case As::kOriginated:
      ++counters_.originated;
      return;
  }
}

void Transmitter::count_unsent(As as, const Media& media) {
  switch (as) {
    case As::kForwarded:
      ++media.status->dropped;
      [[fallthrough]];
    case As::kAnswered:
      ++counters_.dropped[static_cast<std::size_t>(DropReason::kTransmitFull)];
      return;
    case As::kInjected:
      ++counters_.inject_refused;
      return;
    case As::kOriginated:
      return;
  }
}

}  // namespace weir::dataplane
