// A delivery: a request of ours outside calls (MESSAGE, SUBSCRIBE) on its way to whoever shall have it. It goes to one
// target after the other, or to all at once; the first 2xx ends it. RFC 3261 sections 8.1.3 and 16.7, RFC 3263 section
// 4.3, RFC 4320.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "controlplane/alarms.h"
#include "controlplane/call_control.h"
#include "controlplane/destination.h"
#include "controlplane/end_cause.h"
#include "controlplane/requester.h"

namespace weir::controlplane {

/// What was accepted, by whom.
struct Delivered {
  const Path& way;
  std::optional<TrunkMember> member;
  const sip::Message& request;
  const sip::Message& response;  ///< the 2xx
};

/// Whoever has something delivered. Each but make_request is called once, as the last thing a delivery's function does.
class DeliveryOwner {
 public:
  virtual ~DeliveryOwner() = default;
  /// The request to `target` by this way, in its whole but for Route headers.
  virtual sip::Message make_request(const Path& way, const Target& target) = 0;
  virtual void on_delivered(const Delivered& delivered) = 0;
  /// Nobody is left to be asked, or nobody has answered in time. `response` is the one that decided; null: none did.
  virtual void on_undelivered(const EndCause& cause, const sip::Message* response) = 0;
};

/// Owned by its owner, who keeps it at least until it has called back.
class Delivery : public Requester {
 public:
  /// A target that keeps silent for so long loses its turn to the next one, if there is one. What it has been sent
  /// cannot be called back: of two that answer at last both have it.
  static constexpr std::uint64_t kSilenceNs = 4'000'000'000;
  /// Whoever asked waits for 64*T1, 32 s: later than this it need not be told (RFC 4320 section 3).
  static constexpr std::uint64_t kAnswerNs = 30'000'000'000;
  /// Targets asked at once; further ones are left out.
  static constexpr std::size_t kParallelMax = 16;

  /// `context`, `control` and `owner` outlive the delivery.
  Delivery(CallContext& context, CallControl& control, DeliveryOwner& owner, Destination destination);
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;
  ~Delivery() override;

  void start();
  [[nodiscard]] bool settled() const { return settled_; }
  /// The newest request that still waits for its final response; null: none does.
  [[nodiscard]] std::shared_ptr<const sip::Message> pending() const;
  [[nodiscard]] std::uint32_t to_realm() const { return destination_.to_realm; }

  // Requester
  void on_response(sip::TransactionId id, const sip::Message& response) override;
  void on_failure(sip::TransactionId id, sip::TransactionFailure failure) override;

 private:
  struct Sent {
    sip::TransactionId id;
    Path way;
  };
  /// One target: the ways to it, and the request that is on its way by one of them.
  struct Branch {
    Branch(Target one, Alarms& alarms) : target(std::move(one)), silence(alarms) {}
    Target target;
    std::vector<Path> ways;
    std::size_t way = 0;
    std::vector<Sent> sent;  ///< the last is the one that counts; of earlier ones a 2xx still may come
    Alarm silence;
    bool over = false;
  };
  struct Refused {
    EndCause cause;
    std::shared_ptr<const sip::Message> response;
  };

  void next_target();
  void locate(std::size_t index);
  void on_located(std::size_t index, std::vector<Path> ways);
  void send_by_way(std::size_t index);
  sip::Message make_request(const Branch& branch);
  bool send(std::size_t index, sip::Message request);
  void on_success(const Branch& branch, sip::TransactionId id, const sip::Message& response);
  bool try_again(std::size_t index, sip::TransactionId id, const sip::Message& response);
  [[nodiscard]] Trunks* trunk_of(const Branch& branch) const;
  void lose(std::size_t index, Refused refused);
  void give_up(std::size_t index, Refused refused);
  void note(Refused refused);
  void settle_when_over();
  void settle();
  [[nodiscard]] std::optional<std::size_t> branch_of(sip::TransactionId id) const;

  CallContext& context_;
  CallControl& control_;
  DeliveryOwner& owner_;
  Destination destination_;
  std::size_t next_ = 0;  ///< the target to be asked next
  std::vector<std::unique_ptr<Branch>> branches_;
  std::optional<Refused> best_;
  Alarm end_;
  bool settled_ = false;  ///< the owner has heard
  bool starting_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< what is located later asks whether we still are
};

}  // namespace weir::controlplane
