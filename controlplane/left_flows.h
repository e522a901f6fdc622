// Flows that are gone and may come again: whose a connection was that has ended, for who registers anew. RFC 5626.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "sip/hop.h"

namespace weir::controlplane {

/// One flow of RFC 5626: the instance and the reg-id are as its REGISTER says them.
struct FlowName {
  std::string realm;
  std::string user;
  std::string instance;
  std::uint32_t reg_id = 0;
  auto operator<=>(const FlowName&) const = default;
};

class LeftFlows {
 public:
  /// In all, at some half a kilobyte; beyond that who would be forgotten first is forgotten at once.
  static constexpr std::size_t kFlowsMax = 20'000;

  /// The flow was `hop` until now, and is known until `expires_ns`.
  void add(const FlowName& flow, const sip::Hop& hop, std::uint64_t expires_ns);
  /// What add() was told, and it is told no more; nullopt: nothing.
  std::optional<sip::Hop> take(const FlowName& flow);
  void expire(std::uint64_t now_ns);
  [[nodiscard]] std::size_t size() const { return by_name_.size(); }

 private:
  struct Left {
    sip::Hop hop;
    std::uint64_t expires_ns;
  };
  void forget_first();

  std::map<FlowName, Left> by_name_;
  std::set<std::pair<std::uint64_t, FlowName>> by_expiry_;
};

}  // namespace weir::controlplane
