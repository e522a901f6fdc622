#include "controlplane/provisionals.h"

#include <algorithm>
#include <string>
#include <utility>

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;

namespace {

constexpr sip::TimerSettings kTimers{};
/// Responses kept behind one that is not acknowledged; more are left out, as unreliable ones may be lost.
constexpr std::size_t kWaitingMax = 8;

}  // namespace

std::optional<std::uint32_t> reliable_number(const Message& response) {
  if (!response.lists(HeaderId::kRequire, "100rel")) return std::nullopt;
  return response.number(HeaderId::kRSeq);
}

Provisionals::Provisionals(Alarms& alarms, std::uint32_t invite_cseq, std::uint32_t rseq_first, Callbacks callbacks)
    : alarm_(alarms), invite_cseq_(invite_cseq), rseq_(rseq_first), callbacks_(std::move(callbacks)) {}

void Provisionals::send(Message response) {
  if (waiting_.size() >= kWaitingMax) return;
  const auto rseq = rseq_ + static_cast<std::uint32_t>(waiting_.size());
  response.add_header(HeaderId::kRequire, "100rel");
  response.add_header(HeaderId::kRSeq, std::to_string(rseq));
  waiting_.push_back(std::move(response));
  if (waiting_.size() == 1) transmit();
}

void Provisionals::transmit() {
  interval_ns_ = kTimers.t1_ns;
  give_up_ns_ = callbacks_.now_ns() + kTimers.timeout_ns();
  callbacks_.send(waiting_.front());
  repeat();
}

void Provisionals::repeat() {
  alarm_.set(callbacks_.now_ns() + interval_ns_, [this] {
    if (callbacks_.now_ns() >= give_up_ns_) return callbacks_.unacknowledged();
    interval_ns_ *= 2;  // without T2: RFC 3262 section 3 doubles until the end
    callbacks_.send(waiting_.front());
    repeat();
  });
}

bool Provisionals::acknowledge(const sip::RAck& rack) {
  if (waiting_.empty() || rack.rseq != rseq_ || rack.cseq.number != invite_cseq_) return false;
  if (rack.cseq.method != sip::Method::kInvite) return false;
  session_delivered_ = session_delivered_ || !waiting_.front().body().empty();
  waiting_.pop_front();
  ++rseq_;
  alarm_.stop();
  if (!waiting_.empty()) transmit();
  return true;
}

bool Provisionals::holds_back_answer() const {
  return std::any_of(waiting_.begin(), waiting_.end(), [](const Message& one) { return !one.body().empty(); });
}

void Provisionals::stop() {
  alarm_.stop();
  waiting_.clear();
}

}  // namespace weir::controlplane
