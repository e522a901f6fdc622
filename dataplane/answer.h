// Frames for the media address itself: ARP, neighbour discovery and echo. The frame in becomes the frame out.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <span>

#include "dataplane/flow_table.h"
#include "dataplane/frame.h"
#include "dataplane/network.h"
#include "dataplane/resolve.h"
#include "dataplane/transmit.h"
#include "proto/counters.h"

namespace weir::dataplane {

/// Echo replies of one worker in a second: enough for people, too few to cost media anything.
inline constexpr std::uint32_t kEchoesPerSecondMax = 1000;
/// ARP and ND questions sent in one pass.
inline constexpr std::uint32_t kQuestionsPerPass = 8;

/// One worker's answers. Takes the mbufs it is given: each is sent, absorbed or dropped with a reason.
class Answerer {
 public:
  Answerer(std::span<const Network> networks, Resolver& resolver, Transmitter& transmitter, rte_mempool* pool,
           proto::WorkerCounters& counters);

  void echo(std::uint8_t network, rte_mbuf* mbuf, const Frame& frame, std::uint64_t now_ns);

  // Worker 0 only: it writes the neighbour tables.
  void arp(std::uint8_t network, rte_mbuf* mbuf, const Frame& frame, std::uint64_t now_ns);
  void nd(std::uint8_t network, rte_mbuf* mbuf, const Frame& frame, std::uint64_t now_ns);
  /// Sends the questions that are due.
  void ask(std::uint64_t now_ns);

 private:
  void drop(rte_mbuf* mbuf, proto::DropReason reason);
  void absorb(rte_mbuf* mbuf);

  std::span<const Network> networks_;
  Resolver& resolver_;
  Transmitter& transmitter_;
  rte_mempool* pool_;
  proto::WorkerCounters& counters_;
  TokenBucket echoes_;
};

}  // namespace weir::dataplane
