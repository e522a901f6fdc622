#include "controlplane/subscription.h"

#include <algorithm>
#include <utility>

#include "controlplane/body_headers.h"
#include "controlplane/far_status.h"
#include "controlplane/identity_headers.h"
#include "controlplane/outside_requests.h"
#include "controlplane/trunks.h"
#include "sip/subscription_state.h"

namespace weir::controlplane {

namespace settings = proto::settings;
using sip::HeaderId;
using sip::Message;
using sip::Method;

namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

void pass_lines(const Message& from, HeaderId id, Message& to) {
  for (std::size_t i = 0; i < from.header_count(); ++i) {
    const sip::HeaderView header = from.header_at(i);
    if (header.id == id) to.add_header(id, header.value);
  }
}

/// Parameters of a package may name the other side's dialogs (RFC 4235 section 3.2).
sip::Event shown(const sip::Event& event, const settings::RealmSettings& realm) {
  if (!realm.policy.topology_hiding) return event;
  return {.type = event.type, .id = event.id, .parameters = {}};
}

}  // namespace

/// Every target has the same Call-ID and From tag, so that a NOTIFY names its subscription before any answer has come.
Subscription::Subscription(CallContext& context, CallControl& control, OutsideRequests& home, std::uint64_t number,
                           const OutsideRequest& request, sip::Dialog dialog, SubscriptionSlots slots,
                           Destination destination)
    : context_(context),
      control_(control),
      home_(home),
      number_(number),
      request_(request),
      event_(*sip::parse_event(request.message->header(HeaderId::kEvent).value_or(""))),
      near_(Side::kCaller, request.from),
      call_id_(context.tokens()),
      from_tag_(context.tokens()),
      slots_(std::move(slots)),
      expiry_(context.alarms),
      delivery_(context, control, *this, std::move(destination)) {
  near_.dialog = std::move(dialog);
  home_.own(near_.dialog->id().call_id, near_.dialog->id().local_tag, *this);
  home_.own(call_id_, from_tag_, *this);
}

Subscription::~Subscription() {
  for (const Passing& passing : relays_) control_.disown(passing.sent);
  home_.disown(near_.dialog->id().call_id, near_.dialog->id().local_tag);
  home_.disown(call_id_, from_tag_);
}

const settings::RealmSettings& Subscription::realm_of(const Leg& leg) const {
  return context_.settings.realms[leg.path().realm];
}

Message Subscription::make_request(const Path& way, const Target& target) {
  Message out = make_outside_request(context_, request_, way, target, call_id_, from_tag_);
  describe(*request_.message, nullptr, out);
  return out;
}

/// What a SUBSCRIBE asks for, and for how long: no longer than the realm lets its parties.
void Subscription::describe(const Message& in, const Leg* to, Message& out) const {
  const std::uint32_t there = to != nullptr ? to->path().realm : delivery_.to_realm();
  out.add_header(HeaderId::kEvent, sip::write(shown(event_, context_.settings.realms[there])));
  if (const auto expires = in.number(HeaderId::kExpires)) {
    const std::uint32_t longest_s = realm_of(near_).policy.outside.subscription_s_max;
    out.add_header(HeaderId::kExpires, std::to_string(std::min(*expires, longest_s)));
  }
  pass_lines(in, HeaderId::kAccept, out);
}

/// Who has sent a NOTIFY before may be another than who accepts: a fork that has refused since.
void Subscription::on_delivered(const Delivered& delivered) {
  if (far_ == nullptr || far_->dialog->id().remote_tag != delivered.response.to_tag()) {
    far_ = std::make_unique<Leg>(Side::kCallee, delivered.way);
    far_->dialog = sip::Dialog::from_response(delivered.request, delivered.response);
    if (!far_->dialog) {
      far_.reset();
      return on_undelivered({502, "the answer makes no dialog"}, nullptr);
    }
  }
  far_->member = delivered.member;
  near_.dialog->confirm();
  on_subscribed(request_, delivered.response);
  request_.message.reset();
  bury_when_over();
}

void Subscription::on_undelivered(const EndCause& cause, const Message* response) {
  refuse(request_, cause.status, response);
  request_.message.reset();
  end();
}

/// `response` is a 2xx: the notifier may have made the time shorter (section 4.1.2.1). One that does not say means what
/// was asked for.
void Subscription::on_subscribed(const OutsideRequest& asked, const Message& response) {
  const std::uint32_t longest_s = realm_of(near_).policy.outside.subscription_s_max;
  const std::uint32_t wanted_s = asked.message->number(HeaderId::kExpires).value_or(longest_s);
  const std::uint32_t seconds = std::min(response.number(HeaderId::kExpires).value_or(wanted_s), longest_s);
  if (!ended_) run(seconds);
  Message answer = near_.dialog->make_response(*asked.message, response.status(), "");
  answer.add_header(HeaderId::kExpires, std::to_string(seconds));
  answer.add_header(HeaderId::kServer, kSoftware);
  control_.respond(asked.id, answer);
}

/// What a refusal says of times and packages is the subscriber's to know.
void Subscription::refuse(const OutsideRequest& asked, std::uint16_t status, const Message* response) {
  Message answer = near_.dialog->make_response(*asked.message, outside_status(status), "");
  if (response != nullptr && status == 423) pass_lines(*response, HeaderId::kMinExpires, answer);
  if (response != nullptr && status == 489) pass_lines(*response, HeaderId::kAllowEvents, answer);
  answer.add_header(HeaderId::kServer, kSoftware);
  control_.respond(asked.id, answer);
}

/// The realm and the peer's tag are those of the dialog; before there is one any tag may make it, of the right realm.
bool Subscription::knows(const OutsideRequest& request) const {
  const Message& message = *request.message;
  const bool near = message.to_tag() == near_.dialog->id().local_tag && message.call_id() == near_.dialog->id().call_id;
  if (near) return request.from.realm == near_.path().realm && message.from_tag() == near_.dialog->id().remote_tag;
  if (request.from.realm != delivery_.to_realm()) return false;
  return far_ == nullptr ? !delivery_.settled() : message.from_tag() == far_->dialog->id().remote_tag;
}

void Subscription::on_request(const OutsideRequest& request) {
  const Message& message = *request.message;
  if (ended_ || !knows(request)) return control_.answer(request.id, message, 481, "");
  if (!unsupported_options(message).empty()) return control_.answer(request.id, message, 420, "");
  if (message.body().size() > realm_of(near_).policy.outside.message_bytes_max) {
    return control_.answer(request.id, message, 413, "the body is too long");
  }
  const bool near = message.call_id() == near_.dialog->id().call_id;
  const Leg* const party = near ? &near_ : far_.get();
  if (party != nullptr && !party->may_come_by(request.from, message)) {
    return control_.answer(request.id, message, 403, "SIPS Required");
  }
  const Method method = near ? Method::kSubscribe : Method::kNotify;
  if (message.method() == method) return near ? on_subscribe(request) : on_notify(request);
  Message answer = sip::make_response(message, 405, "", "");
  answer.add_header(HeaderId::kAllow, sip::to_string(method));
  control_.respond(request.id, answer);
}

/// RFC 3261 section 12.2.2, and our bound. A cause refuses the request.
std::optional<EndCause> Subscription::take_order(Leg& from, const Message& request) {
  if (relays_.size() >= kRelaysMax) return EndCause{503, "too many requests at once"};
  if (from.dialog->on_request(request) != sip::DialogVerdict::kInOrder) return EndCause{500, "CSeq out of order"};
  return std::nullopt;
}

/// A refresh, or the end (Expires: 0).
void Subscription::on_subscribe(const OutsideRequest& request) {
  const Message& message = *request.message;
  const std::optional<sip::Event> event = sip::parse_event(message.header(HeaderId::kEvent).value_or(""));
  if (!event || !event->matches(event_)) return control_.answer(request.id, message, 489, "another subscription");
  if (far_ == nullptr) return control_.answer(request.id, message, 503, "not answered yet");
  if (const auto cause = take_order(near_, message)) {
    return control_.answer(request.id, message, cause->status, cause->text);
  }
  near_.follow(request.from, context_.paths);
  Message out = far_->dialog->make_request(Method::kSubscribe, far_->make_via(context_.tokens));
  describe(message, far_.get(), out);
  pass_headers(message, realm_of(near_), realm_of(*far_), out);
  pass_body(message, out);
  pass(request, *far_, std::move(out), false);
}

void Subscription::on_notify(const OutsideRequest& request) {
  const Message& message = *request.message;
  const auto refuse_with = [&](std::uint16_t status, std::string_view reason) {
    control_.answer(request.id, message, status, reason);
  };
  const std::optional<sip::Event> event = sip::parse_event(message.header(HeaderId::kEvent).value_or(""));
  const auto state = sip::parse_subscription_state(message.header(HeaderId::kSubscriptionState).value_or(""));
  if (!event || !state) return refuse_with(400, "no Event, or no Subscription-State");
  if (!event->matches(event_)) return refuse_with(481, "another subscription");
  if (far_ == nullptr) {
    if (const auto cause = bind(request)) return refuse_with(cause->status, cause->text);
  }
  if (const auto cause = take_order(*far_, message)) return refuse_with(cause->status, cause->text);
  far_->follow(request.from, context_.paths);
  if (!state->terminated() && state->expires_s) run(*state->expires_s);
  Message out = near_.dialog->make_request(Method::kNotify, near_.make_via(context_.tokens));
  out.add_header(HeaderId::kEvent, sip::write(shown(*event, realm_of(near_))));
  out.add_header(HeaderId::kSubscriptionState, sip::write(*state));
  pass_headers(message, realm_of(*far_), realm_of(near_), out);
  pass_body(message, out);
  pass(request, near_, std::move(out), state->terminated());
}

/// A NOTIFY may come before the answer to the SUBSCRIBE that it belongs to (section 4.1.2.4); of a SUBSCRIBE that has
/// forked the first to notify or to answer is the one. A cause: it is not.
std::optional<EndCause> Subscription::bind(const OutsideRequest& notify) {
  const std::shared_ptr<const Message> subscribe = delivery_.pending();
  auto dialog = subscribe ? sip::Dialog::from_notify(*subscribe, *notify.message) : std::nullopt;
  if (!dialog) return EndCause{400, "no usable Contact"};
  auto notifier = std::make_unique<Leg>(Side::kCallee, notify.from);
  notifier->dialog = *std::move(dialog);
  if (!notifier->may_come_by(notify.from, *notify.message)) return EndCause{403, "SIPS Required"};
  far_ = std::move(notifier);
  return std::nullopt;
}

void Subscription::pass(const OutsideRequest& asked, Leg& to, Message out, bool last) {
  const auto sent = control_.request(*this, std::move(out), to.dialog_hop(context_.paths));
  if (!sent) return control_.answer(asked.id, *asked.message, 503, "no room for another transaction");
  relays_.push_back({asked, *sent, last});
}

void Subscription::on_response(sip::TransactionId id, const Message& response) {
  const auto at = std::find_if(relays_.begin(), relays_.end(), [id](const Passing& one) { return one.sent == id; });
  if (at == relays_.end() || response.status() < 200) return;
  if (try_again(*at, response)) return;
  const Passing passing = std::move(*at);
  relays_.erase(at);
  if (passing.asked.message->method() == Method::kNotify) return on_notified(passing, response.status());
  if (response.status() < 300) {
    far_->dialog->on_response(response);
    on_subscribed(passing.asked, response);
  } else {
    refuse(passing.asked, response.status(), &response);
    if (response.status() == 481) end();
  }
  bury_when_over();
}

/// A trunk may challenge each request of ours.
bool Subscription::try_again(Passing& passing, const Message& response) {
  const bool challenge = response.status() == 401 || response.status() == 407;
  const bool asked_there = passing.asked.message->method() == Method::kSubscribe && far_->member;
  if (!challenge || !asked_there || context_.trunks == nullptr) return false;
  const std::shared_ptr<const Message> request = context_.transactions.request(passing.sent);
  std::optional<Message> again = request ? context_.trunks->authorise(*far_->member, *request, response) : std::nullopt;
  if (!again) return false;
  const Message next = far_->dialog->make_request(Method::kSubscribe, far_->make_via(context_.tokens));
  again->set_top_via(*next.top_via());
  again->set_header(HeaderId::kCSeq, *next.header(HeaderId::kCSeq));
  const auto sent = control_.request(*this, *std::move(again), far_->dialog_hop(context_.paths));
  if (sent) control_.disown(std::exchange(passing.sent, *sent));
  return sent.has_value();
}

void Subscription::on_failure(sip::TransactionId id, sip::TransactionFailure failure) {
  const auto at = std::find_if(relays_.begin(), relays_.end(), [id](const Passing& one) { return one.sent == id; });
  if (at == relays_.end()) return;
  const Passing passing = std::move(*at);
  relays_.erase(at);
  // A subscriber that is gone has no subscription (section 4.2.2); a refresh that fails leaves the old time to run
  // (section 4.1.2.2).
  if (passing.asked.message->method() == Method::kNotify) return on_notified(passing, 481);
  refuse(passing.asked, failure == sip::TransactionFailure::kTimeout ? 408 : 503, nullptr);
  bury_when_over();
}

void Subscription::on_notified(const Passing& passing, std::uint16_t status) {
  const std::uint16_t told = status < 300 ? status : outside_status(status);
  Message answer = far_->dialog->make_response(*passing.asked.message, told, "");
  answer.add_header(HeaderId::kServer, kSoftware);
  control_.respond(passing.asked.id, answer);
  if (passing.last || status == 481) end();
  bury_when_over();
}

/// The subscription goes on for so long, if nobody says otherwise.
void Subscription::run(std::uint64_t seconds) {
  const std::uint64_t longest_s = realm_of(near_).policy.outside.subscription_s_max;
  expiry_.set(control_.now_ns() + std::min(seconds, longest_s) * kSecondNs + kGraceNs, [this] { end(); });
}

void Subscription::end() {
  ended_ = true;
  expiry_.stop();
  bury_when_over();
}

void Subscription::bury_when_over() {
  if (over()) home_.bury_later(*this);
}

void Subscription::close() {
  if (ended_) return;
  end();
  if (far_ == nullptr) return;  // the first SUBSCRIBE is still to be answered
  Message notify = near_.dialog->make_request(Method::kNotify, near_.make_via(context_.tokens));
  notify.add_header(HeaderId::kEvent, sip::write(event_));
  notify.add_header(HeaderId::kSubscriptionState, "terminated;reason=deactivated");
  (void)context_.transactions.send_request(control_.now_ns(), std::move(notify), near_.dialog_hop(context_.paths));
  Message subscribe = far_->dialog->make_request(Method::kSubscribe, far_->make_via(context_.tokens));
  subscribe.add_header(HeaderId::kEvent, sip::write(event_));
  subscribe.add_header(HeaderId::kExpires, "0");
  (void)context_.transactions.send_request(control_.now_ns(), std::move(subscribe), far_->dialog_hop(context_.paths));
}

}  // namespace weir::controlplane
