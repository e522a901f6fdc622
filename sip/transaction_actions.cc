// The half of the transaction layer that does what the machines ask for: sends, timers, and what the user is told.
#include <utility>

#include "sip/hop_by_hop.h"
#include "sip/transaction_layer.h"
#include "sip/write.h"

namespace weir::sip {
namespace {

/// A transaction repeats something with one timer and waits for its end with the other.
TimerRow row_of(Timer timer) {
  switch (timer) {
    case Timer::kA:
    case Timer::kE:
    case Timer::kG:
    case Timer::kTrying:
    case Timer::kAccept:
      return TimerRow::kRepeat;
    case Timer::kNone:
    case Timer::kB:
    case Timer::kD:
    case Timer::kF:
    case Timer::kH:
    case Timer::kI:
    case Timer::kJ:
    case Timer::kK:
    case Timer::kL:
    case Timer::kM:
    case Timer::kCancelled:
      return TimerRow::kLifetime;
  }
  return TimerRow::kLifetime;
}

TimerQueue::Slot slot_of(TransactionId id, TimerRow row) {
  return id.index * static_cast<TimerQueue::Slot>(kTimerRows) + static_cast<TimerQueue::Slot>(row);
}

}  // namespace

void TransactionLayer::perform(Now now_ns, TransactionId id, const Actions& actions, Incoming incoming) {
  for (const Action& action : actions) {
    Transaction* transaction = table_.find(id);
    if (transaction == nullptr) {
      return;  // abandoned in a callback
    }
    perform_one(now_ns, *transaction, action, incoming);
  }
}

void TransactionLayer::perform_one(Now now_ns, Transaction& transaction, const Action& action, Incoming incoming) {
  switch (action.kind) {
    case ActionKind::kSendRequest:
    case ActionKind::kSendResponse:
      return send(now_ns, transaction, transaction.hop, transaction.bytes);
    case ActionKind::kSendAck:
      return send_ack(now_ns, transaction, *incoming.message);
    case ActionKind::kSendTrying:
      return send_trying(now_ns, transaction);
    case ActionKind::kStart:
      return start_timer(now_ns, transaction, row_of(action.timer), action.timer, action.duration_ns);
    case ActionKind::kStop:
      if (transaction.running[static_cast<std::size_t>(row_of(action.timer))] == action.timer) {
        stop_timer(transaction, row_of(action.timer));
      }
      return;
    case ActionKind::kPassUp:
      return pass_up(now_ns, transaction, incoming);
    case ActionKind::kTellTimeout:
      ++counters_.timeouts;
      return tell(transaction, TransactionFailure::kTimeout);
    case ActionKind::kTellAckMissing:
      ++counters_.timeouts;
      return tell(transaction, TransactionFailure::kAckMissing);
    case ActionKind::kTellTransportError:
      return tell(transaction, TransactionFailure::kTransportError);
    case ActionKind::kTerminate: {
      const TransactionId id = transaction.id;
      const bool known = transaction.known_to_user;
      erase(transaction);
      if (known) {
        user_.on_terminated(id);
      }
      return;
    }
  }
}

void TransactionLayer::send(Now now_ns, Transaction& transaction, const Hop& hop, std::string_view bytes) {
  if (!sender_.send(hop, bytes)) {
    // Told at the next on_timer: the user is not called from within its own call.
    start_timer(now_ns, transaction, TimerRow::kFailure, Timer::kNone, 0);
  }
}

void TransactionLayer::send_trying(Now now_ns, Transaction& transaction) {
  if (transaction.request) {
    transaction.bytes = write(make_response(*transaction.request, 100, "", ""));
    send(now_ns, transaction, transaction.hop, transaction.bytes);
  }
}

void TransactionLayer::send_ack(Now now_ns, Transaction& transaction, const Message& response) {
  if (transaction.ack_bytes.empty()) {
    transaction.ack_bytes = write(make_ack(*transaction.request, response));
  }
  send(now_ns, transaction, transaction.hop, transaction.ack_bytes);
}

void TransactionLayer::pass_up(Now now_ns, Transaction& transaction, Incoming incoming) {
  if (!transaction.known_to_user) {
    return;
  }
  const Message& message = *incoming.message;
  if (message.is_request()) {
    return message.method() == Method::kAck ? user_.on_ack(message, *incoming.source)
                                            : user_.on_request(transaction.id, message, *incoming.source);
  }
  if (message.status() / 100 == 2) {
    for (const SentAck& sent : transaction.acks) {
      if (sent.to_tag == message.to_tag()) {
        ++counters_.responses_absorbed;
        ++counters_.retransmissions;
        return send(now_ns, transaction, sent.hop, sent.bytes);
      }
    }
  }
  user_.on_response(transaction.id, message, *incoming.source);
}

void TransactionLayer::tell(const Transaction& transaction, TransactionFailure failure) {
  if (transaction.known_to_user) {
    user_.on_failure(transaction.id, failure);
  }
}

void TransactionLayer::start_timer(Now now_ns, Transaction& transaction, TimerRow row, Timer timer,
                                   std::uint64_t duration_ns) {
  transaction.running[static_cast<std::size_t>(row)] = timer;
  timers_.set(slot_of(transaction.id, row), now_ns + duration_ns);
}

void TransactionLayer::stop_timer(Transaction& transaction, TimerRow row) {
  transaction.running[static_cast<std::size_t>(row)] = Timer::kNone;
  timers_.stop(slot_of(transaction.id, row));
}

void TransactionLayer::on_timer(std::uint64_t now_ns) {
  // No more than were running at the start: a user that starts a failing request in answer to each failure would
  // otherwise never let go.
  for (std::size_t left = timers_.size(); left > 0; --left) {
    const auto slot = timers_.pop_due(now_ns);
    if (!slot) {
      return;
    }
    const auto index = *slot / static_cast<TimerQueue::Slot>(kTimerRows);
    fire(now_ns, table_.at(index).id, static_cast<TimerRow>(*slot % kTimerRows));
  }
}

void TransactionLayer::fire(Now now_ns, TransactionId id, TimerRow row) {
  Transaction& transaction = table_.at(id.index);
  if (row == TimerRow::kFailure) {
    ++counters_.transport_errors;
    const Actions actions = std::visit([](auto& one) { return one.on_transport_error(); }, transaction.machine);
    return perform(now_ns, id, actions, {});
  }
  const Timer timer = std::exchange(transaction.running[static_cast<std::size_t>(row)], Timer::kNone);
  Actions actions = transaction.accept.on_timer(timer);
  counters_.retransmissions += actions.has(ActionKind::kSendResponse) ? 1 : 0;
  perform(now_ns, id, actions, {});
  if (table_.find(id) == nullptr) {
    return;
  }
  actions = std::visit([timer](auto& one) { return one.on_timer(timer); }, transaction.machine);
  counters_.retransmissions += actions.has(ActionKind::kSendRequest) || actions.has(ActionKind::kSendResponse) ? 1 : 0;
  perform(now_ns, id, actions, {});
}

void TransactionLayer::on_transport_error(std::uint64_t now_ns, const Hop& hop) {
  table_.for_each([&](Transaction& transaction) {
    if (transaction.hop == hop) {
      start_timer(now_ns, transaction, TimerRow::kFailure, Timer::kNone, 0);
    }
  });
}

void TransactionLayer::erase(Transaction& transaction) {
  stop_timer(transaction, TimerRow::kRepeat);
  stop_timer(transaction, TimerRow::kLifetime);
  stop_timer(transaction, TimerRow::kFailure);
  table_.erase(transaction);
}

/// The same for a request each time it comes, so that stateless answers to repeats are alike (RFC 3261 section 8.2.7).
std::string TransactionLayer::tag_for(const Message& request) const {
  const auto vias = request.values(HeaderId::kVia);
  std::string known(vias.empty() ? std::string_view{} : vias.front());
  known += '\n';
  known += request.call_id();
  const std::uint64_t hash = proto::sip_hash(secret_, known);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string tag;
  for (int shift = 60; shift >= 0; shift -= 4) {
    tag += kDigits[hash >> shift & 0xf];
  }
  return tag;
}

}  // namespace weir::sip
