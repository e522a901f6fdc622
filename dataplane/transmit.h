// Stage 6: headers in front of what is to be sent, and bursts to the ports.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/burst.h"
#include "dataplane/network.h"
#include "dataplane/resolve.h"
#include "proto/counters.h"

namespace weir::dataplane {

/// One worker's frames on their way to the ports.
class Transmitter {
 public:
  /// How this worker reaches a network's port: through a queue of its own, or through worker 0.
  struct Queue {
    std::uint16_t port_id;
    std::uint16_t queue;
    rte_ring* to_worker_0;                ///< not nullptr: the port has no queue for this worker
    std::vector<rte_ring*> from_workers;  ///< worker 0: what the others finished for this port
  };

  /// One Queue for each network, by network index. All outlive the transmitter.
  Transmitter(std::span<const Network> networks, std::vector<Queue> queues, Resolver& resolver,
              proto::WorkerCounters& counters);

  /// Sends burst.media. What cannot leave gets a verdict; the rest is out of the burst (mbuf nullptr).
  void transmit(Burst& burst);

  /// What becomes of a datagram or frame that inject() or send() took.
  enum class As : std::uint8_t { kForwarded, kAnswered, kInjected, kOriginated };

  /// Sends a finished frame.
  void send(std::uint8_t network, rte_mbuf* frame, As as) { push(network, frame, as, {}); }

  /// Sends a datagram from a local port of ours. `mbuf` holds the UDP payload, with room in front. False if its next
  /// hop is not known: the mbuf is still the caller's.
  bool inject(std::uint8_t network, rte_mbuf* mbuf, std::uint16_t local_port, const proto::Endpoint& destination,
              std::uint8_t dscp, std::uint64_t now_ns);

  /// Gives everything queued to the ports and counts it. Frames that a port does not take are freed, and counted as
  /// transmit_full, injected ones as inject_refused.
  void flush();

 private:
  /// For the flow's public counters.
  struct Media {
    proto::FlowStatus* status = nullptr;
    std::uint32_t bytes = 0;
    bool rtcp = false;
  };
  /// Frames for one network's port, oldest first.
  struct Outbox {
    std::uint32_t count = 0;
    Column<rte_mbuf*> frames;
    Column<As> as;
    Column<Media> media;
  };

  proto::DropReason send_media(Burst& burst, std::uint32_t packet);
  void push(std::uint8_t network, rte_mbuf* frame, As as, const Media& media);
  void flush_network(std::size_t network);
  void send_for_others(const Queue& queue);
  void count_sent(As as, const Media& media);
  void count_unsent(As as, const Media& media);

  std::span<const Network> networks_;
  std::vector<Queue> queues_;
  std::vector<Outbox> outboxes_;
  Resolver& resolver_;
  proto::WorkerCounters& counters_;
};

}  // namespace weir::dataplane
