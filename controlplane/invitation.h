// An invitation: our INVITEs on the way to whoever shall be one side of a call. It goes to one target after the other,
// or to all at once; each may fork; the first 2xx ends it. RFC 3261 sections 8.1.3, 13.2 and 16.7 (choice of response).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/alarms.h"
#include "controlplane/call_control.h"
#include "controlplane/call_slot.h"
#include "controlplane/destination.h"
#include "controlplane/end_cause.h"
#include "controlplane/leg.h"
#include "controlplane/requester.h"

namespace weir::controlplane {

/// Whoever invites. Each is called as the last thing an invitation's function does, but for prepare().
class Inviter {
 public:
  virtual ~Inviter() = default;
  /// An INVITE is about to leave by this way: make what its offer needs. A cause refuses the whole invitation.
  virtual std::optional<EndCause> prepare(const Path& way) = 0;
  /// The INVITE to `target` in its whole, but for Route headers. The leg is that of its branch; it has no dialog yet.
  virtual sip::Message make_invite(const Leg& leg, const Target& target) = 0;
  /// A 101..199. `fork` is the leg of its early dialog; null if it has no To tag. Reliable ones (RFC 3262) come in
  /// order and once, and are still to be acknowledged.
  virtual void on_progress(Leg* fork, const sip::Message& response) = 0;
  /// The first 2xx, still to be acknowledged with ACK. All other branches are being cancelled.
  virtual void on_answered(std::unique_ptr<Leg> leg, const sip::Message& response) = 0;
  /// Nobody is left to be asked. `response` is the one that decided, null if there was none.
  virtual void on_refused(const EndCause& cause, const sip::Message* response) = 0;
};

/// Owned by its call, which ends it with cancel() and keeps it until over().
class Invitation : public Requester {
 public:
  /// A target that keeps silent for so long loses its turn to the next one, if there is one.
  static constexpr std::uint64_t kSilenceNs = 4'000'000'000;
  /// Targets asked at once; further ones are left out.
  static constexpr std::size_t kParallelMax = 16;
  /// Early dialogs of one invitation; further forks are heard only when they answer.
  static constexpr std::size_t kForksMax = 16;

  /// `context`, `control` and `inviter` outlive the invitation.
  Invitation(CallContext& context, CallControl& control, Call& call, Inviter& inviter, Side side,
             Destination destination);
  Invitation(const Invitation&) = delete;
  Invitation& operator=(const Invitation&) = delete;
  ~Invitation() override;

  void start();
  [[nodiscard]] bool started() const { return !branches_.empty(); }
  /// Cancels every branch. A 2xx that crosses is acknowledged and left with BYE. The inviter hears no more.
  void cancel(const EndCause& cause);
  /// No branch waits for its final response: it may go, if other 2xx of an answered branch need no care any more.
  [[nodiscard]] bool over() const;
  [[nodiscard]] bool answered() const { return answered_; }
  /// Whether the INVITE that `answered` has answered is known to have forked: another party has its offer.
  [[nodiscard]] bool has_forked(const Leg& answered) const;

  /// The leg of an early dialog of ours; null if there is none.
  [[nodiscard]] Leg* fork(const sip::DialogId& dialog);
  /// Adds the legs of all early dialogs.
  void add_forks(std::vector<const Leg*>& legs) const;
  [[nodiscard]] const std::string& target_text() const { return target_text_; }
  /// Where it goes: whoever was asked, and those who are left.
  [[nodiscard]] const Destination& destination() const { return destination_; }

  // Requester
  void on_response(sip::TransactionId id, const sip::Message& response) override;
  void on_failure(sip::TransactionId id, sip::TransactionFailure failure) override;

 private:
  /// One target: the ways to it, and the INVITE that is on its way by one of them.
  struct Branch {
    explicit Branch(Target one, Alarms& alarms) : target(std::move(one)), silence(alarms) {}
    Target target;
    std::vector<Path> ways;
    std::size_t way = 0;
    std::vector<sip::TransactionId> sent;  ///< the last is the one that counts; of earlier ones a 2xx still may come
    std::vector<std::unique_ptr<Leg>> forks;
    Alarm silence;
    CallSlot slot;                    ///< of the trunk's member
    std::uint32_t session_min_s = 0;  ///< what its 422 has asked for
    std::size_t session_raises = 0;
    std::size_t parties = 0;  ///< that have spoken
    bool won = false;
    bool over = false;
  };
  /// A final response that may be the one to be told.
  struct Refused {
    EndCause cause;
    std::shared_ptr<const sip::Message> response;
  };

  void next_target();
  void locate(std::size_t branch);
  void on_located(std::size_t branch, std::vector<Path> ways);
  void send_by_way(std::size_t branch);
  sip::Message make_request(Branch& branch);
  bool send(Branch& branch, sip::Message request);
  void on_provisional(Branch& branch, const sip::Message& response);
  void on_success(Branch& branch, sip::TransactionId id, const sip::Message& response);
  void on_final(std::size_t branch, sip::TransactionId id, const sip::Message& response);
  bool try_again(Branch& branch, sip::TransactionId id, const sip::Message& response);
  std::optional<sip::Message> changed_for(Branch& branch, const sip::Message& request, const sip::Message& response);
  [[nodiscard]] Trunks* trunk_of(const Branch& branch) const;
  void report(const Branch& branch, const sip::Message& response);
  void lose(std::size_t branch, Refused refused);
  void give_up(std::size_t branch, Refused refused);
  void cancel_branch(Branch& branch, const EndCause& cause);
  void settle();
  void leave(Leg& leg, const EndCause& cause);
  Leg* fork_of(Branch& branch, const sip::Message& response);
  void number(Branch& branch, Leg& leg);
  std::unique_ptr<Leg> take_leg(Branch& branch, sip::TransactionId id, const sip::Message& response);
  void forget_forks(Branch& branch);
  std::optional<std::size_t> branch_of(sip::TransactionId id) const;

  CallContext& context_;
  CallControl& control_;
  Call& call_;
  Inviter& inviter_;
  Side side_;
  Destination destination_;
  std::size_t next_ = 0;  ///< the target to be asked next
  std::vector<std::unique_ptr<Branch>> branches_;
  std::vector<std::unique_ptr<Leg>> forgotten_;
  std::optional<Refused> best_;
  std::optional<EndCause> cancelled_;
  std::optional<sip::DialogId> winner_;
  std::string target_text_;
  std::uint64_t parties_ = 0;  ///< that have spoken
  bool answered_ = false;
  bool settled_ = false;  ///< the inviter has heard the end
  bool starting_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< what is located later asks whether we still are
};

}  // namespace weir::controlplane
