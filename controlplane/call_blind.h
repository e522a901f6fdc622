// A blind transfer: whoever the Refer-To names is called, as the callee of a call is. RFC 3515, RFC 3892 (Referred-By).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/call_transfer.h"
#include "controlplane/invitation.h"

namespace weir::controlplane {

class BlindTransfer final : public Transfer, private Inviter {
 public:
  struct Terms {
    Destination destination;
    std::string referred_by;  ///< Referred-By as it may be shown to the target; empty: none
    CallSlot slot;            ///< the new party's place in its realm
  };

  BlindTransfer(Call& call, const Referral& referral, Terms terms, std::unique_ptr<Leg> referrer);

  [[nodiscard]] Leg* fork(const sip::DialogId& dialog) override { return invitation_.fork(dialog); }
  void add_forks(std::vector<const Leg*>& legs) const override { invitation_.add_forks(legs); }

 private:
  // Transfer
  void ask() override { invitation_.start(); }
  void call_off(const EndCause& cause) override { invitation_.cancel(cause); }
  [[nodiscard]] bool quiet() const override { return invitation_.over(); }

  // Inviter
  std::optional<EndCause> prepare(const Path& way) override;
  sip::Message make_invite(const Leg& leg, const Target& target) override;
  void on_progress(Leg* fork, const sip::Message& response) override;
  void on_answered(std::unique_ptr<Leg> leg, const sip::Message& response) override;
  void on_refused(const EndCause& cause, const sip::Message* response) override;

  Terms terms_;
  Invitation invitation_;
  sip::LocalSession session_;  ///< what the target is offered
  Boxed<sip::SessionDescription> offered_;
};

}  // namespace weir::controlplane
