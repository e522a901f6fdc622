// A full ICE agent for one generation of one leg: makes the checks that weir-media cannot, chooses a pair for each
// component, and asks for consent as long as it is used. Sans-I/O: time and datagrams in, datagrams out. RFC 8445
// sections 6 to 8 and 14, RFC 7675.
//
// A check goes where a description says or a check came from, and anybody may be named there, also by the party itself.
// Until a place has answered a check of ours, it gets two for the first that came in its name, as section 7.3.1.4 has
// it (one may get lost), and further ones as far as what came reaches, less what that was answered; and beyond that all
// that is sent to such places together is less than the description was long.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "controlplane/ice_check_list.h"
#include "proto/bytes.h"
#include "proto/ice_role.h"
#include "proto/inet.h"
#include "sip/ice_attributes.h"

namespace weir::controlplane {

/// All agents of a shard together (RFC 8445 section 14.2 and appendix B.1). An agent has one turn at a time and asks
/// for the next when it is over: so they come round, whichever is looked at first. A turn that is not used, because its
/// agent ended, is lost.
class IcePacer {
 public:
  static constexpr std::uint64_t kApartNs = 5'000'000;
  /// When the caller may send a new check: behind all who asked before.
  std::uint64_t turn(std::uint64_t now_ns);

 private:
  std::uint64_t next_ns_ = 0;
};

struct IceAgentTerms {
  proto::IceRole role = proto::IceRole::kControlled;
  std::uint64_t tie_breaker = 0;
  sip::IceCredentials ours;
  sip::IceCredentials theirs;
  std::vector<sip::IceCandidate> locals;  ///< of the components that there are
};

/// A check that weir-media has answered.
struct IceHeard {
  std::uint8_t local = 0;  ///< place in the terms
  proto::Endpoint source;
  std::uint32_t priority = 0;
  bool nominates = false;   ///< it chooses the pair
  std::uint32_t bytes = 0;  ///< it brought beyond those of its answer; 0: they were counted already
};

/// What media of a component goes over.
struct IceRoute {
  std::uint8_t local = 0;  ///< place in the terms
  proto::Endpoint remote;

  friend bool operator==(const IceRoute&, const IceRoute&) = default;
};

class IceAgent {
 public:
  static constexpr std::uint64_t kTaNs = 50'000'000;
  static constexpr std::uint64_t kRtoNsMin = 500'000'000;
  static constexpr std::uint8_t kSentMax = 7;     ///< Rc (RFC 8489 section 6.2.1)
  static constexpr std::uint64_t kLastWait = 16;  ///< Rm, in RTOs
  /// Controlling: so long a pair that works waits for a better one.
  static constexpr std::uint64_t kPatienceNs = 200'000'000;
  static constexpr std::uint64_t kConsentNs = 30'000'000'000;  ///< RFC 7675 section 5.1
  static constexpr std::uint64_t kConsentEveryNs = 5'000'000'000;
  static constexpr std::size_t kComponents = 2;
  /// So often one place may want the other role: twice is what two agents that learn of each other need at most.
  static constexpr std::uint8_t kConflictsMax = 4;
  /// So many for the first of a place that has not shown itself.
  static constexpr std::uint8_t kOwedChecks = 2;

  /// Sends a datagram from the candidate of ours at `local` to `remote`.
  using Send = std::function<void(std::uint8_t local, const proto::Endpoint& remote, proto::Bytes datagram)>;

  explicit IceAgent(IceAgentTerms terms);

  [[nodiscard]] const IceAgentTerms& terms() const { return terms_; }
  [[nodiscard]] proto::IceRole role() const { return terms_.role; }
  void set_role(proto::IceRole role) { terms_.role = role; }

  /// Candidates of a description of so many bytes, or that came after it.
  void add_remote(const std::vector<sip::IceCandidate>& candidates, std::size_t description_bytes);
  void on_checked(const IceHeard& check, std::uint64_t now_ns);
  /// A datagram that looks like a response. False: it answers no check of this agent, or is not the peer's.
  bool on_response(std::uint8_t local, const proto::Endpoint& source, proto::Bytes datagram, std::uint64_t now_ns);
  /// Sends what is due. True: there is more to come before consent is asked for again.
  bool advance(std::uint64_t now_ns, IcePacer& pacer, const Send& send);

  /// A pair that was selected by an earlier weir-control.
  void adopt(std::uint8_t component, const IceRoute& route, std::uint64_t now_ns);

  /// Where media of a component may go: over the selected pair, before there is one over the best that works (RFC 8445
  /// section 12.1.1).
  [[nodiscard]] std::optional<IceRoute> route(std::uint8_t component) const;
  /// Every component has its pair.
  [[nodiscard]] bool completed() const;
  /// The peer has not said for kConsentNs that it wants what is sent over a selected pair.
  [[nodiscard]] bool consent_lost(std::uint64_t now_ns) const;
  /// Bytes of UDP and IP that may still go to places which have not shown themselves.
  [[nodiscard]] std::size_t bytes_left() const { return bytes_left_; }

 private:
  struct Consent {
    std::optional<IceRoute> selected;
    StunTransaction transaction{};
    std::uint64_t due_ns = 0;
    std::uint64_t until_ns = 0;
  };

  void credit(IcePair& pair, std::uint32_t bytes, std::uint64_t now_ns);
  bool pays(IcePair& pair, std::size_t bytes);
  void check_next(std::uint64_t now_ns, IcePacer& pacer, const Send& send);
  void begin_check(IcePair& pair, std::uint64_t now_ns);
  bool transmit(IcePair& pair, std::uint64_t now_ns, const Send& send);
  void repeat_checks(std::uint64_t now_ns, const Send& send);
  void nominate_when_due(std::uint64_t now_ns);
  void ask_for_consent(std::uint64_t now_ns, const Send& send);
  void select(const IcePair& pair, std::uint64_t now_ns);
  void on_success(IcePair& pair, std::uint64_t now_ns);
  void on_error(IcePair& pair, std::uint16_t error);
  void fail(IcePair& pair) const;
  bool take_consent(std::uint8_t local, const proto::Endpoint& source, const StunTransaction& transaction,
                    proto::Bytes datagram, std::uint64_t now_ns);
  [[nodiscard]] const IcePair* best_working(std::uint8_t component) const;
  [[nodiscard]] bool waits_for_better(const IcePair& pair) const;
  [[nodiscard]] StunCheck check_from(std::uint8_t local) const;
  [[nodiscard]] Consent& consent(std::uint8_t component) { return consents_[component - 1u]; }
  [[nodiscard]] const Consent& consent(std::uint8_t component) const { return consents_[component - 1u]; }
  [[nodiscard]] bool has_component(std::uint8_t component) const;

  IceAgentTerms terms_;
  IceCheckList list_;
  std::array<Consent, kComponents> consents_;
  std::array<std::uint64_t, kComponents> works_ns_{};  ///< since when a pair of it works; 0: none does
  std::uint64_t next_check_ns_ = 0;
  std::optional<std::uint64_t> turn_ns_;  ///< the pacer's
  std::size_t bytes_left_ = 0;
};

}  // namespace weir::controlplane
