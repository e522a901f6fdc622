// Requests outside calls that go on to another realm: MESSAGE (RFC 3428) and SUBSCRIBE (RFC 6665), by the routes and
// under the header rules that INVITEs have, where the policy of the realm they come from lets them.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "controlplane/admission.h"
#include "controlplane/destination.h"
#include "controlplane/end_cause.h"
#include "controlplane/outside_request.h"
#include "controlplane/passed_message.h"
#include "controlplane/requester.h"
#include "controlplane/subscription.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

/// One shard's, owned by its call control.
class OutsideRequests : public RequestHandler {
 public:
  /// Both outlive it; `context.settings` may change, not the number of realms.
  OutsideRequests(CallContext& context, CallControl& control);
  OutsideRequests(const OutsideRequests&) = delete;
  OutsideRequests& operator=(const OutsideRequests&) = delete;
  ~OutsideRequests() override;

  // RequestHandler, of MESSAGE and SUBSCRIBE
  [[nodiscard]] bool serves(sip::Method method, std::uint32_t realm) const override;
  void on_request(sip::TransactionId id, const sip::Message& request, const Path& from) override;

  /// A request with a To tag that is in no call's dialog. False: in none of a subscription either; nothing was said.
  bool on_request_within(sip::TransactionId id, const sip::Message& request, const sip::Hop& source);
  /// Every subscription is told that it is over.
  void close_all();
  /// What is done with goes. Call it after each entry.
  void bury();
  [[nodiscard]] bool idle() const { return messages_.empty() && subscriptions_.empty(); }
  /// Of one realm, for people.
  [[nodiscard]] boost::json::object view(std::uint32_t realm) const;

  // From what it owns.
  /// It has nothing more to say.
  void bury_later(const PassedMessage& message) { dead_messages_.push_back(message.number()); }
  void bury_later(const Subscription& subscription) { dead_subscriptions_.push_back(subscription.number()); }
  /// A subscription's end of a dialog: both names are to be given back.
  void own(const std::string& call_id, const std::string& local_tag, Subscription& subscription);
  void disown(const std::string& call_id, const std::string& local_tag);

 private:
  struct Realm {
    RateLimit rate;
    Occupancy subscriptions_now = std::make_shared<std::uint32_t>(0);
    std::uint64_t messages = 0;
    std::uint64_t messages_refused = 0;
    std::uint64_t subscriptions = 0;
    std::uint64_t subscriptions_refused = 0;
  };
  using Sources = std::map<std::pair<std::uint32_t, Source>, Occupancy>;  ///< of a realm

  [[nodiscard]] std::variant<Destination, EndCause> route(const OutsideRequest& request);
  [[nodiscard]] std::optional<EndCause> pass_message(const OutsideRequest& request);
  [[nodiscard]] std::optional<EndCause> begin_subscription(const OutsideRequest& request);
  [[nodiscard]] std::optional<EndCause> check_body(const OutsideRequest& request) const;
  [[nodiscard]] std::optional<EndCause> check_event(const sip::Message& request, std::uint32_t realm) const;
  [[nodiscard]] std::optional<SubscriptionSlots> take_slots(const Path& from);
  void refuse(const OutsideRequest& request, const EndCause& cause);
  [[nodiscard]] const proto::settings::OutsidePolicy& policy_of(std::uint32_t realm) const;

  CallContext& context_;
  CallControl& control_;
  std::deque<Realm> realms_;  ///< parallel to the settings' realms
  Sources sources_;           ///< that have a subscription
  /// By Call-ID and local tag: the peer's tag is for the subscription to compare.
  std::map<std::pair<std::string, std::string>, Subscription*> by_dialog_;
  std::map<std::uint64_t, std::unique_ptr<PassedMessage>> messages_;      ///< by number
  std::map<std::uint64_t, std::unique_ptr<Subscription>> subscriptions_;  ///< likewise
  std::vector<std::uint64_t> dead_messages_;
  std::vector<std::uint64_t> dead_subscriptions_;
  std::uint64_t number_last_ = 0;
};

}  // namespace weir::controlplane
