// Who has which hardware address on one network, of either family. RFC 826, RFC 1122 section 2.3.2, RFC 4861 section 7.
//
// What is learned, and from whom. Only the answer to a question of our own changes an address, and questions are asked
// only for next hops that flows, injected packets or the gateway need: a stranger on the link cannot fill the table,
// and an unsolicited ARP packet or advertisement cannot move media. But a gateway that fails over announces its new
// address and does not wait to be asked. So an unsolicited packet that contradicts the table is a hint: the neighbour
// is asked at once (at most once a second), first where it was, then all, and its answer decides. estimate -> verify ->
// commit, as everywhere. An attacker on the link can still answer a question to all first; against that only static
// neighbours help.
//
// Gateways of a network that has several are asked all the time, so that the best one that answers is in force, and the
// first again as soon as it does.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/network.h"

namespace weir::dataplane {

inline constexpr std::uint64_t kSecondNs = 1'000'000'000;

/// An answer is trusted this long before the neighbour is asked again; media goes on meanwhile.
inline constexpr std::uint64_t kNeighbourFreshNs = 30 * kSecondNs;
/// One question a second for each neighbour (RFC 1122 section 2.3.2.1).
inline constexpr std::uint64_t kNeighbourAskNs = kSecondNs;
/// Questions without an answer until a neighbour counts as gone: the first where it was, the others to all.
inline constexpr std::uint32_t kNeighbourTriesMax = 4;
/// As kNeighbourFreshNs, for gateways that another could stand in for: gone for six seconds, one counts as gone.
inline constexpr std::uint64_t kGatewayFreshNs = 2 * kSecondNs;
/// Next hops one network keeps resolved at a time, static ones aside.
inline constexpr std::size_t kNeighboursMax = 4096;

/// Who is where, for every worker: a hash table that one writes and all read without a lock. Addresses that share a set
/// are told apart by the whole address; a set that is full makes room (Neighbours).
class NeighbourTable {
 public:
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kSets = 2048;
  static constexpr std::size_t kSlots = kWays * kSets;
  static_assert(kSlots >= 4 * kNeighboursMax, "two in a set of eight when the table is as full as it gets");

  /// `seed` is random, so that nobody can choose hosts that share a set.
  explicit NeighbourTable(std::uint64_t seed) : seed_(seed), slots_(std::make_unique<Slot[]>(kSlots)) {}

  /// The first of the kWays slots in which an address may lie.
  [[nodiscard]] std::size_t first_slot(const Address& address) const {
    constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15ull;
    std::uint64_t mixed = (address.high ^ seed_) * kOdd;
    mixed = (mixed ^ mixed >> 32 ^ address.low) * kOdd;
    return (mixed >> 32) % kSets * kWays;
  }

  /// The hardware address, in the low 48 bits, first byte highest; 0: not known. Any thread.
  [[nodiscard]] std::uint64_t find(const Address& address) const {
    const std::size_t first = first_slot(address);
    for (std::size_t at = first; at < first + kWays; ++at) {
      const Slot& slot = slots_[at];
      if (slot.low.load(std::memory_order_relaxed) != address.low) continue;
      // Acquire pairs with the release in put(): the address read next is the one of this word, or a later one's.
      const std::uint64_t word = slot.word.load(std::memory_order_acquire);
      const bool same = slot.low.load(std::memory_order_relaxed) == address.low &&
                        slot.high.load(std::memory_order_relaxed) == address.high;
      // Pairs with the fence in put(): who saw a later address sees that the word has changed.
      std::atomic_thread_fence(std::memory_order_acquire);
      if (same && (word & kMacMask) != 0 && slot.word.load(std::memory_order_relaxed) == word) return word & kMacMask;
    }
    return 0;
  }

  // The writer only.

  [[nodiscard]] std::uint64_t mac_at(std::size_t slot) const {
    return slots_[slot].word.load(std::memory_order_relaxed) & kMacMask;
  }
  /// `mac` 0: nobody is there.
  void put(std::size_t slot, const Address& address, std::uint64_t mac);

 private:
  static constexpr std::uint64_t kMacMask = (std::uint64_t{1} << 48) - 1;

  /// `word` counts its changes in the high 16 bits, above the hardware address: a reader that finds the same word
  /// before and after it read the address has read what belongs together.
  struct alignas(32) Slot {
    std::atomic<std::uint64_t> word{0};
    std::atomic<std::uint64_t> high{0};
    std::atomic<std::uint64_t> low{0};
  };

  std::uint64_t seed_;
  std::unique_ptr<Slot[]> slots_;
};

/// One network's neighbours. One worker writes them; every worker calls find(), version() and gateway().
class Neighbours {
 public:
  explicit Neighbours(const Network& network, std::uint64_t seed = 0);

  /// The hardware address of an on-link host, in the low 48 bits, first byte highest; 0: not known. Any thread.
  [[nodiscard]] std::uint64_t find(const Address& address) const { return table_.find(address); }

  /// Changes whenever an address that find() has given, or gateway(), may have changed or gone: who keeps it looks
  /// again. Never 0. Any thread; read it before find().
  [[nodiscard]] std::uint32_t version() const {
    // Acquire pairs with the release in changed(): who sees a version sees the entries it stands for.
    return shared_->version.load(std::memory_order_acquire);
  }

  /// Which of the network's gateways is in force. Any thread.
  [[nodiscard]] std::uint32_t gateway() const { return shared_->gateway.load(std::memory_order_relaxed); }

  /// A question to send: who has `address`? In a frame to `to`; kBroadcastMac: to all who may know.
  struct Question {
    Address address;
    proto::MacAddress to;
  };

  // The writing worker only, and main before the workers run.

  /// A neighbour from the configuration: never asked, never changed. `address` is on this network.
  void add_static(const Address& address, const proto::MacAddress& mac);

  /// A flow or an injected packet needs this next hop. The first question, if it is due.
  std::optional<Question> want(const Address& address, std::uint64_t now_ns);

  enum class Heard : std::uint8_t { kReply, kUnsolicited };
  /// ARP or ND from a neighbour. kReply: addressed to us as an answer. False if the table has no interest in the
  /// sender.
  bool heard(Heard how, const Address& sender, const proto::MacAddress& mac, std::uint64_t now_ns);

  /// Looks at the next few neighbours in turn; the next question that is due. Forgets who did not answer.
  std::optional<Question> next_question(std::uint64_t now_ns);

  /// Puts the best gateway that is not silent in force, if there are several to choose from. The question to the next
  /// one that nobody asks yet. True in `moved`: another one is in force now.
  std::optional<Question> watch_gateways(std::uint64_t now_ns, bool& moved);

  [[nodiscard]] std::size_t tracked() const { return tracked_.size(); }

 private:
  enum class State : std::uint8_t { kFresh, kAsking };

  struct Tracked {
    Address address;
    std::uint32_t slot;
    State state;
    std::uint32_t tries;
    std::uint64_t fresh_ns;  ///< how long an answer is trusted
    std::uint64_t confirmed_ns;
    std::uint64_t asked_ns;
    std::uint64_t wanted_ns;
  };
  /// What other workers read.
  struct Shared {
    std::atomic<std::uint32_t> version{1};
    std::atomic<std::uint32_t> gateway{0};
  };

  static constexpr std::uint16_t kNobody = 0xffff;
  static constexpr std::uint16_t kStatic = 0xfffe;
  static_assert(kNeighboursMax < kStatic);

  [[nodiscard]] std::uint16_t tracked_of(const Address& address) const;
  [[nodiscard]] bool is_watched_gateway(const Address& address) const;
  void note_gateway(const Address& address, bool silent);
  std::optional<Question> ask(Tracked& neighbour, std::uint64_t now_ns);
  Tracked* track(const Address& address);
  std::optional<std::size_t> free_slot(const Address& address);
  void forget(std::uint16_t at);
  void changed();

  std::vector<Address> gateways_;  ///< best first
  std::vector<bool> silent_;       ///< by gateway: it was given up and has not answered since
  NeighbourTable table_;
  std::unique_ptr<Shared> shared_ = std::make_unique<Shared>();
  std::vector<std::uint16_t> owner_;  ///< per slot: place in tracked_, or kNobody, or kStatic
  std::vector<Tracked> tracked_;
  std::size_t cursor_ = 0;
  std::size_t gateway_cursor_ = 0;
  std::uint64_t gateways_watched_ns_ = 0;
};

std::uint64_t to_word(const proto::MacAddress& mac);
proto::MacAddress to_mac(std::uint64_t word);

}  // namespace weir::dataplane
