#include "controlplane/invitation.h"

#include <algorithm>
#include <utility>

#include "controlplane/call.h"
#include "controlplane/failover.h"
#include "controlplane/session_interval.h"
#include "controlplane/sips_policy.h"
#include "controlplane/trunks.h"
#include "sip/limits.h"
#include "sip/status.h"
#include "sip/write.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;
using sip::Method;

namespace {

const EndCause kAnsweredElsewhere{200, "Call completed elsewhere"};

EndCause cause_of(std::uint16_t status) {
  return {status, std::string(sip::reason_phrase(status))};
}

}  // namespace

Invitation::Invitation(CallContext& context, CallControl& control, Call& call, Inviter& inviter, Side side,
                       Destination destination)
    : context_(context),
      control_(control),
      call_(call),
      inviter_(inviter),
      side_(side),
      destination_(std::move(destination)) {
  if (destination_.targets.size() > kParallelMax) destination_.targets.resize(kParallelMax);
}

Invitation::~Invitation() {
  for (const auto& branch : branches_) {
    for (const sip::TransactionId id : branch->sent) control_.disown(id);
    forget_forks(*branch);
  }
}

void Invitation::start() {
  starting_ = true;
  do {
    next_target();
  } while (destination_.parallel && next_ < destination_.targets.size() && !cancelled_);
  starting_ = false;
  settle();
}

void Invitation::next_target() {
  const std::size_t index = branches_.size();
  branches_.push_back(std::make_unique<Branch>(destination_.targets[next_++], context_.alarms));
  locate(index);
}

void Invitation::locate(std::size_t index) {
  Target& target = branches_[index]->target;
  if (destination_.sips) secure(target);
  target_text_ = sip::write(target.uri);
  if (target.flow) return on_located(index, {*target.flow});
  context_.paths.locate(destination_.to_realm, next_hop(target),
                        [this, index, alive = std::weak_ptr<int>(alive_)](std::vector<Path> ways) {
                          if (alive.lock()) on_located(index, std::move(ways));
                        });
}

void Invitation::on_located(std::size_t index, std::vector<Path> ways) {
  Branch& branch = *branches_[index];
  if (branch.over) return;
  if (destination_.sips) drop_unsecured(ways);
  branch.ways = std::move(ways);
  if (branch.ways.empty()) return lose(index, {no_way(destination_), nullptr});
  send_by_way(index);
}

void Invitation::send_by_way(std::size_t index) {
  Branch& branch = *branches_[index];
  const Path& way = branch.ways[branch.way];
  if (const std::optional<EndCause> cause = inviter_.prepare(way)) return give_up(index, {*cause, nullptr});
  Message request = make_request(branch);
  if (way.transport_by_default && sip::write(request).size() > sip::kDatagramRequestBytesMax) {
    if (const std::optional<Path> stream = context_.paths.stream_instead(way)) {
      branch.ways[branch.way].transport_by_default = false;  // if the stream fails, it is its turn, with any size
      branch.ways.insert(branch.ways.begin() + static_cast<std::ptrdiff_t>(branch.way), *stream);
      request = make_request(branch);
    }
  }
  if (!send(branch, std::move(request))) return give_up(index, {{503, "no room for another transaction"}, nullptr});
}

sip::Message Invitation::make_request(Branch& branch) {
  const Leg leg(side_, branch.ways[branch.way]);
  Message request = inviter_.make_invite(leg, branch.target);
  for (const sip::NameAddr& route : branch.target.routes) request.add_header(HeaderId::kRoute, sip::write(route));
  return request;
}

bool Invitation::send(Branch& branch, Message request) {
  const Path& way = branch.ways[branch.way];
  call_.log_sip(side_, way, "out", request);
  if (trunk_of(branch) != nullptr) branch.slot = trunk_of(branch)->begin_call(*branch.target.member);
  const std::optional<sip::TransactionId> id = control_.request(*this, std::move(request), way.hop);
  if (!id) return false;
  branch.sent.push_back(*id);
  const std::size_t index = branch_of(*id).value();
  const bool others = branch.way + 1 < branch.ways.size() || next_ < destination_.targets.size();
  if ((others && !destination_.parallel) || !branch.target.other_flows.empty()) {
    branch.silence.set(control_.now_ns() + kSilenceNs, [this, index] {
      const EndCause cause{408, "the callee did not answer"};
      cancel_branch(*branches_[index], cause);
      lose(index, {cause, nullptr});
    });
  }
  return true;
}

void Invitation::on_response(sip::TransactionId id, const Message& response) {
  const std::optional<std::size_t> index = branch_of(id);
  if (!index) return;
  Branch& branch = *branches_[*index];
  call_.log_sip(side_, branch.ways[branch.way], "in", response);
  if (response.status() < 200) return id == branch.sent.back() ? on_provisional(branch, response) : void();
  if (response.status() < 300) return on_success(branch, id, response);
  on_final(*index, id, response);
}

void Invitation::on_provisional(Branch& branch, const Message& response) {
  branch.silence.stop();
  if (response.status() == 100 || settled_ || branch.over) return;
  Leg* fork = fork_of(branch, response);
  if (fork != nullptr && !fork->takes_reliable(response)) return;
  inviter_.on_progress(fork, response);
}

void Invitation::on_success(Branch& branch, sip::TransactionId id, const Message& response) {
  branch.silence.stop();
  branch.over = true;
  for (const sip::TransactionId other : branch.sent) {
    if (other != id) (void)context_.transactions.cancel(control_.now_ns(), other);
  }
  report(branch, response);
  std::unique_ptr<Leg> leg = take_leg(branch, id, response);
  if (leg != nullptr && winner_ == leg->dialog->id()) return;
  if (cancelled_ || settled_) {
    // Another branch of a fork, or an answer that crossed our CANCEL or another's last word: it gets its ACK, and BYE
    // (section 13.2.2.4).
    if (leg != nullptr) {
      control_.disown(leg->dialog->id());
      call_.acknowledge(*leg, "");
      leave(*leg, cancelled_.value_or(kAnsweredElsewhere));
      // The winner's keys are those of this INVITE; a third party that has them, too, brings nothing new.
      if (branch.won && branch.parties == 2) call_.renew_shared_keys(side_);
    }
    return settle();
  }
  if (leg == nullptr) return give_up(branch_of(id).value(), {{502, "the callee's answer makes no dialog"}, nullptr});
  answered_ = true;
  settled_ = true;
  branch.won = true;
  winner_ = leg->dialog->id();
  for (const auto& other : branches_) {
    if (other.get() != &branch) cancel_branch(*other, kAnsweredElsewhere);
    forget_forks(*other);
  }
  inviter_.on_answered(std::move(leg), response);
}

void Invitation::on_final(std::size_t index, sip::TransactionId id, const Message& response) {
  Branch& branch = *branches_[index];
  branch.silence.stop();
  if (branch.over || id != branch.sent.back()) return settle();
  report(branch, response);
  if (!cancelled_ && !settled_ && try_again(branch, id, response)) return;
  if (response.status() == kFlowFailed) return lose(index, {{480, "the flow to the callee has failed"}, nullptr});
  const Refused refused{cause_of(response.status()), std::make_shared<Message>(response)};
  if (is_failover(response.status())) return lose(index, refused);
  give_up(index, refused);
}

/// The same target again, with what its refusal asks for.
bool Invitation::try_again(Branch& branch, sip::TransactionId id, const Message& response) {
  const std::shared_ptr<const Message> request = context_.transactions.request(id);
  std::optional<Message> again = request ? changed_for(branch, *request, response) : std::nullopt;
  if (!again) return false;
  forget_forks(branch);
  again->set_top_via(Leg(side_, branch.ways[branch.way]).make_via(context_.tokens));
  return send(branch, *std::move(again));
}

/// The credentials that are for a trunk alone (RFC 3261 section 22.2), or a longer session interval (RFC 4028 section
/// 7.3): the caller's own is another matter, each leg has its own.
std::optional<Message> Invitation::changed_for(Branch& branch, const Message& request, const Message& response) {
  const bool challenge = response.status() == 401 || response.status() == 407;
  if (challenge && trunk_of(branch) != nullptr) {
    return trunk_of(branch)->authorise(*branch.target.member, request, response);
  }
  if (response.status() != 422 || branch.session_raises == kSessionRaisesMax) return std::nullopt;
  std::optional<Message> again = with_longer_interval(request, response);
  if (!again) return std::nullopt;
  ++branch.session_raises;
  branch.session_min_s = again->number(HeaderId::kMinSe).value_or(0);
  const sip::CSeq cseq = *request.cseq();
  again->set_header(HeaderId::kCSeq, sip::write(sip::CSeq{cseq.number + 1, cseq.method, cseq.method_name}));
  return again;
}

Trunks* Invitation::trunk_of(const Branch& branch) const {
  return branch.target.member ? context_.trunks : nullptr;
}

void Invitation::report(const Branch& branch, const Message& response) {
  if (trunk_of(branch) != nullptr) trunk_of(branch)->report(*branch.target.member, response);
}

void Invitation::on_failure(sip::TransactionId id, sip::TransactionFailure failure) {
  const std::optional<std::size_t> index = branch_of(id);
  if (!index) return;
  Branch& branch = *branches_[*index];
  branch.silence.stop();
  if (branch.over || id != branch.sent.back()) return settle();
  if (trunk_of(branch) != nullptr) trunk_of(branch)->report(*branch.target.member, failure);
  const bool timeout = failure == sip::TransactionFailure::kTimeout;
  lose(*index,
       {timeout ? EndCause{408, "the callee did not answer"} : EndCause{503, "the callee cannot be reached"}, nullptr});
}

/// This way is none: the next one, the next flow, or the next target.
void Invitation::lose(std::size_t index, Refused refused) {
  Branch& branch = *branches_[index];
  forget_forks(branch);
  if (!settled_ && !cancelled_ && branch.way + 1 < branch.ways.size()) {
    ++branch.way;
    return send_by_way(index);
  }
  if (!settled_ && !cancelled_ && !branch.target.other_flows.empty()) {
    branch.target.take_next_flow();
    branch.way = 0;
    return locate(index);
  }
  const bool next = !settled_ && !cancelled_ && !destination_.parallel && next_ < destination_.targets.size();
  if (!next) return give_up(index, std::move(refused));
  branch.over = true;
  branch.slot = {};
  if (!best_ || is_better(refused.cause.status, best_->cause.status)) best_ = std::move(refused);
  next_target();
}

/// This target has said no.
void Invitation::give_up(std::size_t index, Refused refused) {
  Branch& branch = *branches_[index];
  branch.over = true;
  branch.slot = {};
  branch.silence.stop();
  forget_forks(branch);
  if (!best_ || is_better(refused.cause.status, best_->cause.status)) best_ = std::move(refused);
  // Section 16.7 step 5: a global failure speaks for all.
  if (best_->cause.status >= 600) {
    const EndCause cause = best_->cause;
    for (const auto& other : branches_) cancel_branch(*other, cause);
  }
  settle();
}

void Invitation::settle() {
  if (settled_ || cancelled_ || starting_ || !best_) return;
  const bool global = best_->cause.status >= 600;
  if (!global && !over()) return;
  settled_ = true;
  const Refused best = *best_;
  inviter_.on_refused(best.cause, best.response.get());
}

bool Invitation::over() const {
  return std::all_of(branches_.begin(), branches_.end(), [](const auto& branch) { return branch->over; });
}

void Invitation::cancel(const EndCause& cause) {
  if (!cancelled_) cancelled_ = cause;
  for (const auto& branch : branches_) {
    cancel_branch(*branch, cause);
    forget_forks(*branch);
  }
}

/// The CANCEL says why, so that a telephone need not show a call that another has taken as missed (RFC 3326
/// section 3.1).
void Invitation::cancel_branch(Branch& branch, const EndCause& cause) {
  branch.silence.stop();
  if (branch.over) return;
  // A branch whose INVITE has its final response, or none yet sent, has nothing to wait for.
  const std::string reason = reason_header(cause.status, cause.text);
  branch.over = branch.sent.empty() || !context_.transactions.cancel(control_.now_ns(), branch.sent.back(), reason);
}

void Invitation::leave(Leg& leg, const EndCause& cause) {
  Message bye = leg.dialog->make_request(Method::kBye, leg.make_via(context_.tokens));
  bye.add_header(HeaderId::kReason, reason_header(cause.status, cause.text));
  call_.log_sip(side_, leg.path(), "out", bye);
  (void)context_.transactions.send_request(control_.now_ns(), std::move(bye), leg.dialog_hop(context_.paths));
}

/// The leg of the early dialog that a provisional response is in: known, or new.
Leg* Invitation::fork_of(Branch& branch, const Message& response) {
  for (const auto& fork : branch.forks) {
    if (fork->dialog->id().remote_tag != response.to_tag()) continue;
    fork->dialog->on_response(response);
    fork->peer.learn(response);
    return fork.get();
  }
  const std::shared_ptr<const Message> request = context_.transactions.request(branch.sent.back());
  if (request == nullptr || branch.forks.size() >= kForksMax) return nullptr;
  std::optional<sip::Dialog> dialog = sip::Dialog::from_response(*request, response);
  if (!dialog) return nullptr;
  auto leg = std::make_unique<Leg>(side_, branch.ways[branch.way]);
  leg->state = LegState::kInviting;
  leg->invite = branch.sent.back();
  leg->dialog = *std::move(dialog);
  number(branch, *leg);
  leg->display = sip::write(branch.target.uri);
  leg->member = branch.target.member;
  leg->peer.learn(response);
  control_.own(leg->dialog->id(), call_);
  branch.forks.push_back(std::move(leg));
  return branch.forks.back().get();
}

/// Another party than those before has spoken.
void Invitation::number(Branch& branch, Leg& leg) {
  leg.party = ++parties_;
  if (winner_ != leg.dialog->id()) ++branch.parties;  // it says its 2xx again
}

/// The leg that a 2xx confirms; null if it makes no dialog.
std::unique_ptr<Leg> Invitation::take_leg(Branch& branch, sip::TransactionId id, const Message& response) {
  const auto same = std::find_if(branch.forks.begin(), branch.forks.end(), [&](const auto& fork) {
    return fork->dialog->id().remote_tag == response.to_tag() && fork->invite == id;
  });
  std::unique_ptr<Leg> leg;
  if (same != branch.forks.end()) {
    leg = std::move(*same);
    branch.forks.erase(same);
    leg->dialog->on_response(response);
  } else {
    const std::shared_ptr<const Message> request = context_.transactions.request(id);
    std::optional<sip::Dialog> dialog = request ? sip::Dialog::from_response(*request, response) : std::nullopt;
    if (!dialog) return nullptr;
    leg = std::make_unique<Leg>(side_, branch.ways[branch.way]);
    leg->invite = id;
    leg->dialog = *std::move(dialog);
    number(branch, *leg);
  }
  leg->display = sip::write(branch.target.uri);
  leg->member = branch.target.member;
  leg->session_min_s = branch.session_min_s;
  leg->slot = std::move(branch.slot);
  leg->peer.learn(response);
  leg->state = LegState::kConfirmed;
  return leg;
}

/// They are of no use any more, but one of them may be in the middle of what has led here.
void Invitation::forget_forks(Branch& branch) {
  for (auto& fork : branch.forks) {
    control_.disown(fork->dialog->id());
    fork->session_alarm.reset();
    forgotten_.push_back(std::move(fork));
  }
  branch.forks.clear();
}

Leg* Invitation::fork(const sip::DialogId& dialog) {
  for (const auto& branch : branches_) {
    for (const auto& fork : branch->forks) {
      if (fork->dialog->id() == dialog) return fork.get();
    }
  }
  return nullptr;
}

bool Invitation::has_forked(const Leg& answered) const {
  const std::optional<std::size_t> index = branch_of(answered.invite);
  return index && branches_[*index]->parties > 1;
}

void Invitation::add_forks(std::vector<const Leg*>& legs) const {
  for (const auto& branch : branches_) {
    for (const auto& fork : branch->forks) legs.push_back(fork.get());
  }
}

std::optional<std::size_t> Invitation::branch_of(sip::TransactionId id) const {
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    const auto& sent = branches_[i]->sent;
    if (std::find(sent.begin(), sent.end(), id) != sent.end()) return i;
  }
  return std::nullopt;
}

}  // namespace weir::controlplane
