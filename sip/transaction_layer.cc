#include "sip/transaction_layer.h"

#include <utility>

#include "sip/hop_by_hop.h"
#include "sip/limits.h"
#include "sip/write.h"

namespace weir::sip {
namespace {

template <typename Machine>
Transaction::Machine machine(const TimerSettings& timers, const Hop& hop) {
  return Machine(timers, hop.reliability);
}

bool is_client(const Transaction& transaction) {
  return std::holds_alternative<ClientInviteTransaction>(transaction.machine) ||
         std::holds_alternative<ClientTransaction>(transaction.machine);
}

Actions start(Transaction::Machine& machine) {
  return std::visit([](auto& one) { return one.start(); }, machine);
}

}  // namespace

TransactionLayer::TransactionLayer(const TransactionOptions& options, MessageSender& sender, TransactionUser& user,
                                   const TokenSource& tokens)
    : options_(options), sender_(sender), user_(user), secret_(proto::make_sip_hash_key(tokens())), table_(secret_) {}

void TransactionLayer::on_message(std::uint64_t now_ns, Message message, const Hop& source) {
  if (message.is_request()) {
    on_request(now_ns, std::move(message), source);
  } else {
    on_response(now_ns, message, source);
  }
}

void TransactionLayer::on_request(Now now_ns, Message message, const Hop& source) {
  const auto via = message.top_via();
  if (!via) {
    return;  // parse_message lets none pass
  }
  counters_.requests_unbranched += via->has_branch_cookie() ? 0 : 1;
  if (message.method() == Method::kAck) {
    return on_ack(now_ns, *via, message, source);
  }
  if (Transaction* transaction = table_.find(server_key(message, *via, message.method_name()))) {
    return on_repeated_request(now_ns, *transaction);
  }
  if (must_refuse(message, source)) {
    return;
  }
  if (message.method() == Method::kCancel) {
    return on_cancel(now_ns, *via, message, source);
  }
  on_new_request(now_ns, *via, std::move(message), source);
}

bool TransactionLayer::must_refuse(const Message& request, const Hop& source) {
  const AdmissionVerdict admission =
      request.method() == Method::kCancel ? AdmissionVerdict::kAdmitted : user_.admit(request, source);
  if (admission == AdmissionVerdict::kAnswered) {
    return true;
  }
  if (admission == AdmissionVerdict::kIgnored) {
    ++counters_.requests_ignored;
    return true;
  }
  if (admission == AdmissionVerdict::kRefused || table_.size() >= options_.transactions_max) {
    ++counters_.requests_refused;
    respond_statelessly(request, source, 503, "");
    return true;
  }
  const bool merged =
      request.method() != Method::kCancel && request.to_tag().empty() && table_.find(merge_key(request)) != nullptr;
  if (merged) {
    ++counters_.requests_merged;
    respond_statelessly(request, source, 482, "");
  }
  return merged;
}

void TransactionLayer::on_new_request(Now now_ns, const Via& via, Message message, const Hop& source) {
  const auto request = std::make_shared<const Message>(std::move(message));
  const Hop hop = response_hop(*request, source);
  const bool is_invite = request->method() == Method::kInvite;
  Transaction& transaction = *table_.insert(server_key(*request, via, request->method_name()),
                                            is_invite ? machine<ServerInviteTransaction>(options_.timers, hop)
                                                      : machine<ServerTransaction>(options_.timers, hop),
                                            options_.timers);
  transaction.hop = hop;
  transaction.source = source.remote.address;
  transaction.request = request;
  if (request->to_tag().empty()) {
    table_.add_merge_key(transaction, merge_key(*request));
  }
  perform(now_ns, transaction.id, start(transaction.machine), {request.get(), &source});
}

void TransactionLayer::on_repeated_request(Now now_ns, Transaction& transaction) {
  ++counters_.requests_absorbed;
  if (auto* invite = std::get_if<ServerInviteTransaction>(&transaction.machine)) {
    perform(now_ns, transaction.id, invite->on_request(), {});
  } else if (auto* other = std::get_if<ServerTransaction>(&transaction.machine)) {
    perform(now_ns, transaction.id, other->on_request(), {});
  }
}

void TransactionLayer::on_ack(Now now_ns, const Via& via, const Message& ack, const Hop& source) {
  Transaction* transaction = table_.find(server_key(ack, via, to_string(Method::kInvite)));
  if (transaction == nullptr) {
    user_.on_ack(ack, source);
    return;
  }
  const Actions actions = std::get<ServerInviteTransaction>(transaction->machine).on_ack();
  if (!actions.has(ActionKind::kPassUp)) {
    ++counters_.requests_absorbed;
  }
  perform(now_ns, transaction->id, actions, {&ack, &source});
}

Transaction* TransactionLayer::cancelled_invite(const Via& via, const Message& cancel, const Hop& source) {
  Transaction* invite = table_.find(server_key(cancel, via, to_string(Method::kInvite)));
  // CANCEL cannot be challenged; what it can be held to is the address its INVITE came from (section 22.1).
  return invite != nullptr && invite->source == source.remote.address ? invite : nullptr;
}

void TransactionLayer::on_cancel(Now now_ns, const Via& via, const Message& cancel, const Hop& source) {
  const Transaction* invite = cancelled_invite(via, cancel, source);
  counters_.cancels_unmatched += invite == nullptr ? 1 : 0;
  // The To tag is that of the INVITE's responses, if it has one already (section 9.2).
  const std::string tag = invite != nullptr && !invite->to_tag.empty() ? invite->to_tag : tag_for(cancel);
  const Message answer = make_response(cancel, invite != nullptr ? 200 : 481, "", tag);

  const Hop hop = response_hop(cancel, source);
  Transaction& transaction = *table_.insert(server_key(cancel, via, to_string(Method::kCancel)),
                                            machine<ServerTransaction>(options_.timers, hop), options_.timers);
  transaction.hop = hop;
  transaction.known_to_user = false;
  perform(now_ns, transaction.id, start(transaction.machine), {});
  respond(now_ns, transaction.id, answer);

  if (invite != nullptr &&
      std::get<ServerInviteTransaction>(invite->machine).state() == ServerInviteTransaction::State::kProceeding) {
    user_.on_cancel(invite->id, cancel);
  }
}

void TransactionLayer::on_response(Now now_ns, const Message& response, const Hop& source) {
  const auto via = response.top_via();
  const auto cseq = response.cseq();
  Transaction* transaction = nullptr;
  // A second Via means that it was not for us (section 8.1.3.3).
  if (via && cseq && response.values(HeaderId::kVia).size() == 1) {
    transaction = table_.find(client_key(*via, cseq->method_name));
  }
  if (transaction == nullptr) {
    ++counters_.responses_unmatched;
    return;
  }
  const TransactionId id = transaction->id;
  auto* invite = std::get_if<ClientInviteTransaction>(&transaction->machine);
  const Actions actions = invite != nullptr
                              ? invite->on_response(response.status())
                              : std::get<ClientTransaction>(transaction->machine).on_response(response.status());
  if (!actions.has(ActionKind::kPassUp)) {
    ++counters_.responses_absorbed;
  }
  perform(now_ns, id, actions, {&response, &source});

  transaction = table_.find(id);
  if (transaction == nullptr) {
    return;
  }
  if (transaction->cancelling == Cancelling::kWanted) {
    (void)cancel(now_ns, id);
  }
  slim(*transaction, response.status());
}

/// What lingers for 32 s is many times what is under way: it keeps only what it may still send.
void TransactionLayer::slim(Transaction& client, std::uint16_t status) {
  if (status < 200) {
    return;
  }
  client.bytes = {};
  // By its state, not by this response: a refusal that comes behind a 2xx changes nothing, and its ACK is still to
  // come.
  const auto* invite = std::get_if<ClientInviteTransaction>(&client.machine);
  if (invite == nullptr || invite->state() == ClientInviteTransaction::State::kCompleted) {
    client.request.reset();
  }
}

void TransactionLayer::take_no_more(TransactionId id) {
  Transaction* transaction = table_.find(id);
  const auto* invite = transaction != nullptr ? std::get_if<ClientInviteTransaction>(&transaction->machine) : nullptr;
  if (invite != nullptr && invite->state() == ClientInviteTransaction::State::kAccepted) {
    transaction->request.reset();
  }
}

std::optional<TransactionId> TransactionLayer::send_request(std::uint64_t now_ns, Message request, const Hop& hop) {
  const auto via = request.top_via();
  if (!via || !via->has_branch_cookie() || table_.size() >= options_.transactions_max) {
    return std::nullopt;
  }
  const bool is_invite = request.method() == Method::kInvite;
  Transaction* transaction = table_.insert(client_key(*via, request.method_name()),
                                           is_invite ? machine<ClientInviteTransaction>(options_.timers, hop)
                                                     : machine<ClientTransaction>(options_.timers, hop),
                                           options_.timers);
  if (transaction == nullptr) {
    return std::nullopt;
  }
  transaction->hop = hop;
  transaction->bytes = write(request);
  transaction->request = std::make_shared<const Message>(std::move(request));
  perform(now_ns, transaction->id, start(transaction->machine), {});
  return transaction->id;
}

bool TransactionLayer::cancel(std::uint64_t now_ns, TransactionId id, std::string_view reason) {
  Transaction* transaction = table_.find(id);
  auto* invite = transaction != nullptr ? std::get_if<ClientInviteTransaction>(&transaction->machine) : nullptr;
  if (invite == nullptr) {
    return false;
  }
  if (transaction->cancelling == Cancelling::kNo) {
    transaction->cancel_reason = reason;
  }
  switch (invite->state()) {
    case ClientInviteTransaction::State::kCalling:
      transaction->cancelling = Cancelling::kWanted;
      return true;
    case ClientInviteTransaction::State::kProceeding:
      send_cancel(now_ns, *transaction);
      return true;
    case ClientInviteTransaction::State::kCompleted:
    case ClientInviteTransaction::State::kAccepted:
    case ClientInviteTransaction::State::kTerminated:
      transaction->cancelling = Cancelling::kNo;
      return false;
  }
  return false;
}

void TransactionLayer::send_cancel(Now now_ns, Transaction& invite) {
  if (invite.cancelling == Cancelling::kSent) {
    return;
  }
  invite.cancelling = Cancelling::kSent;
  auto& invite_machine = std::get<ClientInviteTransaction>(invite.machine);
  perform(now_ns, invite.id, invite_machine.on_cancel_sent(), {});

  // Beyond transactions_max if need be: at most one for each INVITE that is within it.
  Message request = make_cancel(*invite.request);
  if (!invite.cancel_reason.empty()) {
    request.add_header(HeaderId::kReason, invite.cancel_reason);
  }
  const auto via = request.top_via();
  Transaction* cancel = via ? table_.insert(client_key(*via, request.method_name()),
                                            machine<ClientTransaction>(options_.timers, invite.hop), options_.timers)
                            : nullptr;
  if (cancel != nullptr) {
    cancel->hop = invite.hop;
    cancel->known_to_user = false;
    cancel->bytes = write(request);
    perform(now_ns, cancel->id, start(cancel->machine), {});
  }
}

bool TransactionLayer::acknowledge(TransactionId id, const Message& ack, const Hop& hop) {
  Transaction* transaction = table_.find(id);
  const auto* invite = transaction != nullptr ? std::get_if<ClientInviteTransaction>(&transaction->machine) : nullptr;
  if (invite == nullptr || invite->state() != ClientInviteTransaction::State::kAccepted) {
    return false;
  }
  std::string bytes = write(ack);
  // A lost ACK makes the peer repeat its 2xx: a failure to send needs no other remedy.
  static_cast<void>(sender_.send(hop, bytes));
  const std::string_view to_tag = ack.to_tag();
  for (SentAck& sent : transaction->acks) {
    if (sent.to_tag == to_tag) {
      sent = {std::string(to_tag), std::move(bytes), hop};
      return true;
    }
  }
  if (transaction->acks.size() < kSentAcksMax) {
    transaction->acks.push_back({std::string(to_tag), std::move(bytes), hop});
  }
  return true;
}

bool TransactionLayer::respond(std::uint64_t now_ns, TransactionId id, const Message& response) {
  Transaction* transaction = table_.find(id);
  if (transaction == nullptr || is_client(*transaction)) {
    return false;
  }
  const std::uint16_t status = response.status();
  auto* invite = std::get_if<ServerInviteTransaction>(&transaction->machine);
  const Actions actions =
      invite != nullptr ? invite->respond(status) : std::get<ServerTransaction>(transaction->machine).respond(status);
  if (actions.empty()) {
    return false;
  }
  transaction->bytes = write(response);
  if (!response.to_tag().empty()) {
    transaction->to_tag = response.to_tag();
  }
  if (status >= 200) {
    transaction->request.reset();
  }
  if (status >= 300) {
    table_.remove_merge_key(*transaction);  // refused: it may be tried again by another way
  }
  perform(now_ns, id, actions, {});
  if (invite != nullptr && status / 100 == 2) {
    perform(now_ns, id, transaction->accept.start(), {});
  }
  return true;
}

void TransactionLayer::acknowledged(TransactionId id) {
  if (Transaction* transaction = table_.find(id)) {
    perform(0, id, transaction->accept.on_acknowledged(), {});
    const auto* invite = std::get_if<ServerInviteTransaction>(&transaction->machine);
    if (invite != nullptr && invite->state() == ServerInviteTransaction::State::kAccepted) {
      transaction->bytes = {};
    }
  }
}

std::shared_ptr<const Message> TransactionLayer::request(TransactionId id) const {
  const Transaction* transaction = table_.find(id);
  return transaction != nullptr ? transaction->request : nullptr;
}

void TransactionLayer::abandon(TransactionId id) {
  if (Transaction* transaction = table_.find(id)) {
    erase(*transaction);
  }
}

void TransactionLayer::respond_statelessly(const Message& request, const Hop& source, std::uint16_t status,
                                           std::string_view reason, const HeaderList& headers) {
  if (request.method() == Method::kAck || !request.is_request()) {
    return;
  }
  Message response = make_response(request, status, reason, tag_for(request));
  if (status == 503) {
    response.add_header(HeaderId::kRetryAfter, kRetryAfterSeconds);
  }
  for (const auto& [id, value] : headers) {
    response.add_header(id, value);
  }
  // No transaction, so nobody to tell: the peer asks again.
  static_cast<void>(sender_.send(response_hop(request, source), write(response)));
}

}  // namespace weir::sip
