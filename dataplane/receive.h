// Stage 1: frames from the ports and from other workers. Media and what may be punted go into the burst; ARP, neighbour
// discovery and echo are answered; frames whose port belongs to another worker are handed over; the rest is dropped
// with a reason.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/answer.h"
#include "dataplane/burst.h"
#include "dataplane/flow_table.h"
#include "dataplane/frame.h"
#include "dataplane/network.h"
#include "proto/counters.h"

namespace weir::dataplane {

/// One worker's receiving end.
class Receiver {
 public:
  struct Wiring {
    std::uint16_t worker;
    std::uint16_t workers;
    std::span<const Network> networks;
    std::vector<std::vector<std::uint8_t>> networks_of_port;  ///< by DPDK port
    std::vector<rte_ring*> to_worker;                         ///< by worker; nullptr for this one
  };

  /// All that is referred to outlives the receiver.
  Receiver(Wiring wiring, FlowTable& table, Answerer& answerer, proto::WorkerCounters& counters);

  /// Takes up to kBurstMax frames from a port's queue, and fills the burst with the UDP datagrams among them that are
  /// this worker's. Returns the frames taken.
  std::uint32_t from_port(std::uint16_t port_id, std::uint16_t queue, Burst& burst);

  /// The same from another worker's ring.
  std::uint32_t from_worker(rte_ring* ring, Burst& burst);

 private:
  /// Whose ports are this worker's.
  struct Owner {
    std::uint16_t worker;
    std::uint16_t workers;
  };
  using Frames = std::array<rte_mbuf*, kBurstMax>;
  /// One network's short way.
  struct Filter {
    bool ipv4;
    PlainUdpFilter over_ipv4;
    PlainUdpIpv6Filter over_ipv6;
  };

  void begin(const Frames& frames, std::uint32_t count, Burst& burst);
  template <typename UdpFilter>
  void take_all(const Frames& frames, std::uint32_t count, std::uint8_t network, UdpFilter filter, Burst& burst);
  void take_any(rte_mbuf* mbuf, std::span<const std::uint8_t> networks, Burst& burst);
  template <typename UdpFilter>
  void take(rte_mbuf* mbuf, std::uint8_t network, const UdpFilter& filter, Owner owner, Burst& burst);
  bool take_plain(rte_mbuf* mbuf, std::uint8_t network, Burst& burst);
  void take_udp(rte_mbuf* mbuf, std::uint8_t network, const PlainUdp& udp, Owner owner, Burst& burst);
  void take_odd(rte_mbuf* mbuf, std::span<const std::uint8_t> networks, Burst& burst);
  void take_other(rte_mbuf* mbuf, std::uint8_t network, const Frame& frame, std::uint64_t now_ns);
  void hand_over(rte_mbuf* mbuf, std::uint8_t network, std::uint16_t to);
  void drop(rte_mbuf* mbuf, proto::DropReason reason);

  Wiring wiring_;
  std::vector<Filter> filters_;  ///< by network
  Owner owner_;
  FlowTable& table_;
  Answerer& answerer_;
  proto::WorkerCounters& counters_;
};

}  // namespace weir::dataplane
