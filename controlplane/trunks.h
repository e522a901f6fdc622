// Trunks: groups of targets that stand for one far side: who of them is up, in which order they are tried, who of them
// is shown our password. RFC 3261 sections 8.1.3.1, 21.5.4 and 22; OPTIONS as a check, section 11.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controlplane/admission.h"
#include "controlplane/call_slot.h"
#include "controlplane/destination.h"
#include "controlplane/digest_client.h"
#include "controlplane/member_health.h"
#include "controlplane/path.h"
#include "controlplane/requester.h"
#include "controlplane/trunk_order.h"
#include "proto/result.h"
#include "proto/settings/settings.h"
#include "sip/transaction_layer.h"

namespace weir::controlplane {

/// What trunks need of the rest of the shard. All of it outlives them.
struct TrunkPorts {
  PathFinder& paths;
  /// CallControl::request and disown.
  std::function<std::optional<sip::TransactionId>(Requester&, sip::Message, const sip::Hop&)> send;
  std::function<void(sip::TransactionId)> disown;
  const sip::TokenSource& tokens;
  Chance chance;
};

/// One trunk of the configuration, checked and ready to be used.
struct TrunkPlan {
  proto::settings::TrunkSettings settings;
  std::uint32_t realm = 0;        ///< index in Settings::realms
  std::vector<sip::Uri> targets;  ///< parallel to settings.targets
  std::optional<DigestAccount> account;
};

/// Reads what the settings only name. Errors: a URI that is none, a password file that cannot be read; with the
/// trunk's name. Blocks on files.
proto::Result<std::vector<TrunkPlan>> plan_trunks(const proto::settings::Settings& settings);

/// One shard's. Time comes in as now_ns, CLOCK_MONOTONIC, with on_tick; between two ticks it stands still.
class Trunks : private Requester {
 public:
  explicit Trunks(TrunkPorts ports);
  Trunks(const Trunks&) = delete;
  Trunks& operator=(const Trunks&) = delete;
  ~Trunks() override;

  /// Takes these trunks instead of those there are. Members that stay (same trunk, same URI) keep their number, state
  /// and calls.
  void set(std::vector<TrunkPlan> plans);

  /// Sends the checks that are due, and gives up those that nobody answers.
  void on_tick(std::uint64_t now_ns);

  // For policy.
  /// The members of a trunk in the order to be tried, each with `user` (escaped as in a SIP URI) as its user: by
  /// priority, by weight and chance among equals, without those that are down; all of them if all are down, unless the
  /// trunk refuses then. 503: down, or, where a call is to be made, at its limit of calls. 500: there is no such trunk.
  std::variant<std::vector<Target>, Refusal> targets(std::string_view trunk, std::string_view user, bool is_call);

  // For calls. A member that a reload has removed is nobody: nothing happens, nothing is given.
  /// A call to this member begins; it lasts as long as the slot.
  [[nodiscard]] CallSlot begin_call(TrunkMember member);
  /// A response of the member's: a 503 counts as a failure, and keeps it aside for as long as its Retry-After says.
  void report(TrunkMember member, const sip::Message& response);
  /// No response came, or the request could not be sent.
  void report(TrunkMember member, sip::TransactionFailure failure);
  /// The request again with credentials, its CSeq one higher; the caller gives it a fresh branch. `request` is what was
  /// sent to that member, `challenge` its 401 or 407. nullopt: the trunk has no credentials, or the challenge is not
  /// one they are for (see DigestClient): nothing may be sent.
  [[nodiscard]] std::optional<sip::Message> authorise(TrunkMember member, const sip::Message& request,
                                                      const sip::Message& challenge);

  /// A member by what the configuration calls it, for a call of an earlier weir-control; nullopt: there is none now.
  [[nodiscard]] std::optional<TrunkMember> find(std::string_view trunk, std::string_view target) const;
  /// The other way round: its trunk and its target. Empty: it is gone.
  [[nodiscard]] std::pair<std::string, std::string> names_of(TrunkMember member) const;

  // For people.
  /// An array with a row for each member: trunk, target, state and for how long, last answer, calls.
  [[nodiscard]] boost::json::value view(std::uint64_t now_ns) const;

 private:
  struct Trunk;
  struct Member;

  // Requester: checks.
  void on_response(sip::TransactionId id, const sip::Message& response) override;
  void on_failure(sip::TransactionId id, sip::TransactionFailure failure) override;

  using Members = std::map<std::uint64_t, std::unique_ptr<Member>>;  ///< by TrunkMember::number

  Member& take(Members& before, const TrunkPlan& plan, std::size_t target);
  Member* find(TrunkMember member);
  void check(Member& member);
  void ask_next(Member& member, std::string_view why);
  void forget_check(Member& member);
  void heard(Member& member, const sip::Message& response);
  void not_heard(Member& member, std::string_view why);
  template <typename Change>
  void change(Member& member, std::string_view why, Change make);

  TrunkPorts ports_;
  std::map<std::string, Trunk, std::less<>> trunks_;  ///< by name
  Members members_;
  std::map<sip::TransactionId, std::uint64_t> checks_;  ///< under way: whose they are
  std::uint64_t number_last_ = 0;
  std::uint64_t now_ns_ = 0;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< who locates for us may answer after we are gone
};

}  // namespace weir::controlplane
