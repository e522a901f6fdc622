// Who has which hardware address on one network. RFC 826, RFC 1122 section 2.3.2.
//
// What is learned, and from whom. Only the answer to a question of our own changes an address, and questions are asked
// only for next hops that flows, injected packets or the gateway need: a stranger on the link cannot fill the table,
// and an unsolicited ARP packet cannot move media. But a gateway that fails over announces its new address and does
// not wait to be asked. So an unsolicited packet that contradicts the table is a hint: the neighbour is asked at once
// (at most once a second), first where it was, then by broadcast, and its answer decides. estimate -> verify -> commit,
// as everywhere. An attacker on the link can still answer a broadcast question first; against that only static
// neighbours help.
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
/// Next hops one network keeps resolved at a time.
inline constexpr std::size_t kNeighboursMax = 4096;

/// One network's table. One worker writes it; every worker calls find().
class Neighbours {
 public:
  explicit Neighbours(const Network& network);

  /// The hardware address of an on-link host, in the low 48 bits, first byte highest; 0: not known. Any thread.
  [[nodiscard]] std::uint64_t find(std::uint32_t address) const {
    const std::uint64_t tag = address >> 16;
    const std::size_t first = first_slot(address);
    for (std::size_t slot = first; slot < first + ways_; ++slot) {
      // Relaxed: tag and address are one word, so a reader sees both of one neighbour or of another.
      const std::uint64_t entry = entries_[slot].load(std::memory_order_relaxed);
      if (entry >> 48 == tag && (entry & kMacMask) != 0) return entry & kMacMask;
    }
    return 0;
  }

  /// Changes whenever an address that find() has given may have changed or gone: who keeps it looks again. Never 0. Any
  /// thread; read it before find().
  [[nodiscard]] std::uint32_t version() const {
    // Acquire pairs with the release in changed(): who sees a version sees the entries it stands for.
    return version_->load(std::memory_order_acquire);
  }

  /// A question to send: ARP request for `address` in a frame to `to`.
  struct Question {
    std::uint32_t address;
    proto::MacAddress to;
  };

  // The writing worker only, and main before the workers run.

  /// A neighbour from the configuration: never asked, never changed. `address` is on this network.
  void add_static(std::uint32_t address, const proto::MacAddress& mac);

  /// A flow or an injected packet needs this next hop. The first question, if it is due.
  std::optional<Question> want(std::uint32_t address, std::uint64_t now_ns);

  enum class Heard : std::uint8_t { kReply, kUnsolicited };
  /// ARP from a neighbour. kReply: addressed to us as an answer. False if the table has no interest in the sender.
  bool heard(Heard how, std::uint32_t sender, const proto::MacAddress& mac, std::uint64_t now_ns);

  /// Looks at the next few neighbours in turn; the next question that is due. Forgets who did not answer.
  std::optional<Question> next_question(std::uint64_t now_ns);

  [[nodiscard]] std::size_t tracked() const { return tracked_.size(); }

 private:
  enum class State : std::uint8_t { kFresh, kAsking };

  struct Tracked {
    std::uint32_t address;
    std::uint32_t slot;
    State state;
    std::uint32_t tries;
    std::uint64_t confirmed_ns;
    std::uint64_t asked_ns;
    std::uint64_t wanted_ns;
  };

  static constexpr std::uint64_t kMacMask = (std::uint64_t{1} << 48) - 1;
  static constexpr std::uint16_t kNobody = 0xffff;
  static constexpr std::uint16_t kStatic = 0xfffe;
  static_assert(kNeighboursMax < kStatic);

  [[nodiscard]] std::size_t first_slot(std::uint32_t address) const { return (address & index_mask_) * ways_; }
  [[nodiscard]] std::uint16_t tracked_of(std::uint32_t address) const;
  std::optional<Question> ask(Tracked& neighbour, std::uint64_t now_ns);
  Tracked* track(std::uint32_t address);
  std::optional<std::size_t> free_slot(std::uint32_t address);
  void forget(std::uint16_t at);
  void changed();

  // The slot of a host is its low bits: on a network of /16 or longer no two hosts share one. A shorter prefix has
  // four slots for the hosts whose low 16 bits are equal. An entry is the address's high 16 bits, then the MAC.
  std::uint32_t index_mask_;
  std::size_t ways_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> entries_;
  std::unique_ptr<std::atomic<std::uint32_t>> version_ = std::make_unique<std::atomic<std::uint32_t>>(1);
  std::vector<std::uint16_t> owner_;  ///< per slot: place in tracked_, or kNobody, or kStatic
  std::vector<Tracked> tracked_;
  std::size_t cursor_ = 0;
};

std::uint64_t to_word(const proto::MacAddress& mac);
proto::MacAddress to_mac(std::uint64_t word);

}  // namespace weir::dataplane
