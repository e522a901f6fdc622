#include "controlplane/outside_requests.h"

#include <algorithm>

#include "controlplane/call_control.h"
#include "controlplane/log.h"
#include "controlplane/sips_policy.h"
#include "sip/event.h"

namespace weir::controlplane {

namespace settings = proto::settings;
using sip::HeaderId;
using sip::Message;
using sip::Method;

OutsideRequests::OutsideRequests(CallContext& context, CallControl& control)
    : context_(context), control_(control), realms_(context.settings.realms.size()) {}

OutsideRequests::~OutsideRequests() {
  subscriptions_.clear();  // they withdraw from by_dialog_
}

const settings::OutsidePolicy& OutsideRequests::policy_of(std::uint32_t realm) const {
  return context_.settings.realms[realm].policy.outside;
}

bool OutsideRequests::serves(Method method, std::uint32_t realm) const {
  return method == Method::kMessage ? policy_of(realm).messages : policy_of(realm).subscriptions;
}

void OutsideRequests::on_request(sip::TransactionId id, const Message& request, const Path& from) {
  const OutsideRequest asked{id, std::make_shared<Message>(request), from};
  const bool message = request.method() == Method::kMessage;
  if (const auto cause = message ? pass_message(asked) : begin_subscription(asked)) refuse(asked, *cause);
}

/// Where it goes; or why nowhere, as an INVITE would be told.
std::variant<Destination, EndCause> OutsideRequests::route(const OutsideRequest& request) {
  const std::uint32_t from = request.from.realm;
  if (control_.draining()) return EndCause{503, "the border is being drained"};
  if (request.message->max_forwards() == 0) return EndCause{483, "too many hops"};
  if (!unsupported_options(*request.message).empty()) {
    return EndCause{420, "an extension is required that is not here"};
  }
  const std::uint32_t rate_per_s = policy_of(from).requests_per_s_max;
  if (!realms_[from].rate.has(control_.now_ns(), rate_per_s)) return EndCause{503, "too many requests of the realm"};
  realms_[from].rate.take(control_.now_ns(), rate_per_s);
  std::variant<Destination, Refusal> routed = control_.route(request.from, *request.message);
  if (auto* refusal = std::get_if<Refusal>(&routed)) return EndCause{refusal->status, std::move(refusal->reason)};
  return std::get<Destination>(std::move(routed));
}

std::optional<EndCause> OutsideRequests::check_body(const OutsideRequest& request) const {
  const bool fits = request.message->body().size() <= policy_of(request.from.realm).message_bytes_max;
  return fits ? std::nullopt : std::optional(EndCause{413, "the body is too long"});
}

std::optional<EndCause> OutsideRequests::pass_message(const OutsideRequest& request) {
  if (auto cause = check_body(request)) return cause;
  std::variant<Destination, EndCause> routed = route(request);
  if (auto* cause = std::get_if<EndCause>(&routed)) return std::move(*cause);
  ++realms_[request.from.realm].messages;
  auto message = std::make_unique<PassedMessage>(context_, control_, *this, ++number_last_, request,
                                                 std::get<Destination>(std::move(routed)));
  messages_.emplace(number_last_, std::move(message)).first->second->start();
  return std::nullopt;
}

/// RFC 6665 sections 4.2.1.1 and 8.3.2.
std::optional<EndCause> OutsideRequests::check_event(const Message& request, std::uint32_t realm) const {
  const std::vector<std::string>& allowed = policy_of(realm).events;
  const std::optional<sip::Event> event = sip::parse_event(request.header(HeaderId::kEvent).value_or(""));
  if (!event) return EndCause{489, "no event package is named"};
  const bool known = allowed.empty() || std::find(allowed.begin(), allowed.end(), event->type) != allowed.end();
  return known ? std::nullopt : std::optional(EndCause{489, "the realm does not allow the event package"});
}

/// nullopt: there are as many already as there may be.
std::optional<SubscriptionSlots> OutsideRequests::take_slots(const Path& from) {
  const settings::OutsidePolicy& policy = policy_of(from.realm);
  const Occupancy& realm = realms_[from.realm].subscriptions_now;
  if (*realm >= policy.subscriptions_max) return std::nullopt;
  Occupancy& source = sources_[{from.realm, source_of(from.hop.remote.address)}];
  if (source == nullptr) source = std::make_shared<std::uint32_t>(0);
  if (*source >= policy.subscriptions_per_source_max) return std::nullopt;
  return SubscriptionSlots{CallSlot(realm), CallSlot(source)};
}

std::optional<EndCause> OutsideRequests::begin_subscription(const OutsideRequest& request) {
  if (auto cause = check_event(*request.message, request.from.realm)) return cause;
  if (auto cause = check_body(request)) return cause;
  std::optional<sip::Dialog> dialog = sip::Dialog::from_request(
      *request.message, context_.tokens(), Leg(Side::kCaller, request.from).contact(is_sips(*request.message)));
  if (!dialog) return EndCause{400, "the SUBSCRIBE has no usable Contact"};
  std::variant<Destination, EndCause> routed = route(request);
  if (auto* cause = std::get_if<EndCause>(&routed)) return std::move(*cause);
  std::optional<SubscriptionSlots> slots = take_slots(request.from);
  if (!slots) return EndCause{503, "too many subscriptions"};
  ++realms_[request.from.realm].subscriptions;
  auto subscription =
      std::make_unique<Subscription>(context_, control_, *this, ++number_last_, request, *std::move(dialog),
                                     *std::move(slots), std::get<Destination>(std::move(routed)));
  subscriptions_.emplace(number_last_, std::move(subscription)).first->second->start();
  return std::nullopt;
}

void OutsideRequests::refuse(const OutsideRequest& request, const EndCause& cause) {
  const Message& message = *request.message;
  Realm& realm = realms_[request.from.realm];
  ++(message.method() == Method::kMessage ? realm.messages_refused : realm.subscriptions_refused);
  if (control_.may_log(LineKind::kOutsideRefused)) {
    log_event(LogLevel::kWarning, "sip",
              {{"event", std::string(message.method_name()) + " refused"},
               {"status", std::uint32_t{cause.status}},
               {"reason", cause.text},
               {"uri", message.request_uri_text()},
               {"peer", proto::to_string(request.from.hop.remote)}});
  }
  const std::vector<std::string>& events = policy_of(request.from.realm).events;
  if (cause.status != 489 || events.empty()) return control_.answer(request.id, message, cause.status, cause.text);
  Message answer = sip::make_response(message, cause.status, "", context_.tokens());
  for (const std::string& event : events) answer.add_header(HeaderId::kAllowEvents, event);
  answer.add_header(HeaderId::kServer, kSoftware);
  control_.respond(request.id, answer);
}

bool OutsideRequests::on_request_within(sip::TransactionId id, const Message& request, const sip::Hop& source) {
  const auto found = by_dialog_.find({std::string(request.call_id()), std::string(request.to_tag())});
  if (found == by_dialog_.end()) return false;
  const std::optional<Path> from = context_.paths.arrival(source);
  if (!from) return false;
  found->second->on_request({id, std::make_shared<Message>(request), *from});
  return true;
}

void OutsideRequests::own(const std::string& call_id, const std::string& local_tag, Subscription& subscription) {
  by_dialog_[{call_id, local_tag}] = &subscription;
}

void OutsideRequests::disown(const std::string& call_id, const std::string& local_tag) {
  by_dialog_.erase({call_id, local_tag});
}

void OutsideRequests::close_all() {
  for (const auto& [number, subscription] : subscriptions_) subscription->close();
}

void OutsideRequests::bury() {
  for (const std::uint64_t number : dead_messages_) messages_.erase(number);
  dead_messages_.clear();
  for (const std::uint64_t number : dead_subscriptions_) {
    const auto dead = subscriptions_.find(number);
    if (dead == subscriptions_.end()) continue;
    const auto source = sources_.find({dead->second->realm(), dead->second->source()});
    subscriptions_.erase(dead);
    if (source != sources_.end() && *source->second == 0) sources_.erase(source);
  }
  dead_subscriptions_.clear();
}

boost::json::object OutsideRequests::view(std::uint32_t realm) const {
  const Realm& its = realms_[realm];
  return {{"messages", its.messages},
          {"messages_refused", its.messages_refused},
          {"subscriptions_now", *its.subscriptions_now},
          {"subscriptions", its.subscriptions},
          {"subscriptions_refused", its.subscriptions_refused}};
}

}  // namespace weir::controlplane
