// Trunks: groups of targets that stand for one far side: who of them is up, in which order they are tried, who of them
// knows our password. RFC 2782 (priority, weight), RFC 3261 sections 8.1.3.5, 21.5.4 and 22 (503, digest client).
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

#include "controlplane/call_slot.h"
#include "controlplane/destination.h"
#include "controlplane/path.h"
#include "controlplane/requester.h"
#include "proto/result.h"
#include "proto/settings/settings.h"
#include "sip/transaction_layer.h"

namespace weir::controlplane {

/// One shard's. Time comes in as now_ns, CLOCK_MONOTONIC, with on_tick.
class Trunks : private Requester {
 public:
  // For policy.
  /// The members of a trunk in the order to be tried, each with `user` (escaped as in a SIP URI) as its user: by
  /// priority, by weight and chance among equals, without those that are down; all of them if all are down, unless the
  /// trunk refuses then. 503: down, or at its limit of calls. 500: there is no such trunk.
  std::variant<std::vector<Target>, Refusal> targets(std::string_view trunk, std::string_view user);

  // For calls. A member that a reload has removed is nobody: nothing happens, nothing is given.
  /// A call to this member begins; it lasts as long as the slot.
  [[nodiscard]] CallSlot begin_call(TrunkMember member);
  /// A response of the member's: a 503 counts as a failure, and keeps it down for as long as its Retry-After says.
  void report(TrunkMember member, const sip::Message& response);
  /// No response came, or the request could not be sent.
  void report(TrunkMember member, sip::TransactionFailure failure);
  /// The request again with credentials, its CSeq one higher; the caller gives it a fresh branch. `request` is what was
  /// sent to that member, `challenge` its 401 or 407. nullopt: the trunk has no credentials, or none for the realm that
  /// asks, or they were refused just now, or the challenge is of no kind we know: nothing may be sent.
  [[nodiscard]] std::optional<sip::Message> authorise(TrunkMember member, const sip::Message& request,
                                                      const sip::Message& challenge);
};

}  // namespace weir::controlplane
