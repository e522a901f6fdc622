// Stage 6: headers in front of what is to be sent, and bursts to the ports.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/burst.h"
#include "dataplane/headers.h"
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

  /// Sends burst.media. What cannot leave gets a verdict, what weir-control is to send goes to burst.handed_up; the
  /// rest is out of the burst (mbuf nullptr).
  void transmit(Burst& burst);

  /// Sends burst.checks, which are answers now, to where they came from; as transmit().
  void answer(Burst& burst);

  /// What becomes of a datagram or frame that inject() or send() took.
  enum class As : std::uint8_t { kForwarded, kAnswered, kInjected, kOriginated };

  /// Sends a finished frame.
  void send(std::uint8_t network, rte_mbuf* frame, As as) {
    push(network, outboxes_[network], frame).as = as;
    ++counter(as);
  }

  /// Of the networks that a flow arrives on the one that speaks this family, else its first.
  [[nodiscard]] std::uint8_t network_to(const FlowEntry& flow, proto::Family family) const;

  /// Sends a datagram from a flow's local port. `mbuf` holds the UDP payload, with room in front. False if its next
  /// hop is not known, or if it does not fit: the mbuf is still the caller's.
  bool inject(const FlowEntry& flow, rte_mbuf* mbuf, const proto::Endpoint& destination, std::uint8_t dscp,
              std::uint64_t now_ns);

  /// Sends burst.media, which is RTCP that came from weir-control, as injected. What cannot leave keeps its mbuf, and
  /// what weir-control is to send, which is on burst.handed_up.
  void inject(Burst& burst);

  /// Gives everything queued to the ports and counts it. Frames that a port does not take are freed, and counted as
  /// transmit_full, injected ones as inject_refused.
  void flush();

 private:
  /// What to take back if the port does not take a frame.
  struct Sending {
    proto::FlowStatus* status;  ///< kForwarded: the flow's public counters
    std::uint32_t bytes;        ///< kForwarded: of the UDP payload
    As as;
    bool rtcp;
  };
  /// Frames for one network's port, oldest first. They are counted as sent when they come in: ports take them all, but
  /// for moments.
  struct Outbox {
    std::uint32_t count = 0;
    std::uint32_t version = 0;  ///< Resolver::version of the network, read once a burst
    Column<rte_mbuf*> frames;
    Column<Sending> sendings;
  };

  /// The frame's place in the outbox: the caller fills it in, field by field, since a struct made first and copied then
  /// would be loaded right after it was stored in pieces.
  Sending& push(std::uint8_t network, Outbox& outbox, rte_mbuf* frame) {
    if (outbox.count == kBurstMax) [[unlikely]]
      flush_network(network);
    outbox.frames[outbox.count] = frame;
    return outbox.sendings[outbox.count++];
  }
  proto::DropReason send_rtp(Burst& burst, std::uint32_t packet);
  proto::DropReason send_rtcp(Burst& burst, std::uint32_t packet);
  void send_media(Burst& burst, std::uint32_t packet, std::uint8_t network, PreparedHeaders& headers, bool rtcp);
  bool send_datagram(const proto::Exit& exit, rte_mbuf* mbuf, proto::MutableBytes payload, As as, std::uint64_t now_ns,
                     std::uint64_t mac_else = 0);
  [[nodiscard]] PreparedHeaders headers_to(const proto::Exit& exit, std::uint64_t mac) const;
  bool prepare(const proto::Exit& exit, std::uint64_t now_ns, PreparedHeaders& headers);
  void flush_network(std::size_t network);
  void send_for_others(const Queue& queue);
  std::uint64_t& counter(As as);
  void take_back(const Sending& sending);

  std::span<const Network> networks_;
  std::vector<Queue> queues_;
  std::vector<Outbox> outboxes_;
  Resolver& resolver_;
  proto::WorkerCounters& counters_;
};

}  // namespace weir::dataplane
