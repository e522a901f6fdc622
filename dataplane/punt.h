// Packets that are not media: to weir-control over the Punt ring, and from it over the Inject ring.
#pragma once

#include <rte_mempool.h>

#include <array>
#include <cstdint>
#include <optional>

#include "dataplane/burst.h"
#include "dataplane/flow_table.h"
#include "dataplane/punt_budget.h"
#include "dataplane/transmit.h"
#include "proto/control_protocol.h"
#include "proto/ring.h"

namespace weir::dataplane {

/// Injected packets sent in one pass: media waits behind them.
inline constexpr std::uint32_t kInjectsPerPass = 32;
static_assert(kInjectsPerPass <= kBurstMax);

/// Injected packets whose next hop is being asked for wait this long, so many at a time: a handshake's first flight
/// would otherwise be lost and repeated only a second later (RFC 1122 section 2.3.2.2, RFC 6347 section 4.2.4.1).
inline constexpr std::uint64_t kInjectPatienceNs = 500'000'000;
/// Of one address family: where a gateway is silent, the other's goes on.
inline constexpr std::size_t kInjectsWaitingOfFamilyMax = 64;
inline constexpr std::size_t kInjectsWaitingMax = 2 * kInjectsWaitingOfFamilyMax;

/// One worker's Punt and Inject rings.
class PuntGate {
 public:
  PuntGate(proto::RingProducer<proto::Punt> punts, proto::RingConsumer<proto::Inject> injects, rte_mempool* pool,
           std::uint16_t worker, proto::WorkerCounters& counters, const PuntRates& rates, std::uint64_t seed);
  PuntGate(const PuntGate&) = delete;
  PuntGate& operator=(const PuntGate&) = delete;
  ~PuntGate();

  /// Copies burst.punts to weir-control at no more than each flow's rate, each source's, and this worker's. Half of
  /// each is kept for packets from their flow's signalled peer: who only knows the port cannot keep the peer's
  /// handshake from getting through. So is the half of the source's and the worker's, and a fourth of the flow's, from
  /// the peer's own DTLS application data, which is media. What finds no token or no room gets a verdict; the rest is
  /// out of the burst (mbuf nullptr).
  void punt(Burst& burst);

  /// Copies burst.handed_up, what leaves as DTLS application data, to weir-control: as the peer's own is, but that it
  /// costs its source nothing, which knows nothing of it. What finds no token or no room gets a verdict; the rest is
  /// counted as sent by its flow and is out of the burst. Returns how many those are.
  std::uint32_t hand_up(Burst& burst);

  /// Sends what weir-control injected, from the local port of the flow it names. Refused and counted: a flow that is
  /// not this worker's or of another generation, a destination that is no unicast IPv4 address, a length that does not
  /// fit, a payload that is media (what is sent in the clear on a secured leg is not decided out there), a next hop
  /// that does not answer. Requests for pictures, or media that is returned, go into the burst instead, as
  /// add_picture_request and add_returned do it: one kind in a pass. Returns which, if there is any in the burst now.
  std::optional<proto::InjectKind> inject(FlowTable& table, Transmitter& transmitter, Burst& burst);

 private:
  /// A datagram on its way out.
  struct Outgoing {
    rte_mbuf* mbuf;  ///< the payload
    proto::FlowId flow;
    proto::Endpoint destination;
    std::uint8_t dscp;
    std::uint64_t until_ns;  ///< given up then
  };
  /// What a packet for weir-control may take of the budgets.
  struct Claim {
    std::uint32_t kept;              ///< of its flow's tokens one in so many has to stay; 0: none has
    bool expected;                   ///< as PuntBudget::allows
    const proto::IpAddress* source;  ///< likewise
  };
  enum class Sending : std::uint8_t { kSent, kWaits, kGivenUp };

  proto::DropReason punt_one(Burst& burst, std::uint32_t packet);
  proto::DropReason hand_up_one(Burst& burst, std::uint32_t packet);
  proto::DropReason give(Burst& burst, std::uint32_t packet, const Claim& claim);
  bool take_next();
  [[nodiscard]] const FlowEntry* flow_of(FlowTable& table, const proto::FlowId& id) const;
  [[nodiscard]] bool may_wait(const Outgoing& outgoing) const;
  [[nodiscard]] bool may_inject(FlowTable& table) const;
  void note_check(FlowTable& table) const;
  Sending try_to_send(const Outgoing& outgoing, FlowTable& table, Transmitter& transmitter, std::uint64_t now_ns);
  bool inject_one(FlowTable& table, Transmitter& transmitter, std::uint64_t now_ns);
  bool add_to_burst(FlowTable& table, Burst& burst);
  bool take_picture_request(FlowTable& table, Burst& burst);
  void try_waiting(FlowTable& table, Transmitter& transmitter, std::uint64_t now_ns);

  proto::RingProducer<proto::Punt> punts_;
  proto::RingConsumer<proto::Inject> injects_;
  rte_mempool* pool_;
  std::uint16_t worker_;
  proto::WorkerCounters& counters_;
  PuntBudget budget_;
  proto::Inject injected_;  ///< this worker's copy of the slot it works on
  bool held_ = false;       ///< it waits for the next pass
  std::array<Outgoing, kInjectsWaitingMax> waiting_{};
  std::size_t waiting_count_ = 0;
};

}  // namespace weir::dataplane
