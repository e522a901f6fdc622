#include "dataplane/transmit.h"

#include <rte_ethdev.h>
#include <rte_ring_peek_zc.h>

#include "dataplane/flow_table.h"
#include "dataplane/headers.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;

/// Cuts or grows the mbuf to headers and payload, where the payload lies, and asks the port for its checksums.
[[gnu::always_inline]] inline void frame_payload(rte_mbuf* mbuf, const std::uint8_t* payload,
                                                 std::uint32_t payload_bytes, const PreparedHeaders& headers) {
  const std::uint32_t header_bytes = headers.header_bytes;
  const std::uint8_t marks = headers.marks;
  const std::uint32_t frame_bytes = header_bytes + payload_bytes;
  const auto* start = static_cast<const std::uint8_t*>(mbuf->buf_addr);
  mbuf->data_off = static_cast<std::uint16_t>(payload - start - header_bytes);
  mbuf->data_len = static_cast<std::uint16_t>(frame_bytes);
  mbuf->pkt_len = frame_bytes;
  mbuf->ol_flags = 0;
  if ((marks & (kOffloadIp | kOffloadUdp)) == 0) return;
  const bool over_ipv6 = (marks & kOverIpv6) != 0;
  const std::uint64_t ip_bytes = over_ipv6 ? proto::kIpv6Bytes : proto::kIpv4Bytes;
  mbuf->ol_flags = (over_ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4) |
                   ((marks & kOffloadIp) != 0 ? RTE_MBUF_F_TX_IP_CKSUM : 0) |
                   ((marks & kOffloadUdp) != 0 ? RTE_MBUF_F_TX_UDP_CKSUM : 0);
  mbuf->tx_offload = rte_mbuf_tx_offload(header_bytes - proto::kUdpBytes - ip_bytes, ip_bytes, 0, 0, 0, 0, 0);
}

}  // namespace

namespace {

/// What leaves here in the clear is for a DTLS association of weir-control's: it never gets to a port. The headers of
/// such a flow's RTP are not prepared, so that others' need not be asked.
bool is_handed_up(const FlowEntry& flow) {
  return flow.send_profile == proto::SrtpProfile::kDtlsRecords;
}

DropReason hand_up(Burst& burst, std::uint32_t packet) {
  burst.handed_up.push(packet);
  return DropReason::kNone;
}

/// The hardware address that a frame came from, in the low 48 bits; 0: it is a group's, or the frame is too short.
std::uint64_t sender_of(const rte_mbuf* mbuf, const std::uint8_t* payload) {
  const auto* const frame = rte_pktmbuf_mtod(mbuf, const std::uint8_t*);
  if (payload < frame + 14) return 0;
  const std::uint64_t mac = proto::load_be64(frame + 6) >> 16;
  return (mac >> 40 & 1) != 0 ? 0 : mac;
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
  for (std::uint8_t network = 0; network < outboxes_.size(); ++network) {
    outboxes_[network].version = resolver_.version(network);
  }
  const std::uint32_t count = burst.media.count;
  std::uint32_t refused = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t packet = burst.media.at[i];
    const DropReason reason =
        burst.kind[packet] == proto::PacketKind::kRtcp ? send_rtcp(burst, packet) : send_rtp(burst, packet);
    if (reason == DropReason::kNone) [[likely]]
      continue;
    burst.drop(packet, reason);
    ++refused;
  }
  counters_.forwarded +=
      count - refused - burst.handed_up.count;  // once for all: an increment in memory waits for the one before
  burst.clear_media();
}

[[gnu::always_inline]] inline DropReason Transmitter::send_rtp(Burst& burst, std::uint32_t packet) {
  FlowEntry& flow = *burst.flow[packet];
  const std::uint8_t network = flow.rtp_network;
  PreparedHeaders& headers = flow.rtp_headers;
  if (headers.neighbours_version != outboxes_[network].version) [[unlikely]] {
    if (is_handed_up(flow)) return hand_up(burst, packet);
    if (!prepare(flow.rtp_exit, burst.now_ns, headers)) return DropReason::kNextHopUnknown;
  }
  if (burst.bytes[packet] > payload_bytes_max(headers.marks)) [[unlikely]]
    return DropReason::kTooLong;
  proto::FlowStatus& status = *burst.status[packet];
  ++status.rtp_packets_out;
  status.rtp_bytes_out += burst.bytes[packet];
  send_media(burst, packet, network, headers, false);
  return DropReason::kNone;
}

[[gnu::noinline]] DropReason Transmitter::send_rtcp(Burst& burst, std::uint32_t packet) {
  if (is_handed_up(*burst.flow[packet])) return hand_up(burst, packet);
  const proto::Exit& exit = burst.flow[packet]->rtcp_exit;
  PreparedHeaders headers;
  if (!prepare(exit, burst.now_ns, headers)) return DropReason::kNextHopUnknown;
  if (burst.bytes[packet] > payload_bytes_max(headers.marks)) return DropReason::kTooLong;
  ++burst.status[packet]->rtcp_packets_out;
  send_media(burst, packet, exit.network, headers, true);
  return DropReason::kNone;
}

[[gnu::always_inline]] inline void Transmitter::send_media(Burst& burst, std::uint32_t packet, std::uint8_t network,
                                                           PreparedHeaders& headers, bool rtcp) {
  std::uint8_t* payload = burst.data[packet];
  const std::uint32_t bytes = burst.bytes[packet];
  auto* mbuf = static_cast<rte_mbuf*>(burst.mbuf[packet]);
  burst.mbuf[packet] = nullptr;
  Sending& sending = push(network, outboxes_[network], mbuf);
  sending.status = burst.status[packet];
  sending.bytes = bytes;
  sending.as = As::kForwarded;
  sending.rtcp = rtcp;
  frame_payload(mbuf, payload, bytes, headers);
  write_headers(payload, bytes, headers, networks_[network]);
}

/// False if the next hop is not known: `headers` is as it was.
bool Transmitter::prepare(const proto::Exit& exit, std::uint64_t now_ns, PreparedHeaders& headers) {
  const std::uint32_t version = resolver_.version(exit.network);
  const std::uint64_t mac = resolver_.find(exit.network, Address(exit.peer.address), now_ns);
  if (mac == 0) return false;
  headers = headers_to(exit, mac);
  headers.neighbours_version = version;
  return true;
}

PreparedHeaders Transmitter::headers_to(const proto::Exit& exit, std::uint64_t mac) const {
  return prepare_headers(networks_[exit.network], {.mac = mac,
                                                   .destination = Address(exit.peer.address),
                                                   .destination_port = exit.peer.port,
                                                   .source_port = exit.local_port,
                                                   .dscp = exit.dscp});
}

std::uint8_t Transmitter::network_to(const FlowEntry& flow, proto::Family family) const {
  const bool also =
      flow.also_network != 0 && networks_[flow.also_network - 1u].is_ipv4() == (family == proto::Family::kIpv4);
  return also ? static_cast<std::uint8_t>(flow.also_network - 1) : flow.network;
}

bool Transmitter::inject(const FlowEntry& flow, rte_mbuf* mbuf, const proto::Endpoint& destination, std::uint8_t dscp,
                         std::uint64_t now_ns) {
  const proto::Exit exit = {.peer = destination,
                            .local_port = flow.local_port,
                            .network = network_to(flow, destination.address.family),
                            .dscp = dscp};
  return send_datagram(exit, mbuf, {rte_pktmbuf_mtod(mbuf, std::uint8_t*), mbuf->data_len}, As::kInjected, now_ns);
}

void Transmitter::inject(Burst& burst) {
  for (std::uint32_t i = 0; i < burst.media.count; ++i) {
    const std::uint32_t packet = burst.media.at[i];
    if (is_handed_up(*burst.flow[packet])) {
      hand_up(burst, packet);
      continue;
    }
    const proto::MutableBytes payload = {burst.data[packet], burst.bytes[packet]};
    auto* const mbuf = static_cast<rte_mbuf*>(burst.mbuf[packet]);
    const bool sent = send_datagram(burst.flow[packet]->rtcp_exit, mbuf, payload, As::kInjected, burst.now_ns);
    if (sent) burst.mbuf[packet] = nullptr;
  }
  burst.clear_media();
}

/// False if the next hop is not known, or if the payload does not fit: the mbuf is still the caller's. `mac_else`: the
/// next hop if it is not known; 0: none.
bool Transmitter::send_datagram(const proto::Exit& exit, rte_mbuf* mbuf, proto::MutableBytes payload, As as,
                                std::uint64_t now_ns, std::uint64_t mac_else) {
  PreparedHeaders headers;
  if (!prepare(exit, now_ns, headers)) {
    if (mac_else == 0) return false;
    headers = headers_to(exit, mac_else);
  }
  const auto bytes = static_cast<std::uint32_t>(payload.size());
  if (bytes > payload_bytes_max(headers.marks)) return false;
  write_headers(payload.data(), bytes, headers, networks_[exit.network]);
  frame_payload(mbuf, payload.data(), bytes, headers);
  send(exit.network, mbuf, as);
  return true;
}

/// A check has authenticated before it is answered: its answer may go back to the neighbour that brought it while the
/// next hop is still asked for, which it is from then on. Media never does (Neighbours).
void Transmitter::answer(Burst& burst) {
  for (std::uint32_t i = 0; i < burst.checks.count; ++i) {
    const std::uint32_t packet = burst.checks.at[i];
    const proto::Exit back = {.peer = burst.source[packet],
                              .local_port = burst.local_port[packet],
                              .network = burst.network[packet],
                              .dscp = 0};
    const proto::MutableBytes payload = {burst.data[packet], burst.bytes[packet]};
    auto* const mbuf = static_cast<rte_mbuf*>(burst.mbuf[packet]);
    const std::uint64_t bearer = sender_of(mbuf, payload.data());
    if (send_datagram(back, mbuf, payload, As::kAnswered, burst.now_ns, bearer)) {
      burst.mbuf[packet] = nullptr;
    } else {
      burst.drop(packet, DropReason::kNextHopUnknown);
    }
  }
  burst.checks.clear();
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
  for (std::uint32_t i = sent; i < outbox.count; ++i) {
    take_back(outbox.sendings[i]);
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

std::uint64_t& Transmitter::counter(As as) {
  switch (as) {
    case As::kForwarded:
      return counters_.forwarded;
    case As::kAnswered:
      return counters_.answered;
    case As::kInjected:
      return counters_.injected;
    case As::kOriginated:
      break;
  }
  return counters_.originated;
}

void Transmitter::take_back(const Sending& sending) {
  --counter(sending.as);
  switch (sending.as) {
    case As::kForwarded:
      --(sending.rtcp ? sending.status->rtcp_packets_out : sending.status->rtp_packets_out);
      sending.status->rtp_bytes_out -= sending.rtcp ? 0 : sending.bytes;
      ++sending.status->dropped;
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
