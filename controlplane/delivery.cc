#include "controlplane/delivery.h"

#include <algorithm>
#include <utility>

#include "controlplane/failover.h"
#include "controlplane/leg.h"
#include "controlplane/sips_policy.h"
#include "controlplane/trunks.h"
#include "sip/limits.h"
#include "sip/status.h"
#include "sip/write.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;

Delivery::Delivery(CallContext& context, CallControl& control, DeliveryOwner& owner, Destination destination)
    : context_(context), control_(control), owner_(owner), destination_(std::move(destination)), end_(context.alarms) {
  if (destination_.targets.size() > kParallelMax) destination_.targets.resize(kParallelMax);
}

Delivery::~Delivery() {
  for (const auto& branch : branches_) {
    for (const Sent& sent : branch->sent) control_.disown(sent.id);
  }
}

void Delivery::start() {
  end_.set(control_.now_ns() + kAnswerNs, [this] { settle(); });
  starting_ = true;
  do {
    next_target();
  } while (destination_.parallel && next_ < destination_.targets.size());
  starting_ = false;
  settle_when_over();
}

void Delivery::next_target() {
  const std::size_t index = branches_.size();
  branches_.push_back(std::make_unique<Branch>(destination_.targets[next_++], context_.alarms));
  locate(index);
}

void Delivery::locate(std::size_t index) {
  Target& target = branches_[index]->target;
  if (destination_.sips) secure(target);
  if (target.flow) return on_located(index, {*target.flow});
  context_.paths.locate(destination_.to_realm, next_hop(target),
                        [this, index, alive = std::weak_ptr<int>(alive_)](std::vector<Path> ways) {
                          if (alive.lock()) on_located(index, std::move(ways));
                        });
}

void Delivery::on_located(std::size_t index, std::vector<Path> ways) {
  Branch& branch = *branches_[index];
  if (settled_) return;
  if (destination_.sips) drop_unsecured(ways);
  branch.ways = std::move(ways);
  if (branch.ways.empty()) return lose(index, {no_way(destination_), nullptr});
  send_by_way(index);
}

void Delivery::send_by_way(std::size_t index) {
  Branch& branch = *branches_[index];
  Message request = make_request(branch);
  const Path& way = branch.ways[branch.way];
  if (way.transport_by_default && sip::write(request).size() > sip::kDatagramRequestBytesMax) {
    if (const std::optional<Path> stream = context_.paths.stream_instead(way)) {
      branch.ways[branch.way].transport_by_default = false;  // if the stream fails, it is its turn, with any size
      branch.ways.insert(branch.ways.begin() + static_cast<std::ptrdiff_t>(branch.way), *stream);
      request = make_request(branch);
    }
  }
  if (!send(index, std::move(request))) give_up(index, {{503, "no room for another transaction"}, nullptr});
}

Message Delivery::make_request(const Branch& branch) {
  Message request = owner_.make_request(branch.ways[branch.way], branch.target);
  for (const sip::NameAddr& route : branch.target.routes) request.add_header(HeaderId::kRoute, sip::write(route));
  return request;
}

bool Delivery::send(std::size_t index, Message request) {
  Branch& branch = *branches_[index];
  const auto id = control_.request(*this, std::move(request), branch.ways[branch.way].hop);
  if (!id) return false;
  branch.sent.push_back({*id, branch.ways[branch.way]});
  const bool others = branch.way + 1 < branch.ways.size() || next_ < destination_.targets.size();
  if ((others && !destination_.parallel) || !branch.target.other_flows.empty()) {
    branch.silence.set(control_.now_ns() + kSilenceNs, [this, index] {
      lose(index, {{408, "the target did not answer"}, nullptr});
    });
  }
  return true;
}

/// A 1xx ends nothing, and none goes on: whoever asked has 100 from us if it needs one (RFC 4320 section 4.1).
void Delivery::on_response(sip::TransactionId id, const Message& response) {
  const std::optional<std::size_t> index = branch_of(id);
  if (!index) return;
  Branch& branch = *branches_[*index];
  if (id == branch.sent.back().id) branch.silence.stop();
  if (response.status() < 200) return;
  if (trunk_of(branch) != nullptr) trunk_of(branch)->report(*branch.target.member, response);
  if (settled_) return;
  if (response.status() < 300) return on_success(branch, id, response);
  if (branch.over || id != branch.sent.back().id) return;
  if (try_again(*index, id, response)) return;
  const std::uint16_t status = response.status();
  if (status == kFlowFailed) return lose(*index, {{480, "the flow has failed"}, nullptr});
  Refused refused{{status, std::string(sip::reason_phrase(status))}, std::make_shared<Message>(response)};
  if (is_failover(status)) return lose(*index, std::move(refused));
  give_up(*index, std::move(refused));
}

void Delivery::on_success(const Branch& branch, sip::TransactionId id, const Message& response) {
  settled_ = true;
  end_.stop();
  for (const auto& other : branches_) other->silence.stop();
  const std::shared_ptr<const Message> request = context_.transactions.request(id);
  if (request == nullptr) return owner_.on_undelivered({500, "the request is gone"}, nullptr);
  const auto sent =
      std::find_if(branch.sent.begin(), branch.sent.end(), [id](const Sent& one) { return one.id == id; });
  owner_.on_delivered({sent->way, branch.target.member, *request, response});
}

/// The credentials that are for a trunk alone (RFC 3261 section 22.2).
bool Delivery::try_again(std::size_t index, sip::TransactionId id, const Message& response) {
  Branch& branch = *branches_[index];
  const bool challenge = response.status() == 401 || response.status() == 407;
  if (!challenge || trunk_of(branch) == nullptr) return false;
  const std::shared_ptr<const Message> request = context_.transactions.request(id);
  if (request == nullptr) return false;
  std::optional<Message> again = trunk_of(branch)->authorise(*branch.target.member, *request, response);
  if (!again) return false;
  again->set_top_via(Leg(Side::kCallee, branch.ways[branch.way]).make_via(context_.tokens));
  return send(index, *std::move(again));
}

void Delivery::on_failure(sip::TransactionId id, sip::TransactionFailure failure) {
  const std::optional<std::size_t> index = branch_of(id);
  if (!index) return;
  Branch& branch = *branches_[*index];
  if (trunk_of(branch) != nullptr) trunk_of(branch)->report(*branch.target.member, failure);
  if (branch.over || id != branch.sent.back().id) return;
  const bool timeout = failure == sip::TransactionFailure::kTimeout;
  lose(*index,
       {timeout ? EndCause{408, "the target did not answer"} : EndCause{503, "the target cannot be reached"}, nullptr});
}

std::shared_ptr<const Message> Delivery::pending() const {
  for (auto branch = branches_.rbegin(); branch != branches_.rend(); ++branch) {
    if ((*branch)->sent.empty()) continue;
    if (auto request = context_.transactions.request((*branch)->sent.back().id)) return request;
  }
  return nullptr;
}

Trunks* Delivery::trunk_of(const Branch& branch) const {
  return branch.target.member ? context_.trunks : nullptr;
}

/// This way is none: the next one, the next flow, or the next target.
void Delivery::lose(std::size_t index, Refused refused) {
  Branch& branch = *branches_[index];
  branch.silence.stop();
  if (settled_) return;
  if (branch.way + 1 < branch.ways.size()) {
    ++branch.way;
    return send_by_way(index);
  }
  if (!branch.target.other_flows.empty()) {
    branch.target.take_next_flow();
    branch.way = 0;
    return locate(index);
  }
  if (destination_.parallel || next_ >= destination_.targets.size()) return give_up(index, std::move(refused));
  branch.over = true;
  note(std::move(refused));
  next_target();
}

/// This target has said no. RFC 3261 section 16.7 step 5: a global failure speaks for all.
void Delivery::give_up(std::size_t index, Refused refused) {
  Branch& branch = *branches_[index];
  branch.over = true;
  branch.silence.stop();
  note(std::move(refused));
  settle_when_over();
}

void Delivery::note(Refused refused) {
  if (!best_ || is_better(refused.cause.status, best_->cause.status)) best_ = std::move(refused);
}

void Delivery::settle_when_over() {
  if (settled_ || starting_ || !best_) return;
  const bool all = std::all_of(branches_.begin(), branches_.end(), [](const auto& branch) { return branch->over; });
  if (all || best_->cause.status >= 600) settle();
}

void Delivery::settle() {
  settled_ = true;
  end_.stop();
  for (const auto& branch : branches_) branch->silence.stop();
  const Refused best = best_.value_or(Refused{{408, "nobody answered"}, nullptr});
  owner_.on_undelivered(best.cause, best.response.get());
}

std::optional<std::size_t> Delivery::branch_of(sip::TransactionId id) const {
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    const auto& sent = branches_[i]->sent;
    if (std::any_of(sent.begin(), sent.end(), [id](const Sent& one) { return one.id == id; })) return i;
  }
  return std::nullopt;
}

}  // namespace weir::controlplane
