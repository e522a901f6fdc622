// A subscription outside calls that goes on to another realm: a dialog of ours with whoever subscribes, and one with
// whoever notifies. RFC 6665; the two know nothing of each other's dialog.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/alarms.h"
#include "controlplane/call_slot.h"
#include "controlplane/delivery.h"
#include "controlplane/leg.h"
#include "controlplane/outside_request.h"
#include "controlplane/source.h"
#include "sip/event.h"

namespace weir::controlplane {

class OutsideRequests;

/// Its places among those that limits allow at once.
struct SubscriptionSlots {
  CallSlot realm;
  CallSlot source;
};

/// Owned by OutsideRequests, which keeps it until over().
class Subscription : private DeliveryOwner, private Requester {
 public:
  /// Requests on their way from one side to the other; whoever sends one more is told to come back.
  static constexpr std::size_t kRelaysMax = 8;
  /// After its time: the last NOTIFY and its repetitions, 64*T1.
  static constexpr std::uint64_t kGraceNs = 32'000'000'000;

  /// `context`, `control` and `home` outlive it. `dialog` is the one that `request` makes.
  Subscription(CallContext& context, CallControl& control, OutsideRequests& home, std::uint64_t number,
               const OutsideRequest& request, sip::Dialog dialog, SubscriptionSlots slots, Destination destination);
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription() override;

  void start() { delivery_.start(); }
  /// A request whose Call-ID and To tag are those of one of the two dialogs.
  void on_request(const OutsideRequest& request);
  /// Says goodbye to both sides (RFC 6665 section 4.1.3: "deactivated", they may subscribe again at once).
  void close();

  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] Source source() const { return source_of(near_.path().hop.remote.address); }
  [[nodiscard]] std::uint32_t realm() const { return near_.path().realm; }
  /// Nothing is left to be said or heard.
  [[nodiscard]] bool over() const { return ended_ && delivery_.settled() && relays_.empty(); }

 private:
  /// A request on its way to the other side.
  struct Passing {
    OutsideRequest asked;
    sip::TransactionId sent;
    bool last = false;  ///< a NOTIFY that ends it
  };

  // DeliveryOwner: the first SUBSCRIBE.
  sip::Message make_request(const Path& way, const Target& target) override;
  void on_delivered(const Delivered& delivered) override;
  void on_undelivered(const EndCause& cause, const sip::Message* response) override;
  // Requester: what follows.
  void on_response(sip::TransactionId id, const sip::Message& response) override;
  void on_failure(sip::TransactionId id, sip::TransactionFailure failure) override;

  void on_subscribe(const OutsideRequest& request);
  void on_notify(const OutsideRequest& request);
  [[nodiscard]] bool knows(const OutsideRequest& request) const;
  [[nodiscard]] std::optional<EndCause> take_order(Leg& from, const sip::Message& request);
  std::optional<EndCause> bind(const OutsideRequest& notify);
  /// `to`: whoever notifies, if that is known.
  void describe(const sip::Message& in, const Leg* to, sip::Message& out) const;
  void pass(const OutsideRequest& asked, Leg& to, sip::Message out, bool last);
  void on_subscribed(const OutsideRequest& asked, const sip::Message& response);
  void on_notified(const Passing& passing, std::uint16_t status);
  bool try_again(Passing& passing, const sip::Message& response);
  void refuse(const OutsideRequest& asked, std::uint16_t status, const sip::Message* response);
  void run(std::uint64_t seconds);
  void end();
  void bury_when_over();
  [[nodiscard]] const proto::settings::RealmSettings& realm_of(const Leg& leg) const;

  CallContext& context_;
  CallControl& control_;
  OutsideRequests& home_;
  std::uint64_t number_;
  OutsideRequest request_;  ///< the first; its message goes when it is answered
  sip::Event event_;
  Leg near_;             ///< whoever subscribes
  std::string call_id_;  ///< of the dialog with whoever notifies
  std::string from_tag_;
  std::unique_ptr<Leg> far_;  ///< whoever notifies; null until a NOTIFY or a 2xx says who
  SubscriptionSlots slots_;
  std::vector<Passing> relays_;
  Alarm expiry_;
  Delivery delivery_;
  bool ended_ = false;
};

}  // namespace weir::controlplane
