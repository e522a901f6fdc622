// The location service: every binding by address of record, in memory, bounded. RFC 3261 section 10.3, steps 6 and 7.
// A binding that came over a WebSocket lives no longer than that (RFC 7118 section 5): no store keeps it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/binding.h"
#include "controlplane/left_flows.h"
#include "controlplane/register_request.h"

namespace weir::controlplane {

/// Hears of every change that is to outlive the process.
class BindingKeeper {
 public:
  virtual ~BindingKeeper() = default;
  virtual void keep(const BindingRecord& record) = 0;
  virtual void forget(std::uint64_t number) = 0;
};

/// How and when a REGISTER came.
struct Arrival {
  std::uint64_t now_ns;
  std::int64_t now_s;  ///< Unix time
  Path from;
  std::string realm;       ///< its name
  bool by_source = false;  ///< contacts whose address is not the sender's are called at the sender's
};

/// A registrar's and a user's name: an address of record.
using BindingOwner = std::pair<std::string, std::string>;

class Bindings {
 public:
  struct Limits {
    std::uint32_t per_user_max;
    std::uint32_t all_max;
  };
  /// `keeper` may be null.
  Bindings(Limits limits, BindingKeeper* keeper) : limits_(limits), keeper_(keeper) {}

  /// Who hears that a party has left the connection `gone` for `now`: the same binding has been registered anew by
  /// another, or of an instance's flows (RFC 5626) one is left.
  using Moved = std::function<void(const sip::Hop& gone, const sip::Hop& now)>;
  void on_moved(Moved moved) { moved_ = std::move(moved); }

  /// All of the request or nothing of it. Refused: 500, a CSeq not higher than that of a binding with its Call-ID; 403,
  /// too many contacts of this user; 503, too many bindings in all.
  std::optional<RegisterRefusal> apply(const RegisterRequest& request, const Arrival& arrival);
  /// One that the store had; dropped if it is beyond the limits.
  void restore(Binding binding);
  /// Removes those that came over a WebSocket that has ended; gives how many. Who they were is known for as long as
  /// they would have lasted: the same flow may come again.
  std::size_t forget_flow(std::uint64_t handle);
  /// The flows of RFC 5626 that are registered over this WebSocket.
  [[nodiscard]] std::vector<FlowName> flows_over(std::uint64_t handle) const;
  /// The flow was at `gone` in an earlier process: it may come again.
  void await(const FlowName& flow, const sip::Hop& gone, std::uint64_t expires_ns) {
    left_.add(flow, gone, expires_ns);
  }
  /// Removes what has expired.
  void expire(std::uint64_t now_ns);

  /// Null if there is none.
  [[nodiscard]] const std::vector<Binding>* find(const BindingOwner& owner) const;
  /// Null if there is none of that number.
  [[nodiscard]] const Binding* find(std::uint64_t number) const;
  [[nodiscard]] const std::map<BindingOwner, std::vector<Binding>>& all() const { return by_owner_; }
  [[nodiscard]] std::size_t size() const { return by_expiry_.size(); }

 private:
  using Expiry = std::pair<std::uint64_t, std::uint64_t>;  ///< when, and whose number

  [[nodiscard]] std::optional<RegisterRefusal> check(const RegisterRequest& request,
                                                     const std::vector<Binding>& now) const;
  void put(std::vector<Binding>& into, const ContactRequest& contact, const RegisterRequest& request,
           const Arrival& arrival);
  void remove(std::vector<Binding>& from, std::size_t index);
  void remove(const BindingOwner& owner, std::uint64_t number);
  void remove_indexes(const Binding& binding);
  void leave(const Binding& binding);
  void follow(const Binding& binding, const std::optional<sip::Hop>& before);
  void tell(const sip::Hop& gone, const sip::Hop& now) const;

  Limits limits_;
  BindingKeeper* keeper_;
  std::map<BindingOwner, std::vector<Binding>> by_owner_;
  std::map<Expiry, BindingOwner> by_expiry_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, BindingOwner> by_flow_;  ///< a WebSocket's handle and a number
  std::map<std::uint64_t, const BindingOwner*> by_number_;                   ///< keys of by_owner_
  LeftFlows left_;
  std::uint64_t number_last_ = 0;
  Moved moved_;
};

}  // namespace weir::controlplane
