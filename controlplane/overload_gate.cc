#include "controlplane/overload_gate.h"

#include <functional>

#include "controlplane/log.h"
#include "sip/method.h"

namespace weir::controlplane {
namespace {

constexpr std::uint64_t kMsNs = 1'000'000;
constexpr std::string_view kAck = "ACK ";

std::size_t queue_of(WorkQueue first, std::uint64_t offset = 0) {
  return static_cast<std::size_t>(first) + offset;
}

std::uint64_t target_ns(const proto::settings::LimitSettings& limits) {
  return limits.overload_delay_ms * kMsNs;
}

}  // namespace

OverloadGate::OverloadGate(const proto::settings::LimitSettings& limits, sip::TransactionLayer& transactions,
                           sip::MessageSender& sender, std::string_view tag)
    : overload_({.target_ns = target_ns(limits)}),
      transactions_(transactions),
      sender_(sender),
      tag_(std::string(tag) + ".") {}

void OverloadGate::set(const proto::settings::LimitSettings& limits) {
  overload_.set_target(target_ns(limits));
}

void OverloadGate::on_tick(std::uint64_t now_ns, std::uint64_t lag_ns) {
  overload_.observe(now_ns, lag_ns, queue_of(WorkQueue::kTicks));
}

bool OverloadGate::turn_away(std::uint64_t now_ns, std::string_view datagram, const sip::Hop& source,
                             const Waited& waited, Admission& admission) {
  if (waited.newcomers) {
    overload_.observe_newcomer(now_ns, waited.ns);
  } else {
    overload_.observe(now_ns, waited.ns, queue_of(WorkQueue::kSockets, waited.socket));
  }
  // Who acknowledges a refusal of ours (RFC 3261 section 17.1.1.3) has nothing to say to any transaction.
  if (datagram.starts_with(kAck)) return overload_.counters().refused != 0 && datagram.find(tag_) != datagram.npos;
  if (overload_.has_room(now_ns)) return false;
  std::optional<sip::EarlyInvite> invite = sip::glance_at_invite(datagram);
  if (!invite || transactions_.is_repeated(invite->via, to_string(sip::Method::kInvite))) return false;
  const sip::AdmissionVerdict verdict = admission.decide(now_ns, RequestKind::kInvite, source.remote.address);
  if (verdict == sip::AdmissionVerdict::kAdmitted) (void)overload_.admit(now_ns);  // no: it counts the refusal
  if (verdict != sip::AdmissionVerdict::kIgnored) refuse(*std::move(invite), source);
  return true;
}

/// Without state: the same request has the same tag each time (RFC 3261 section 8.2.7).
void OverloadGate::refuse(sip::EarlyInvite invite, const sip::Hop& source) {
  const std::string tag = tag_ + std::to_string(std::hash<std::string_view>()(invite.call_id));
  const sip::Hop hop = sip::refusal_hop(invite, source);
  (void)sender_.send(hop, sip::write_refusal(std::move(invite), source, tag));
}

void OverloadGate::report() {
  const bool refusing = overload_.refuses();
  if (!refusing && !reported_) refused_before_ = overload_.counters().refused;
  if (refusing == reported_) return;
  reported_ = refusing;
  if (refusing) {
    return log_event(LogLevel::kWarning, "overload",
                     {{"event", "new calls are refused or dropped: SIP messages wait longer than overload_delay_ms"}});
  }
  log_event(LogLevel::kInfo, "overload",
            {{"event", "new calls are taken again"}, {"refused", overload_.counters().refused - refused_before_}});
}

}  // namespace weir::controlplane
