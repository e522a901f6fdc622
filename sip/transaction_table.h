// The transactions that are alive, found by id or by what identifies them in a message. RFC 3261
// sections 17.1.3, 17.2.3 and 8.2.2.2.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "proto/sip_hash.h"
#include "sip/accept_retransmitter.h"
#include "sip/client_invite_transaction.h"
#include "sip/client_transaction.h"
#include "sip/hop.h"
#include "sip/message.h"
#include "sip/server_invite_transaction.h"
#include "sip/server_transaction.h"

namespace weir::sip {

/// Names one transaction for as long as it lives, and nothing afterwards. A value.
struct TransactionId {
  static constexpr std::uint32_t kNoIndex = UINT32_MAX;
  std::uint32_t index = kNoIndex;
  std::uint32_t generation = 0;
  [[nodiscard]] bool valid() const { return index != kNoIndex; }
  auto operator<=>(const TransactionId&) const = default;
};

/// Ids are ours, so nothing need be hidden: no two that are alive have one index.
struct TransactionIdHash {
  std::size_t operator()(const TransactionId& id) const { return id.index; }
};

// Keys. Equal exactly for messages of one transaction; the kinds never collide.
/// sections 17.1.3 and 17.2.3: branch, sent-by and method. A response carries our own Via back, so the key of the
/// request we sent is the key of its responses. `method` is that of the transaction: INVITE for ACK, and for the INVITE
/// that a CANCEL means.
std::string client_key(const Via& via, std::string_view method);
/// Of a request whose top Via, `via`, has an RFC 3261 branch.
std::string server_key(const Via& via, std::string_view method);
/// `via` is the request's top one. Without an RFC 3261 branch (RFC 2543 clients, and a branch of the cookie alone) it
/// is top Via, Request-URI, From tag, Call-ID and CSeq number that tell transactions apart. The To tag is not among
/// them: requests in and outside a dialog differ in their CSeq, and an ACK's has to find its INVITE.
std::string server_key(const Message& request, const Via& via, std::string_view method);
/// section 8.2.2.2: From tag, Call-ID and CSeq of a request without To tag, whatever way it came.
std::string merge_key(const Message& request);

/// How many forks of one INVITE have their ACK kept; beyond it the user sees each repeated 2xx.
inline constexpr std::size_t kSentAcksMax = 16;

/// The ACK for one 2xx, kept for when that 2xx is repeated.
struct SentAck {
  std::string to_tag;
  std::string bytes;
  Hop hop;
};

/// The rows of timer slots a transaction has: at most one timer of each is running.
enum class TimerRow : std::uint8_t { kRepeat, kLifetime, kFailure };
inline constexpr std::size_t kTimerRows = 3;

/// How far the cancelling of a client INVITE has come.
enum class Cancelling : std::uint8_t { kNo, kWanted, kSent };

/// One transaction: its machine and what the machine's actions need. The layer owns and changes it.
struct Transaction {
  using Machine = std::variant<ClientInviteTransaction, ClientTransaction, ServerInviteTransaction, ServerTransaction>;

  Transaction(TransactionId transaction_id, Machine first_machine, const TimerSettings& settings)
      : id(transaction_id), machine(std::move(first_machine)), accept(settings) {}

  TransactionId id;
  Machine machine;
  Hop hop;                                 ///< where its messages go
  std::shared_ptr<const Message> request;  ///< server: until the final response
  std::string bytes;          ///< client: the request; server: the latest response; empty once it is not sent again
  bool known_to_user = true;  ///< false: a CANCEL, which the layer keeps to itself
  std::array<Timer, kTimerRows> running{};

  // Client INVITE.
  std::string ack_bytes;  ///< for a 300..699
  std::vector<SentAck> acks;
  Cancelling cancelling = Cancelling::kNo;
  std::string cancel_reason;  ///< of its CANCEL: RFC 3326; empty: none

  // Server INVITE.
  AcceptRetransmitter accept;
  proto::IpAddress source;  ///< who may cancel it
  std::string to_tag;       ///< of the latest response

  // The table's.
  const std::string* key = nullptr;    ///< in its index
  const std::string* merge = nullptr;  ///< likewise; null: none
};

class TransactionTable {
 public:
  /// `key`: a secret, so that no choice of the peers', whose the keys are, makes the table slow.
  explicit TransactionTable(const proto::SipHashKey& key) : by_key_(kBucketsFirst, proto::KeyedHash{key}) {}

  /// A new transaction under `key`; null if the key is taken. The reference is good until it is erased.
  Transaction* insert(std::string key, Transaction::Machine machine, const TimerSettings& settings);
  /// Makes `transaction` what find() gives for `merge_key` too, unless that is taken.
  void add_merge_key(Transaction& transaction, std::string merge_key);
  void remove_merge_key(Transaction& transaction);
  void erase(Transaction& transaction);

  [[nodiscard]] Transaction* find(TransactionId id);
  [[nodiscard]] const Transaction* find(TransactionId id) const;
  [[nodiscard]] Transaction* find(std::string_view key);
  /// By its place alone; it must be alive.
  [[nodiscard]] Transaction& at(std::uint32_t index);
  [[nodiscard]] std::size_t size() const { return by_key_.size() - merge_keys_; }

  template <typename Visit>
  void for_each(Visit visit) {
    for (Place& place : places_) {
      if (place.transaction) {
        visit(*place.transaction);
      }
    }
  }

 private:
  struct Place {
    std::uint32_t generation = 0;
    std::unique_ptr<Transaction> transaction;
  };

  static constexpr std::size_t kBucketsFirst = 4096;

  std::unordered_map<std::string, std::uint32_t, proto::KeyedHash, std::equal_to<>> by_key_;
  std::size_t merge_keys_ = 0;
  std::vector<Place> places_;
  std::vector<std::uint32_t> free_;
};

}  // namespace weir::sip
