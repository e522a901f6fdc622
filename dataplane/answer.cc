#include "dataplane/answer.h"

#include "dataplane/arp.h"
#include "dataplane/icmp.h"
#include "dataplane/token_bucket.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;

proto::MutableBytes bytes_of(rte_mbuf* mbuf) {
  return {rte_pktmbuf_mtod(mbuf, std::uint8_t*), mbuf->data_len};
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

void Answerer::ask(std::uint64_t now_ns) {
  for (std::uint32_t i = 0; i < kQuestionsPerPass; ++i) {
    const std::optional<Resolver::Question> question = resolver_.next_question(now_ns);
    if (!question) return;
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
    if (mbuf == nullptr) return;  // asked again in a second
    auto* frame = reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(mbuf, kArpFrameBytes));
    write_arp_request(frame, networks_[question->network], question->ask.address, question->ask.to);
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
