// A transfer: one party of a call asks, with REFER, that somebody else take its place. Weir calls the target itself,
// with a negotiation of its own, tells the referrer how far it has come, and lets it go when the target has answered.
// RFC 3515 (REFER), RFC 4488 (norefersub), RFC 3891 and RFC 5589 (attended transfer).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "controlplane/call.h"
#include "controlplane/invitation.h"

namespace weir::controlplane {

/// Owned by its call, which is its friend and it the call's. The referrer's leg lives here from the REFER on; while the
/// target is called, the call has no leg on that side.
class Transfer : public Inviter {
 public:
  struct Terms {
    Side side;                     ///< whose party goes
    std::uint32_t refer_cseq = 0;  ///< the id of the subscription (RFC 3515 section 2.4.6)
    bool notifies = true;          ///< false: the referrer wants none (RFC 4488)
    std::string referred_by;       ///< Referred-By as it may be shown to the target; empty: none (RFC 3892)
    Destination destination;
    CallSlot slot;  ///< the new party's place in its realm
  };

  Transfer(Call& call, Terms terms, std::unique_ptr<Leg> referrer);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() override;

  /// Tells the referrer 100, and calls the target.
  void start();
  /// The call ends: the target is called off, the referrer hears that it came to nothing.
  void cancel(const EndCause& cause);
  /// The target rings for too long.
  void give_up();
  [[nodiscard]] std::uint64_t started_ns() const { return started_ns_; }
  /// The referrer has hung up: the transfer goes on without it.
  void forget_referrer() { subscribed_ = false; }

  [[nodiscard]] Side side() const { return terms_.side; }
  /// Null once the referrer's leg is back in the call.
  [[nodiscard]] const std::unique_ptr<Leg>& referrer() const { return referrer_; }
  [[nodiscard]] Invitation& invitation() { return invitation_; }
  /// The target has answered, or refused.
  [[nodiscard]] bool settled() const { return settled_; }
  /// Nothing more will be said on the wire.
  [[nodiscard]] bool over() const;

 private:
  // Inviter
  std::optional<EndCause> prepare(const Path& way) override;
  sip::Message make_invite(const Leg& leg, const Target& target) override;
  void on_progress(Leg* fork, const sip::Message& response) override;
  void on_answered(std::unique_ptr<Leg> leg, const sip::Message& response) override;
  void on_refused(const EndCause& cause, const sip::Message* response) override;

  void notify(std::uint16_t status, bool last);
  void give_back(const EndCause& cause);
  [[nodiscard]] Leg& remaining() const;

  Call& call_;
  Terms terms_;
  std::unique_ptr<Leg> referrer_;
  Invitation invitation_;
  sip::LocalSession session_;  ///< what the target is offered
  std::optional<sip::SessionDescription> offered_;
  std::uint64_t started_ns_;
  bool replaced_ = false;   ///< the stream's leg on our side is the target's already
  std::uint16_t told_ = 0;  ///< the last status that the referrer has heard
  bool subscribed_ = true;
  bool settled_ = false;
};

}  // namespace weir::controlplane
