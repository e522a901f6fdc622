// Session timers: a session that nobody refreshes ends, so that a party that vanished without a word leaves nothing
// behind. Each leg has its own. RFC 4028.
#include <algorithm>

#include "controlplane/call.h"
#include "controlplane/session_interval.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;
using sip::Method;

namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
/// Of the interval before its end, in which who waits for a refresh hangs up (RFC 4028 section 10).
constexpr std::uint32_t kGraceSecondsMax = 32;
/// After a restart: over so long our refreshes are spread, and so long a peer's may still be on its way, which it
/// repeats for 64*T1.
constexpr std::uint64_t kResumeSpreadSeconds = 20;
constexpr std::uint64_t kResumeGraceSeconds = 40;

}  // namespace

/// The shortest interval that a leg takes of a request's, if that is too short: the request is answered 422.
std::optional<std::uint32_t> Call::session_too_short(const Leg& from, const Message& request) const {
  const std::optional<sip::SessionExpires> asked = read_session_expires(request);
  const std::uint32_t min_s = realm_of(from).policy.session.min_s;
  return asked && asked->seconds < min_s ? std::optional(min_s) : std::nullopt;
}

/// As UAC: what our request asks for.
void Call::ask_session_timer(const Leg& to, Message& request) const {
  const proto::settings::SessionTimers& policy = realm_of(to).policy.session;
  const std::uint32_t seconds = std::max(to.session_s != 0 ? to.session_s : policy.expires_s, to.session_min_s);
  if (seconds == 0) return;
  sip::SessionExpires expires;
  expires.seconds = seconds;
  if (to.session_alarm && to.session_alarm->running()) {
    // Roles are those of this request: who refreshes goes on refreshing (RFC 4028 section 7.4).
    expires.refresher = to.refreshes ? sip::Refresher::kUac : sip::Refresher::kUas;
  }
  request.add_header(HeaderId::kSessionExpires, sip::write(expires));
  request.add_header(HeaderId::kMinSe, std::to_string(std::max(policy.min_s, to.session_min_s)));
}

/// As UAC: what the 2xx to our request says.
void Call::take_session_timer(Leg& leg, const Message& response) {
  const std::optional<sip::SessionExpires> agreed = read_session_expires(response);
  const std::uint32_t seconds = agreed ? std::max(agreed->seconds, realm_of(leg).policy.session.min_s) : 0;
  run_session_timer(leg, seconds, !agreed || agreed->refresher != sip::Refresher::kUas);
}

/// As UAS: what our 2xx to a request says (RFC 4028 section 9).
void Call::answer_session_timer(Leg& leg, const Message& request, Message& response) {
  const proto::settings::SessionTimers& policy = realm_of(leg).policy.session;
  const std::optional<sip::SessionExpires> asked = read_session_expires(request);
  if (!asked && policy.expires_s == 0) return run_session_timer(leg, 0, false);
  sip::SessionExpires expires;
  expires.seconds = asked ? asked->seconds : policy.expires_s;
  // Ours if that is shorter, but never below what the peer can bear.
  const std::uint32_t bearable_s = std::max(request.number(HeaderId::kMinSe).value_or(0), policy.min_s);
  if (policy.expires_s != 0) expires.seconds = std::min(expires.seconds, std::max(policy.expires_s, bearable_s));
  const bool theirs =
      leg.peer.timer && (!asked || asked->refresher.value_or(sip::Refresher::kUac) == sip::Refresher::kUac);
  expires.refresher = theirs ? sip::Refresher::kUac : sip::Refresher::kUas;
  response.add_header(HeaderId::kSessionExpires, sip::write(expires));
  if (theirs) response.add_header(HeaderId::kRequire, "timer");
  run_session_timer(leg, expires.seconds, !theirs);
}

void Call::run_session_timer(Leg& leg, std::uint32_t seconds, bool ours) {
  leg.session_s = seconds;
  leg.refreshes = ours;
  if (seconds == 0) {
    leg.session_alarm.reset();
    return changed();
  }
  if (!leg.session_alarm) leg.session_alarm = std::make_unique<Alarm>(context_.alarms);
  const std::uint32_t grace_s = std::min(kGraceSecondsMax, seconds / 3);
  const std::uint32_t after_s = ours ? seconds / 2 : seconds - grace_s;
  await_refresh(leg, now() + after_s * kSecondNs);
}

void Call::await_refresh(Leg& leg, std::uint64_t due_ns) {
  leg.session_due_ns = due_ns;
  leg.session_alarm->set(due_ns, [this, &leg] {
    if (leg.refreshes) return refresh_session(leg);
    end({408, std::string("the ") + to_string(leg.side()) + " has not refreshed the session"});
  });
  changed();
}

/// In a call of an earlier weir-control: what was due meanwhile comes soon, not all at once.
void Call::resume_session_timer(Leg& leg) {
  if (leg.session_s == 0) return;
  leg.session_alarm = std::make_unique<Alarm>(context_.alarms);
  const std::uint64_t spread_s = 1 + number_ % kResumeSpreadSeconds;
  const std::uint64_t soonest_ns = now() + (leg.refreshes ? spread_s : kResumeGraceSeconds) * kSecondNs;
  await_refresh(leg, std::max(leg.session_due_ns, soonest_ns));
}

/// By UPDATE where the peer knows it, else by a re-INVITE with the same offer. One that fails is tried again until the
/// interval is over; a dialog that is gone ends the call.
void Call::refresh_session(Leg& leg) {
  if (ending_ || leg.state != LegState::kConfirmed) return;
  const std::uint32_t retry_s = std::max<std::uint32_t>(leg.session_s / 8, 10);
  leg.session_alarm->set(now() + retry_s * kSecondNs, [this, &leg] { refresh_session(leg); });
  if (!leg.peer.update) return reoffer(leg.side());
  if (refresh_.valid()) return;
  Message update = leg.dialog->make_request(Method::kUpdate, leg.make_via(context_.tokens));
  ask_session_timer(leg, update);
  const std::optional<sip::TransactionId> sent = request(leg, std::move(update));
  if (!sent) return;
  refresh_ = *sent;
  refreshed_ = leg.dialog->id();
}

/// `response` is null if there was none.
void Call::on_refreshed(const Message* response, std::uint16_t status) {
  if (status < 200) return;
  refresh_ = {};
  Leg* const leg = leg_of(refreshed_);
  if (leg == nullptr || ending_) return;
  if (status / 100 == 2) return take_session_timer(*leg, *response);
  if (sip::ends_dialog(status) && is_party(leg))
    end({status, std::string("the ") + to_string(leg->side()) + " does not answer a refresh"});
}

}  // namespace weir::controlplane
