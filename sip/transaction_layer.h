// The transaction layer: matches messages to transactions, owns the machines and one timer queue in virtual time.
// RFC 3261 section 17 with RFC 6026; CANCEL section 9; 2xx retransmission sections 13.2.2.4 and 13.3.1.4.
//
// Sans-I/O: time comes in as now_ns (monotonic), messages come in parsed and go out as bytes. Single-threaded: one
// layer per shard. The transaction user is called only from on_message, on_timer and on_transport_error, never from
// within a call it makes itself; within a callback it may call anything but those three.
//
// The layer relieves its user of: retransmissions of either kind, ACK for 300..699, 100 Trying, answers to CANCEL,
// holding back a CANCEL until the first provisional response, repeating a 2xx until its ACK, repeating the ACK for a
// repeated 2xx, refusing requests beyond its bound or without an RFC 3261 branch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sip/hop.h"
#include "sip/message.h"
#include "sip/timer_queue.h"
#include "sip/timers.h"
#include "sip/transaction_table.h"

namespace weir::sip {

enum class TransactionFailure : std::uint8_t {
  kTimeout,         ///< client: no (final) response in time, act as on 408; server: no ACK for a 300..699
  kTransportError,  ///< could not be sent; client: act as on 503 (section 8.1.3.1)
  kAckMissing,      ///< server: no ACK for the 2xx within 64*T1: end the session with BYE (section 13.3.1.4)
};

/// What is to become of a new request.
enum class AdmissionVerdict : std::uint8_t {
  kAdmitted,
  kRefused,   ///< answered 503, without a transaction
  kIgnored,   ///< not answered at all
  kAnswered,  ///< the user has answered it already, with respond_statelessly
};

/// Headers to be added to a message, in order.
using HeaderList = std::vector<std::pair<HeaderId, std::string>>;

/// What the layer tells. Every message reference is good for the duration of the call.
class TransactionUser {
 public:
  virtual ~TransactionUser() = default;

  /// Asked of every new request but ACK and CANCEL before anything is kept of it; not asked of one that repeats a
  /// request whose transaction is alive.
  virtual AdmissionVerdict admit(const Message& /*request*/, const Hop& /*source*/) {
    return AdmissionVerdict::kAdmitted;
  }
  /// A new request, never ACK or CANCEL. Answer it with respond(), now or later, or drop it with abandon().
  virtual void on_request(TransactionId id, const Message& request, const Hop& source) = 0;
  /// The peer cancelled the INVITE of `id`, which has no final response yet. The CANCEL is answered already; answer the
  /// INVITE, with 487 unless a final response is at hand (section 9.2).
  virtual void on_cancel(TransactionId id, const Message& cancel) = 0;
  /// An ACK that belongs to no INVITE transaction of ours: it is for a 2xx, or stray. Find its dialog; if its INVITE is
  /// the one waiting, call acknowledged(). Repeated ACKs come again.
  virtual void on_ack(const Message& ack, const Hop& source) = 0;
  /// A response to a request of ours: provisional or final. For an INVITE several 2xx may come, one for each To tag a
  /// fork gave; call acknowledge() for each. A 2xx whose ACK was given to acknowledge() does not come again.
  virtual void on_response(TransactionId id, const Message& response, const Hop& source) = 0;
  /// See TransactionFailure. on_terminated follows at once but for a server INVITE that could not send: it lives on
  /// (RFC 6026 section 7.1) and may fail again; answer it again or abandon() it.
  virtual void on_failure(TransactionId id, TransactionFailure failure) = 0;
  /// The last word on `id`: it names nothing any more. Follows once for every id given out, except after abandon().
  virtual void on_terminated(TransactionId id) = 0;
};

/// How the layer sends.
class MessageSender {
 public:
  virtual ~MessageSender() = default;
  /// Sends or queues one message. False: it is certain now that it cannot be sent (no such connection, no route). What
  /// turns out later goes to on_transport_error. Must not call the layer.
  virtual bool send(const Hop& hop, std::string_view bytes) = 0;
};

/// Gives an unguessable token of at least 32 bits, for the tags of responses the layer makes itself (section 19.3).
using TokenSource = std::function<std::string()>;

struct TransactionOptions {
  TimerSettings timers;
  /// Beyond it new requests are answered 503 and send_request refuses. 64*T1 lets 32 s of finished transactions linger:
  /// 65,536 are 2,000 a second.
  std::size_t transactions_max = 65'536;
};

/// What the layer did by itself, in messages.
struct TransactionCounters {
  std::uint64_t requests_absorbed = 0;    ///< retransmitted requests and ACKs that reached no user
  std::uint64_t responses_absorbed = 0;   ///< repeated or late responses to a transaction that is still here
  std::uint64_t responses_unmatched = 0;  ///< to no transaction of ours, or not with exactly one Via: dropped
  std::uint64_t requests_refused = 0;     ///< answered 503: transactions_max reached, or the user does not admit it
  std::uint64_t requests_ignored = 0;     ///< not answered: the user said so
  std::uint64_t requests_unbranched = 0;  ///< without RFC 3261 branch: told apart as RFC 2543's are (section 17.2.3)
  std::uint64_t requests_merged = 0;      ///< answered 482: the same request by another way (section 8.2.2.2)
  std::uint64_t cancels_unmatched = 0;    ///< answered 481
  std::uint64_t retransmissions = 0;      ///< messages of ours sent again because a timer fired
  std::uint64_t timeouts = 0;
  std::uint64_t transport_errors = 0;
};

class TransactionLayer {
 public:
  /// `sender` and `user` outlive the layer; `tokens` is called here only.
  TransactionLayer(const TransactionOptions& options, MessageSender& sender, TransactionUser& user,
                   const TokenSource& tokens);
  TransactionLayer(const TransactionLayer&) = delete;
  TransactionLayer& operator=(const TransactionLayer&) = delete;

  // In.
  /// A message that parse_message accepted, its Via completed with set_source() if it is a request.
  void on_message(std::uint64_t now_ns, Message message, const Hop& source);
  /// Fires what is due. Call at next_deadline_ns() or later; what fires in the course of it may leave a deadline that
  /// is due again.
  void on_timer(std::uint64_t now_ns);
  /// When on_timer wants to be called; in the past if something is due already; nullopt if no timer runs.
  [[nodiscard]] std::optional<std::uint64_t> next_deadline_ns() const { return timers_.next_deadline_ns(); }
  /// Messages queued for `hop` were lost (connection refused, reset before they left).
  void on_transport_error(std::uint64_t now_ns, const Hop& hop);

  // Client side.
  /// Starts a transaction for any request but ACK and CANCEL and sends it to `hop`. Its top Via must carry our sent-by
  /// and a fresh branch with the cookie. nullopt: transactions_max reached, or the branch is in use.
  std::optional<TransactionId> send_request(std::uint64_t now_ns, Message request, const Hop& hop);
  /// Cancels an INVITE: the CANCEL goes out now, or with the first provisional response (section 9.1). A final response
  /// still comes to on_response, 487 or, if they crossed, a 2xx: acknowledge it and send BYE; if none comes within
  /// 64*T1, on_failure(kTimeout). `reason` is the CANCEL's Reason header (RFC 3326), empty for none; of several the
  /// first counts. False: `id` names no INVITE of ours that is still without final response.
  bool cancel(std::uint64_t now_ns, TransactionId id, std::string_view reason = {});
  /// Sends the ACK for a 2xx to `hop` (the dialog's next hop), and again each time that 2xx is repeated.
  /// False: `id` names no accepted INVITE of ours; nothing is sent.
  bool acknowledge(TransactionId id, const Message& ack, const Hop& hop);

  // Server side.
  /// Sends a response; make it with make_response or Dialog::make_response. A 2xx to INVITE is repeated until
  /// acknowledged() or 64*T1. False: `id` names no request that still waits for a response; nothing is sent.
  bool respond(std::uint64_t now_ns, TransactionId id, const Message& response);
  /// The ACK for the 2xx of `id` has come: stops repeating it. Harmless on any other id.
  void acknowledged(TransactionId id);
  /// Answers a request without a transaction: for what parse_message or admission refused. A 503 asks
  /// to wait a little (Retry-After). Silent for ACK.
  void respond_statelessly(const Message& request, const Hop& source, std::uint16_t status, std::string_view reason,
                           const HeaderList& headers = {});

  // Both.
  /// Forgets a transaction without a word to anyone.
  void abandon(TransactionId id);
  /// The user takes no more responses to an INVITE of ours that was accepted: what it would need of it goes, and the
  /// rest lingers. Harmless on any other id.
  void take_no_more(TransactionId id);
  /// The transaction's request; null if `id` names none. Until the final response only, but for an INVITE of ours that
  /// was accepted: there may be another 2xx to acknowledge.
  [[nodiscard]] std::shared_ptr<const Message> request(TransactionId id) const;
  /// A request of `method` whose top Via, with an RFC 3261 branch, is `via` repeats one whose transaction is alive.
  [[nodiscard]] bool is_repeated(const Via& via, std::string_view method) {
    return table_.find(server_key(via, method)) != nullptr;
  }
  /// Transactions alive, timers running: both are 0 once everything has ended.
  [[nodiscard]] std::size_t size() const { return table_.size(); }
  [[nodiscard]] std::size_t timer_count() const { return timers_.size(); }
  [[nodiscard]] const TransactionCounters& counters() const { return counters_; }

 private:
  using Now = std::uint64_t;

  // Messages in: one function for each way they go.
  void on_request(Now now_ns, Message message, const Hop& source);
  void on_ack(Now now_ns, const Via& via, const Message& ack, const Hop& source);
  void on_cancel(Now now_ns, const Via& via, const Message& cancel, const Hop& source);
  void on_new_request(Now now_ns, const Via& via, Message message, const Hop& source);
  void on_repeated_request(Now now_ns, Transaction& transaction);
  void on_response(Now now_ns, const Message& response, const Hop& source);
  [[nodiscard]] bool must_refuse(const Message& request, const Hop& source);
  [[nodiscard]] Transaction* cancelled_invite(const Via& via, const Message& cancel, const Hop& source);

  // What the machines ask for. A callback may end the transaction, so each of these may be its last.
  struct Incoming {
    const Message* message = nullptr;  ///< null: the event was none
    const Hop* source = nullptr;
  };
  void perform(Now now_ns, TransactionId id, const Actions& actions, Incoming incoming);
  void perform_one(Now now_ns, Transaction& transaction, const Action& action, Incoming incoming);
  void start_timer(Now now_ns, Transaction& transaction, TimerRow row, Timer timer, std::uint64_t duration_ns);
  void stop_timer(Transaction& transaction, TimerRow row);
  void send(Now now_ns, Transaction& transaction, const Hop& hop, std::string_view bytes);
  void send_trying(Now now_ns, Transaction& transaction);
  void send_ack(Now now_ns, Transaction& transaction, const Message& response);
  void send_cancel(Now now_ns, Transaction& invite);
  void pass_up(Now now_ns, Transaction& transaction, Incoming incoming);
  void tell(const Transaction& transaction, TransactionFailure failure);
  void fire(Now now_ns, TransactionId id, TimerRow row);
  static void slim(Transaction& client, std::uint16_t status);
  void erase(Transaction& transaction);
  [[nodiscard]] std::string tag_for(const Message& request) const;

  TransactionOptions options_;
  MessageSender& sender_;
  TransactionUser& user_;
  proto::SipHashKey secret_;  ///< makes tag_for unguessable, and the table's hashes
  TransactionCounters counters_;
  TransactionTable table_;
  TimerQueue timers_;
};

}  // namespace weir::sip
