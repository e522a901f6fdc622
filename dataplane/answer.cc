#include "dataplane/answer.h"

#include <algorithm>

#include "dataplane/arp.h"
#include "dataplane/icmp.h"
#include "dataplane/nd.h"
#include "dataplane/port.h"
#include "dataplane/token_bucket.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;

proto::MutableBytes bytes_of(rte_mbuf* mbuf) {
  return {rte_pktmbuf_mtod(mbuf, std::uint8_t*), mbuf->data_len};
}

void resize(rte_mbuf* mbuf, std::size_t bytes) {
  mbuf->data_len = static_cast<std::uint16_t>(bytes);
  mbuf->pkt_len = mbuf->data_len;
}

/// All buffers are ours (make_packet_pool): a frame can grow to what is written here.
static_assert(kMbufDataBytes - RTE_PKTMBUF_HEADROOM >= std::max(kNdFrameBytesMax, kArpFrameBytes));

void write_question(rte_mbuf* mbuf, const Network& network, const Neighbours::Question& question) {
  auto* frame = rte_pktmbuf_mtod(mbuf, std::uint8_t*);
  if (network.is_ipv4()) {
    write_arp_request(frame, network, question.address, question.to);
    return resize(mbuf, kArpFrameBytes);
  }
  const bool to_all = question.to == kBroadcastMac;
  resize(mbuf, write_solicitation(frame, network, question.address, to_all ? nullptr : &question.to));
}

}  // namespace

Answerer::Answerer(std::span<const Network> networks, Resolver& resolver, Transmitter& transmitter, rte_mempool* pool,
                   proto::WorkerCounters& counters)
    : networks_(networks),
      resolver_(resolver),
      transmitter_(transmitter),
      pool_(pool),
      counters_(counters),
      echoes_{.updated_ns = 0, .rate_per_s = kEchoesPerSecondMax, .tokens = 0} {}

void Answerer::echo(std::uint8_t network, rte_mbuf* mbuf, const Frame& frame, std::uint64_t now_ns) {
  refill(echoes_, now_ns);
  if (!has_tokens(echoes_, 1)) return drop(mbuf, DropReason::kPoliced);
  const DropReason reason = answer_echo(bytes_of(mbuf), frame, networks_[network]);
  if (reason != DropReason::kNone) return drop(mbuf, reason);
  take_tokens(echoes_, 1);
  mbuf->ol_flags = 0;
  transmitter_.send(network, mbuf, Transmitter::As::kAnswered);
}

void Answerer::arp(std::uint8_t network, rte_mbuf* mbuf, const Frame& frame, std::uint64_t now_ns) {
  const Arp arp = parse_arp(bytes_of(mbuf), frame.link_bytes, networks_[network]);
  Neighbours& neighbours = resolver_.neighbours(network);
  switch (arp.kind) {
    case ArpKind::kRequest:
      neighbours.heard(Neighbours::Heard::kUnsolicited, arp.sender, arp.sender_mac, now_ns);
      answer_arp(bytes_of(mbuf), frame.link_bytes, networks_[network]);
      mbuf->ol_flags = 0;
      return transmitter_.send(network, mbuf, Transmitter::As::kAnswered);
    case ArpKind::kReply:
      neighbours.heard(Neighbours::Heard::kReply, arp.sender, arp.sender_mac, now_ns);
      return absorb(mbuf);
    case ArpKind::kAnnounce:
      if (neighbours.heard(Neighbours::Heard::kUnsolicited, arp.sender, arp.sender_mac, now_ns)) return absorb(mbuf);
      return drop(mbuf, DropReason::kArpNotForUs);
    case ArpKind::kDrop:
      break;
  }
  drop(mbuf, arp.reason);
}

void Answerer::nd(std::uint8_t network, rte_mbuf* mbuf, const Frame& frame, std::uint64_t now_ns) {
  const Nd nd = parse_nd(bytes_of(mbuf), frame, networks_[network]);
  Neighbours& neighbours = resolver_.neighbours(network);
  switch (nd.kind) {
    case NdKind::kSolicitation:
      neighbours.heard(Neighbours::Heard::kUnsolicited, nd.sender, nd.sender_mac, now_ns);
      resize(mbuf, answer_nd(rte_pktmbuf_mtod(mbuf, std::uint8_t*), nd, networks_[network]));
      mbuf->ol_flags = 0;
      return transmitter_.send(network, mbuf, Transmitter::As::kAnswered);
    case NdKind::kAnswer:
      neighbours.heard(Neighbours::Heard::kReply, nd.sender, nd.sender_mac, now_ns);
      return absorb(mbuf);
    case NdKind::kAnnouncement:
      if (neighbours.heard(Neighbours::Heard::kUnsolicited, nd.sender, nd.sender_mac, now_ns)) return absorb(mbuf);
      return drop(mbuf, DropReason::kNdNotForUs);
    case NdKind::kDrop:
      break;
  }
  drop(mbuf, nd.reason);
}

void Answerer::ask(std::uint64_t now_ns) {
  for (std::uint32_t i = 0; i < kQuestionsPerPass; ++i) {
    bool gateway_changed = false;
    const std::optional<Resolver::Question> question = resolver_.next_question(now_ns, gateway_changed);
    counters_.gateway_changes += gateway_changed ? 1 : 0;
    if (!question) return;
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
    if (mbuf == nullptr) return;  // asked again in a second
    write_question(mbuf, networks_[question->network], question->ask);
    transmitter_.send(question->network, mbuf, Transmitter::As::kOriginated);
  }
}

void Answerer::drop(rte_mbuf* mbuf, DropReason reason) {
  ++counters_.dropped[static_cast<std::size_t>(reason)];
  rte_pktmbuf_free(mbuf);
}

void Answerer::absorb(rte_mbuf* mbuf) {
  ++counters_.absorbed;
  rte_pktmbuf_free(mbuf);
}

}  // namespace weir::dataplane
