// From a destination to the hardware address of its next hop, for every worker; and the questions for what is missing.
// Worker 0 writes the neighbour tables and asks; the others tell it what they miss.
#pragma once

#include <rte_ring.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/neighbours.h"
#include "dataplane/network.h"

namespace weir::dataplane {

/// A next hop that a worker misses, as it crosses a ring.
struct WantedHop {
  Address hop;
  std::uint32_t network;
  std::uint32_t reserved = 0;

  friend bool operator==(const WantedHop&, const WantedHop&) = default;
};
static_assert(sizeof(WantedHop) == 24);

/// One worker's view of all networks' neighbours.
class Resolver {
 public:
  /// `neighbours` by network index. `wanted`: this worker's ring to worker 0; worker 0 has none itself but reads the
  /// others', `wanted_by`. All outlive the resolver.
  Resolver(std::span<const Network> networks, std::span<Neighbours> neighbours, rte_ring* wanted,
           std::vector<rte_ring*> wanted_by);

  /// The next hop's hardware address (Neighbours::find), or 0: the packet has no way out now, and its hop is wanted.
  std::uint64_t find(std::uint8_t network, const Address& destination, std::uint64_t now_ns) {
    const Address hop = next_hop(network, destination);
    const std::uint64_t mac = hop.is_none() ? 0 : neighbours_[network].find(hop);
    if (mac == 0 && !hop.is_none()) want_hop({hop, network}, now_ns);
    return mac;
  }

  /// Of the addresses that find() has given for this network (Neighbours::version).
  [[nodiscard]] std::uint32_t version(std::uint8_t network) const { return neighbours_[network].version(); }

  /// A flow will send there: lets worker 0 ask before the first packet waits for the answer.
  void want(std::uint8_t network, const Address& destination, std::uint64_t now_ns) {
    const Address hop = next_hop(network, destination);
    if (!hop.is_none()) want_hop({hop, network}, now_ns);
  }

  // Worker 0 only.

  struct Question {
    std::uint8_t network;
    Neighbours::Question ask;
  };
  /// The next ARP or ND question to send: for what any worker wants, or an answer that has grown old. True in
  /// `gateway_changed`: another gateway of a network is in force now.
  std::optional<Question> next_question(std::uint64_t now_ns, bool& gateway_changed);
  [[nodiscard]] Neighbours& neighbours(std::uint8_t network) { return neighbours_[network]; }

 private:
  /// Hops that were wanted lately: a flow of 50 packets a second is not 50 questions.
  struct Lately {
    WantedHop hop;
    std::uint64_t wanted_ns;
  };
  static constexpr std::size_t kLately = 64;
  static constexpr std::uint64_t kLatelyNs = 100'000'000;
  static constexpr std::size_t kQuestionsMax = 64;

  [[nodiscard]] Address next_hop(std::uint8_t network, const Address& destination) const {
    return networks_[network].next_hop(destination, neighbours_[network].gateway());
  }
  void want_hop(const WantedHop& hop, std::uint64_t now_ns);
  void take_wanted(std::uint64_t now_ns);
  void want_here(const WantedHop& hop, std::uint64_t now_ns);

  std::span<const Network> networks_;
  std::span<Neighbours> neighbours_;
  rte_ring* wanted_;
  std::vector<rte_ring*> wanted_by_;
  std::array<Lately, kLately> lately_{};
  std::array<Question, kQuestionsMax> questions_{};
  std::size_t questions_count_ = 0;
  std::size_t cursor_ = 0;
};

}  // namespace weir::dataplane
