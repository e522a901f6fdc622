// A transfer: one party of a call asks, with REFER, that somebody else take its place. Weir brings that one in itself,
// with a negotiation of its own, tells the referrer how far it has come, and lets it go when the new party is there.
// Here is what all transfers have in common. RFC 3515 (REFER), RFC 4488 (norefersub), RFC 5589 (transfers).
#pragma once

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "controlplane/call.h"

namespace weir::controlplane {

/// Owned by its call, which is its friend and it the call's. The referrer's leg lives here from the REFER on; until the
/// new party is there, the call has no leg on that side.
class Transfer {
 public:
  /// What the REFER says of itself.
  struct Referral {
    Side side;               ///< whose party goes
    std::uint32_t cseq = 0;  ///< the id of the subscription (RFC 3515 section 2.4.6)
    bool notifies = true;    ///< false: the referrer wants none (RFC 4488)
  };

  Transfer(Call& call, const Referral& referral, std::unique_ptr<Leg> referrer);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  virtual ~Transfer();

  /// Tells the referrer 100, and asks the new party.
  void start();
  /// The call ends: the new party is called off, the referrer hears that it came to nothing.
  void cancel(const EndCause& cause);
  /// The new party lets one wait for too long.
  void give_up();
  [[nodiscard]] std::uint64_t started_ns() const { return started_ns_; }
  /// The referrer has hung up: the transfer goes on without it.
  void forget_referrer() { subscribed_ = false; }

  [[nodiscard]] Side side() const { return referral_.side; }
  /// Null once the referrer's leg is back in the call.
  [[nodiscard]] const std::unique_ptr<Leg>& referrer() const { return referrer_; }
  /// The new party has come, or refused.
  [[nodiscard]] bool settled() const { return settled_; }
  /// Nothing more will be said on the wire.
  [[nodiscard]] bool over() const;

  /// The leg of an early dialog with the new party; null if there is none.
  [[nodiscard]] virtual Leg* fork(const sip::DialogId&) { return nullptr; }
  /// Adds the legs of all early dialogs.
  virtual void add_forks(std::vector<const Leg*>&) const {}

 protected:
  virtual void ask() = 0;
  /// Nobody wants the new party any more.
  virtual void call_off(const EndCause& cause) = 0;
  /// No answer of the new party is outstanding.
  [[nodiscard]] virtual bool quiet() const = 0;

  /// Ports and keys for the new party in the place of the referrer's, whose stream ends here: it has asked to go. What
  /// the new party is to be offered, or why there is nothing.
  std::variant<sip::RemoteOffer, EndCause> make_room(const MediaLegOptions& options);
  /// The leg in the referrer's place is the new party's, and media knows it.
  void succeed();
  /// There will be no new party.
  void fail(const EndCause& cause);
  /// The referrer hears this status.
  void notify(std::uint16_t status, bool last);
  [[nodiscard]] std::uint16_t told() const { return told_; }
  [[nodiscard]] Leg& remaining() const { return *call_.leg(opposite(side())); }
  void settle() { settled_ = true; }

  Call& call_;

 private:
  void give_back(const EndCause& cause);

  Referral referral_;
  std::unique_ptr<Leg> referrer_;
  std::uint64_t started_ns_;
  bool replaced_ = false;   ///< the stream's leg on our side is the new party's already
  std::uint16_t told_ = 0;  ///< the last status that the referrer has heard
  bool subscribed_;
  bool settled_ = false;
};

}  // namespace weir::controlplane
