// Requests of ours in a call's dialogs that are refused and worth sending again: a trunk asks for credentials (RFC 3261
// section 22.2), a party for a longer session interval (RFC 4028 section 7.3).
#include <algorithm>

#include "controlplane/call.h"
#include "controlplane/session_interval.h"
#include "controlplane/trunks.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;
using sip::Method;

/// The request goes out once more, and what waits for its answer waits for that one's. False: its refusal stands.
bool Call::try_again(sip::TransactionId id, const Message& response) {
  if (response.status() < 400) return false;
  if (exchange_ && exchange_->sent == id && exchange_->withdrawn) return false;
  Leg* const leg = leg_of(sip::dialog_id_of(response));
  const std::optional<sip::TransactionId> again = leg != nullptr ? send_again(*this, *leg, id, response) : std::nullopt;
  if (!again) return false;
  control_.disown(id);
  if (exchange_ && exchange_->sent == id) exchange_->sent = *again;
  if (refresh_ == id) refresh_ = *again;
  if (leg->bye == id) leg->bye = *again;
  if (leg->pictures && leg->pictures->info == id) leg->pictures->info = *again;
  for (Relay& relay : relays_) {
    if (relay.sent == id) relay.sent = *again;
  }
  std::replace(told_.begin(), told_.end(), id, *again);
  return true;
}

/// Credentials go to a trunk alone, and only where the challenge is of the domain that they are for: see
/// Trunks::authorise, which gives them once for each nonce.
std::optional<sip::TransactionId> Call::send_again(Requester& requester, Leg& leg, sip::TransactionId id,
                                                   const Message& response) {
  const std::shared_ptr<const Message> request = context_.transactions.request(id);
  if (request == nullptr) return std::nullopt;
  std::optional<Message> changed;
  switch (response.status()) {
    case 401:
    case 407:
      if (context_.trunks == nullptr || !leg.member) return std::nullopt;
      changed = context_.trunks->authorise(*leg.member, *request, response);
      break;
    case 422:
      if (leg.session_raises == kSessionRaisesMax) return std::nullopt;
      changed = with_longer_interval(*request, response);
      if (!changed) return std::nullopt;
      ++leg.session_raises;
      leg.session_min_s = changed->number(HeaderId::kMinSe).value_or(0);
      break;
    default:
      break;
  }
  if (!changed) return std::nullopt;
  const std::uint32_t cseq = request->cseq()->number;
  const Message next = leg.dialog->make_request(request->method(), leg.make_via(context_.tokens));
  Message again = *std::move(changed);
  again.set_top_via(*next.top_via());
  again.set_header(HeaderId::kCSeq, *next.header(HeaderId::kCSeq));
  if (again.method() == Method::kRefer) {  // its number is the name of the subscription (RFC 3515 section 2.4.6)
    for (PassedRefer& refer : passed_refers_) {
      if (refer.our_cseq == cseq) refer.our_cseq = leg.dialog->local_cseq();
    }
  }
  log_sip(leg.side(), leg.path(), "out", again);
  return control_.request(requester, std::move(again), leg.dialog_hop(context_.paths));
}

}  // namespace weir::controlplane
