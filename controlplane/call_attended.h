// An attended transfer: the referrer has talked to the new party already, in another call of ours, and asks that this
// one take its place. That party's leg comes over from the other call, with ports and keys of its own here; what is
// left of the other call ends. RFC 3891 (Replaces), RFC 5589 section 7 (transfer with consultation).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "controlplane/alarms.h"
#include "controlplane/call_transfer.h"

namespace weir::controlplane {

/// Claims the other call until it is over: neither party of that one may change its session meanwhile.
class AttendedTransfer final : public Transfer, public Requester {
 public:
  /// `other` is the call of the new party, `target` that party's side there. Nobody else claims it.
  AttendedTransfer(Call& call, const Referral& referral, std::unique_ptr<Leg> referrer, Call& other, Side target);
  ~AttendedTransfer() override;

  // From the other call.
  /// It ends: the new party has hung up, or nobody has a call with it any more.
  void on_other_ended(const EndCause& cause);
  /// It is no more.
  void forget_other();
  /// The referrer's part of it. It may hang up there at any time: it has said whom it wants in its place.
  [[nodiscard]] Side referrers_side() const { return opposite(target_); }

 private:
  // Transfer
  void ask() override;
  void call_off(const EndCause& cause) override;
  [[nodiscard]] bool quiet() const override { return !sent_.valid(); }

  // Requester
  void on_response(sip::TransactionId id, const sip::Message& response) override;
  void on_failure(sip::TransactionId id, sip::TransactionFailure failure) override;

  void send_offer();
  void on_refused(std::uint16_t status);
  void take_target(const sip::Message& response);
  void leave_target(std::uint16_t status);
  void restore(Call& other, std::uint16_t status);
  Call& release();
  [[nodiscard]] Leg& target() const { return *other_->leg(target_); }

  /// Offers that may cross with one of the new party's own: then ours is made again (RFC 3261 section 14.1).
  static constexpr std::uint32_t kOffersMax = 4;

  Call* other_;  ///< null once it is claimed no more
  Side target_;
  sip::TransactionId sent_;  ///< our re-INVITE to the new party
  Boxed<sip::SessionDescription> offered_;
  sip::LocalSession session_before_;  ///< the new party's, as the other call knows it
  std::uint32_t offers_left_ = kOffersMax;
  Alarm again_;
};

}  // namespace weir::controlplane
