// The pairs of one leg's candidates, and which of them is to be checked next. RFC 8445 sections 6.1.2 and 6.1.4.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "controlplane/stun_check.h"
#include "proto/ice_role.h"
#include "proto/inet.h"
#include "sip/ice_attributes.h"

namespace weir::controlplane {

/// RFC 8445 section 6.1.2.6.
enum class IcePairState : std::uint8_t { kFrozen, kWaiting, kInProgress, kSucceeded, kFailed };

struct IcePair {
  std::uint8_t local = 0;      ///< place of our candidate
  std::uint8_t component = 1;  ///< of both
  proto::Endpoint remote;
  std::string foundation;  ///< of the remote's candidate
  std::uint32_t local_priority = 0;
  std::uint32_t remote_priority = 0;
  IcePairState state = IcePairState::kFrozen;
  bool works = false;      ///< a check of it succeeded, and none has failed since
  bool triggered = false;  ///< to be checked before others (section 6.1.4.1)
  bool nominated = false;  ///< controlling: the next check of it says so; controlled: the peer has said so
  bool heard = false;      ///< a signed check came from the remote: by its party, if not from there (it may be forged)
  bool has_shown = false;  ///< the remote has that it is there: it answered a check of ours
  std::uint8_t owed = 0;   ///< checks that the first in its name calls for (section 7.3.1.4) and were not sent yet
  std::size_t credit_bytes = 0;  ///< what came later in its name beyond its answers and what went there
  std::size_t lacks_bytes = 0;   ///< the check on its way waits for credit of so much; 0: it does not
  std::uint8_t conflicts = 0;    ///< times it answered 487
  // The check that is on its way.
  StunTransaction transaction{};
  bool nominates = false;
  proto::IceRole role = proto::IceRole::kNone;
  std::uint8_t sent = 0;     ///< times
  std::uint64_t rto_ns = 0;  ///< between this time and the next
  std::uint64_t due_ns = 0;  ///< that next, or after the last the end of it
};

/// RFC 8445 section 6.1.2.3.
std::uint64_t pair_priority(const IcePair& pair, proto::IceRole ours);

class IceCheckList {
 public:
  /// RFC 8445 section 6.1.2.5.
  static constexpr std::size_t kPairsMax = 100;
  /// Pairs with one address: a host is behind few ports, and one that is named by many is a victim.
  static constexpr std::size_t kPairsPerAddressMax = 8;

  explicit IceCheckList(std::vector<sip::IceCandidate> locals) : locals_(std::move(locals)) {}

  [[nodiscard]] const std::vector<sip::IceCandidate>& locals() const { return locals_; }
  [[nodiscard]] std::vector<IcePair>& pairs() { return pairs_; }
  [[nodiscard]] const std::vector<IcePair>& pairs() const { return pairs_; }

  /// Pairs a candidate of the remote's with each of ours of the same component and family; redundant and surplus ones
  /// are left out.
  void add(const sip::IceCandidate& remote);
  /// The pair that a check of the remote came over: known, or learned now (section 7.3.1.3). nullptr: there are too
  /// many.
  IcePair* heard(std::uint8_t local, const proto::Endpoint& source, std::uint32_t priority);
  [[nodiscard]] IcePair* find(std::uint8_t local, const proto::Endpoint& remote);

  /// What is to be checked next, and nullptr if there is nothing; kWaiting now, if it was kFrozen.
  IcePair* next(proto::IceRole ours);
  /// A check of `pair` succeeded: those of its foundation are worth a try (section 7.2.5.3.3).
  void thaw(const IcePair& pair);
  /// The component has its pair: nothing more of it is checked but what the peer asks for (section 8.1.2).
  void stop(std::uint8_t component, const IcePair& but);

 private:
  [[nodiscard]] bool is_busy(const IcePair& like) const;
  [[nodiscard]] bool has_room_for(const proto::IpAddress& address) const;

  std::vector<sip::IceCandidate> locals_;
  std::vector<IcePair> pairs_;
  std::uint32_t learned_ = 0;
};

}  // namespace weir::controlplane
