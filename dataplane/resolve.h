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

/// One worker's view of all networks' neighbours.
class Resolver {
 public:
  /// `neighbours` by network index. `wanted`: this worker's ring to worker 0; worker 0 has none itself but reads the
  /// others', `wanted_by`. All outlive the resolver.
  Resolver(std::span<const Network> networks, std::span<Neighbours> neighbours, rte_ring* wanted,
           std::vector<rte_ring*> wanted_by);

  /// The next hop's hardware address (Neighbours::find), or 0: the packet has no way out now, and its hop is wanted.
  std::uint64_t find(std::uint8_t network, std::uint32_t destination, std::uint64_t now_ns) {
    const std::uint32_t hop = networks_[network].next_hop(destination);
    const std::uint64_t mac = hop == 0 ? 0 : neighbours_[network].find(hop);
    if (mac == 0 && hop != 0) want_hop(network, hop, now_ns);
    return mac;
  }

  /// Of the addresses that find() has given for this network (Neighbours::version).
  [[nodiscard]] std::uint32_t version(std::uint8_t network) const { return neighbours_[network].version(); }

  /// A flow will send there: lets worker 0 ask before the first packet waits for the answer.
  void want(std::uint8_t network, std::uint32_t destination, std::uint64_t now_ns) {
    const std::uint32_t hop = networks_[network].next_hop(destination);
    if (hop != 0) want_hop(network, hop, now_ns);
  }

  // Worker 0 only.

  struct Question {
    std::uint8_t network;
    Neighbours::Question ask;
  };
  /// The next ARP request to send: for what any worker wants, or an answer that has grown old.
  std::optional<Question> next_question(std::uint64_t now_ns);
  [[nodiscard]] Neighbours& neighbours(std::uint8_t network) { return neighbours_[network]; }

 private:
  /// Hops that were wanted lately: a flow of 50 packets a second is not 50 questions.
  struct Lately {
    std::uint64_t key;
    std::uint64_t wanted_ns;
  };
  static constexpr std::size_t kLately = 64;
  static constexpr std::uint64_t kLatelyNs = 100'000'000;
  static constexpr std::size_t kQuestionsMax = 64;

  void want_hop(std::uint8_t network, std::uint32_t hop, std::uint64_t now_ns);
  void take_wanted(std::uint64_t now_ns);
  void want_here(std::uint8_t network, std::uint32_t hop, std::uint64_t now_ns);

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
