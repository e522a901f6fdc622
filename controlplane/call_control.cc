#include "controlplane/call_control.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>

#include "controlplane/call.h"
#include "controlplane/call_detail.h"
#include "controlplane/call_journal.h"
#include "controlplane/flow_register.h"
#include "controlplane/log.h"
#include "controlplane/outside_requests.h"
#include "controlplane/register_relay.h"
#include "controlplane/sips_policy.h"
#include "controlplane/trunks.h"
#include "sip/ice_fragment.h"
#include "sip/limits.h"
#include "sip/replaces.h"
#include "sip/text.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;
using sip::Method;

namespace {

/// How often calls look at the clock.
constexpr std::uint64_t kSweepNs = 1'000'000'000;
/// Ending calls looked at with each entry. One entry may end a few; a call takes a dozen entries.
constexpr std::size_t kLookedAtMax = 4;

/// What may come outside a dialog, as a 405 there says it; what else kAllowed names is of dialogs.
constexpr std::string_view kAllowedOutside = "INVITE, ACK, CANCEL, OPTIONS";

/// Of a dialog that there is not: RFC 3261 section 12.2.2, RFC 3262 section 3, RFC 3311 section 5.2, RFC 6086 section
/// 4.2.2, RFC 6665 section 4.1.3.
bool needs_dialog(Method method) {
  return method == Method::kBye || method == Method::kPrack || method == Method::kUpdate || method == Method::kInfo ||
         method == Method::kNotify;
}

bool is_known_here(Method method) {
  return method == Method::kInvite || method == Method::kAck || method == Method::kCancel || method == Method::kOptions;
}

/// RFC 3261 section 8.2.2.1.
bool scheme_is_known(const Message& request) {
  const std::optional<sip::Uri> uri = sip::parse_uri(request.request_uri_text());
  return uri && uri->scheme != sip::Scheme::kOther;
}

}  // namespace

std::string unsupported_options(const Message& request) {
  std::string list;
  const std::vector<std::string_view> known = sip::split_list(kSupported);
  for (const std::string_view tag : request.values(HeaderId::kRequire)) {
    const auto is_tag = [tag](std::string_view one) { return sip::equals_without_case(one, tag); };
    if (std::any_of(known.begin(), known.end(), is_tag) || is_tag(sip::kTrickleIce)) continue;
    list += (list.empty() ? "" : ", ") + std::string(tag);
  }
  return list;
}

CallControl::CallControl(const proto::settings::Settings& settings, MediaEngine& media, PathFinder& paths,
                         const Policy& policy, sip::MessageSender& sender, sip::TokenSource tokens,
                         CallJournal* journal)
    : tokens_(std::move(tokens)),
      transactions_({.timers = {}, .transactions_max = settings.control.transactions_max}, sender, *this, tokens_),
      context_{settings, media, paths, policy, transactions_, tokens_, alarms_, nullptr, journal},
      admission_(settings.limits),
      gate_(settings.limits, transactions_, sender, tokens_()),
      realm_calls_(settings),
      outside_(std::make_unique<OutsideRequests>(context_, *this)),
      relays_(std::make_unique<RegisterRelays>(context_, *this)),
      by_dialog_(0, sip::DialogIdHash{proto::make_sip_hash_key(tokens_())}) {
  set_handler(Method::kMessage, *outside_);
  set_handler(Method::kSubscribe, *outside_);
}

CallControl::~CallControl() {
  calls_.clear();
  outside_.reset();
  relays_.reset();
}

bool CallControl::idle() const {
  return calls_.empty() && outside_->idle() && relays_->idle() && transactions_.size() == 0;
}

void CallControl::on_message(std::uint64_t now_ns, Message message, const sip::Hop& source) {
  now_ns_ = now_ns;
  transactions_.on_message(now_ns, std::move(message), source);
  bury_the_dead();
}

void CallControl::on_malformed(std::uint64_t now_ns, const sip::ParseError& error, const sip::Hop& source) {
  now_ns_ = now_ns;
  if (may_log(LineKind::kMalformed)) {
    log_event(LogLevel::kWarning, "sip",
              {{"event", "malformed"},
               {"peer", proto::to_string(source.remote)},
               {"status", std::uint32_t{error.status}},
               {"reason", error.reason}});
  }
  if (!admission_.may_answer_malformed(now_ns, source.remote.address)) return;
  transactions_.respond_statelessly(error.fragment, source, error.status, error.reason);
}

void CallControl::on_transport_error(std::uint64_t now_ns, const sip::Hop& hop) {
  now_ns_ = now_ns;
  transactions_.on_transport_error(now_ns, hop);
  bury_the_dead();
}

bool CallControl::on_tick(std::uint64_t now_ns, std::uint64_t lag_ns) {
  now_ns_ = now_ns;
  gate_.on_tick(now_ns, lag_ns);
  transactions_.on_timer(now_ns);
  alarms_.run(now_ns);
  if (context_.trunks != nullptr) context_.trunks->on_tick(now_ns);
  const bool busy = context_.media.poll(now_ns) > 0;
  if (now_ns >= sweep_ns_) {
    sweep_ns_ = now_ns + kSweepNs;
    for (auto& [number, call] : calls_) call->on_clock();
    report_refusals();
    lines_.report();
    gate_.report();
  }
  settle_changed();
  bury_the_dead();
  return busy;
}

std::optional<std::uint64_t> CallControl::next_deadline_ns() const {
  const std::optional<std::uint64_t> transactions = transactions_.next_deadline_ns();
  const std::optional<std::uint64_t> alarms = alarms_.next_deadline_ns();
  return transactions && alarms ? std::min(*transactions, *alarms) : transactions ? transactions : alarms;
}

void CallControl::end_all(std::uint64_t now_ns, std::string_view reason) {
  now_ns_ = now_ns;
  ending_ = true;
  for (auto& [number, call] : calls_) call->end({503, std::string(reason)});
  outside_->close_all();
  bury_the_dead();
}

bool CallControl::end_call(std::uint64_t now_ns, std::uint64_t number, std::string_view reason) {
  now_ns_ = now_ns;
  const auto found = calls_.find(number);
  if (found == calls_.end() || found->second->ending()) return false;
  found->second->end({200, std::string(reason)});
  bury_the_dead();
  return true;
}

/// Null: nobody takes it in that realm.
RequestHandler* CallControl::handler_of(Method method, std::uint32_t realm) const {
  const auto handler = handlers_.find(method);
  return handler != handlers_.end() && handler->second->serves(method, realm) ? handler->second : nullptr;
}

/// What the handler of its method answers at once costs no transaction. Under overload what goes on to somebody else is
/// refused as calls are; the registrar answers itself, within rates of its own.
sip::AdmissionVerdict CallControl::admit_to_handler(const Message& request, const sip::Hop& source) {
  if (!handlers_.contains(request.method())) return sip::AdmissionVerdict::kAdmitted;
  const std::optional<Path> from = context_.paths.arrival(source);
  if (!from) return sip::AdmissionVerdict::kIgnored;
  RequestHandler* const handler = handler_of(request.method(), from->realm);
  if (handler == nullptr) return sip::AdmissionVerdict::kAdmitted;
  const std::optional<EarlyAnswer> answer = handler->answer_early(request, *from);
  if (!answer) {
    const bool let_in = request.method() == Method::kRegister || gate_.admit(now_ns_);
    return let_in ? sip::AdmissionVerdict::kAdmitted : sip::AdmissionVerdict::kRefused;
  }
  if (answer->status == 0) return sip::AdmissionVerdict::kIgnored;
  transactions_.respond_statelessly(request, source, answer->status, "", answer->headers);
  return sip::AdmissionVerdict::kAnswered;
}

sip::AdmissionVerdict CallControl::admit(const Message& request, const sip::Hop& source) {
  const std::optional<RequestKind> kind = kind_of(request);
  if (!kind) return sip::AdmissionVerdict::kAdmitted;
  // The registrar has rates of its own: one for those who have shown a password, one for the rest.
  if (*kind == RequestKind::kRegister && handlers_.contains(Method::kRegister))
    return admit_to_handler(request, source);
  const sip::AdmissionVerdict admission = admission_.decide(now_ns_, *kind, source.remote.address);
  if (admission != sip::AdmissionVerdict::kAdmitted) {
    refused_last_ = source.remote;
    return admission;
  }
  if (*kind != RequestKind::kInvite) return admit_to_handler(request, source);
  return gate_.admit(now_ns_) ? admission : sip::AdmissionVerdict::kRefused;
}

/// A flood is one line a second, not one for each INVITE of it.
void CallControl::report_refusals() {
  const AdmissionCounters& now = admission_.counters();
  const AdmissionCounters& before = refusals_reported_;
  const std::uint64_t refused = now.invites_refused - before.invites_refused;
  const std::uint64_t ignored = now.invites_ignored - before.invites_ignored;
  const std::uint64_t others_refused = now.requests_refused - before.requests_refused;
  const std::uint64_t others_ignored = now.requests_ignored - before.requests_ignored;
  refusals_reported_ = now;
  if (refused + ignored + others_refused + others_ignored == 0) return;
  log_event(LogLevel::kWarning, "sip",
            {{"event", "requests over the limit"},
             {"invites_refused", refused},
             {"invites_ignored", ignored},
             {"others_refused", others_refused},
             {"others_ignored", others_ignored},
             {"last_peer", proto::to_string(refused_last_)}});
}

void CallControl::on_request(sip::TransactionId id, const Message& request, const sip::Hop& source) {
  if (request.to_tag().empty()) {
    if (request.method() == Method::kInvite) return on_new_invite(id, request, source);
    return on_request_outside_dialog(id, request, source);
  }
  const auto found = by_dialog_.find(sip::dialog_id_of(request));
  if (found == by_dialog_.end()) {
    if (!outside_->on_request_within(id, request, source)) answer(id, request, 481, "");
    return;
  }
  const sip::DialogId dialog = found->first;  // the call may give it up
  found->second->on_request(id, request, dialog, source);
}

std::optional<sip::TransactionId> CallControl::request(Requester& requester, Message request, const sip::Hop& hop) {
  const std::optional<sip::TransactionId> id = transactions_.send_request(now_ns_, std::move(request), hop);
  if (id) requests_[*id] = &requester;
  return id;
}

void CallControl::disown(sip::TransactionId id) {
  if (requests_.erase(id) != 0) transactions_.take_no_more(id);
  invites_.erase(id);
}

void CallControl::respond(sip::TransactionId id, const Message& response) {
  (void)transactions_.respond(now_ns_, id, response);
}

void CallControl::on_request_outside_dialog(sip::TransactionId id, const Message& request, const sip::Hop& source) {
  if (!scheme_is_known(request)) return answer(id, request, 416, "");
  const std::optional<Path> from = context_.paths.arrival(source);
  if (!from) return transactions_.abandon(id);
  if (RequestHandler* const handler = handler_of(request.method(), from->realm)) {
    return handler->on_request(id, request, *from);
  }
  if (request.method() == Method::kUnknown) return refuse_method(id, request, 501, from->realm);
  if (needs_dialog(request.method())) return answer(id, request, 481, "");
  if (request.method() == Method::kRefer) return answer(id, request, 403, "a REFER outside a call");
  if (!is_known_here(request.method())) return refuse_method(id, request, 405, from->realm);
  if (!unsupported_options(request).empty()) return answer(id, request, 420, "");
  Message response = sip::make_response(request, 200, "OK", tokens_());
  response.add_header(HeaderId::kAllow, allowed(kAllowed, from->realm));
  response.add_header(HeaderId::kAccept, "application/sdp");
  response.add_header(HeaderId::kServer, kSoftware);
  (void)transactions_.respond(now_ns_, id, response);
}

std::variant<Destination, Refusal> CallControl::route(const Path& from, const Message& request) const {
  if (auto refusal = check_sips(context_.settings.realms[from.realm], from, request)) return *std::move(refusal);
  auto token = context_.flows != nullptr ? context_.flows->route_by_token(from, request) : std::nullopt;
  std::variant<Destination, Refusal> routed = token ? *std::move(token) : context_.policy.route(from.realm, request);
  if (auto* destination = std::get_if<Destination>(&routed)) {
    destination->sips = is_sips(request) || wants_sips(context_.settings.realms[destination->to_realm]);
  }
  return routed;
}

/// 405 or 501, with the methods that there are.
void CallControl::refuse_method(sip::TransactionId id, const Message& request, std::uint16_t status,
                                std::uint32_t realm) {
  Message response = sip::make_response(request, status, "", tokens_());
  response.add_header(HeaderId::kAllow, allowed(status == 405 ? kAllowedOutside : kAllowed, realm));
  response.add_header(HeaderId::kServer, kSoftware);
  respond(id, response);
}

/// With the methods that have handlers.
std::string CallControl::allowed(std::string_view without, std::uint32_t realm) const {
  std::string list(without);
  const std::vector<std::string_view> known = sip::split_list(without);
  for (const auto& [method, handler] : handlers_) {
    const std::string_view name = sip::to_string(method);
    const bool listed = std::find(known.begin(), known.end(), name) != known.end();
    if (!listed && handler->serves(method, realm)) list += ", " + std::string(name);
  }
  return list;
}

void CallControl::on_new_invite(sip::TransactionId id, const Message& request, const sip::Hop& source) {
  const auto refuse_with = [&](std::uint16_t status, std::string_view reason) {
    ++counters_.calls_refused;
    write_detail(request, source, {status, std::string(reason)});
    if (may_log(LineKind::kInviteRefused)) {
      log_event(LogLevel::kWarning, "call",
                {{"event", "refused"},
                 {"status", std::uint32_t{status}},
                 {"reason", reason},
                 {"uri", request.request_uri_text()},
                 {"peer", proto::to_string(source.remote)}});
    }
    if (status != 422) return answer(id, request, status, reason);
    Message response = sip::make_response(request, status, "", tokens_());
    const std::uint32_t realm = context_.paths.arrival(source)->realm;
    response.add_header(HeaderId::kMinSe, std::to_string(context_.settings.realms[realm].policy.session.min_s));
    respond(id, response);
  };
  const std::optional<Path> from = context_.paths.arrival(source);
  if (!from) return transactions_.abandon(id);
  if (ending_) return refuse_with(503, "shutting down");
  if (draining_) return refuse_with(503, "no new calls: the border is being drained");
  if (calls_.size() >= context_.settings.control.calls_max) return refuse_with(503, "too many calls");
  if (request.max_forwards() == 0) return refuse_with(483, "too many hops");
  if (!unsupported_options(request).empty()) return refuse_with(420, "an extension is required that is not here");
  if (const auto replaces = request.header(HeaderId::kReplaces)) {
    if (const auto cause = replace_party(id, request, *from, *replaces)) refuse_with(cause->status, cause->text);
    return;
  }
  const std::variant<Destination, Refusal> routed = route(*from, request);
  if (const auto* refusal = std::get_if<Refusal>(&routed)) {
    if (refusal->status == 404 && !scheme_is_known(request)) return refuse_with(416, "no route for such a URI");
    return refuse_with(refusal->status, refusal->reason);
  }
  const Destination& destination = std::get<Destination>(routed);
  std::variant<CallSlot, Refusal> in = realm_calls_.begin(now_ns_, from->realm, CallDirection::kIn);
  if (const auto* refusal = std::get_if<Refusal>(&in)) return refuse_with(refusal->status, refusal->reason);
  std::variant<CallSlot, Refusal> out = realm_calls_.begin(now_ns_, destination.to_realm, CallDirection::kOut);
  if (const auto* refusal = std::get_if<Refusal>(&out)) return refuse_with(refusal->status, refusal->reason);
  auto call = std::make_unique<Call>(context_, *this, number_last_ + 1, now_ns_);
  call->hold_places(std::get<CallSlot>(std::move(in)), std::get<CallSlot>(std::move(out)));
  if (const auto cause = call->begin(id, request, *from, destination)) {
    return refuse_with(cause->status, cause->text);
  }
  ++number_last_;
  ++counters_.calls;
  own_invite(id, *call);
  calls_.emplace(number_last_, std::move(call));
}

/// Of an INVITE that became no call.
void CallControl::write_detail(const Message& invite, const sip::Hop& source, const EndCause& cause) const {
  if (context_.recorder == nullptr) return;
  const std::optional<Path> from = context_.paths.arrival(source);
  boost::json::object record{{"call", nullptr}};
  const boost::json::object detail =
      make_detail(origin_of(invite), {now_ns_, 0, now_ns_}, cause.status, {}, cause, context_.recorder->unix_ms());
  record.insert(detail.begin(), detail.end());
  record["caller"] = boost::json::object{
      {"realm", from ? boost::json::value(context_.settings.realms[from->realm].name) : boost::json::value(nullptr)},
      {"sip_peer", proto::to_string(source.remote)},
      {"call_id", detail_text(invite.call_id())}};
  context_.recorder->write(record);
}

void CallControl::answer(sip::TransactionId id, const Message& request, std::uint16_t status, std::string_view reason) {
  Message response = sip::make_response(request, status, "", tokens_());
  if (!reason.empty()) response.add_header(HeaderId::kReason, reason_header(status, reason));
  if (status == 415) response.add_header(HeaderId::kAccept, "application/sdp");
  if (status == 420) response.add_header(HeaderId::kUnsupported, unsupported_options(request));
  if (status == 503) response.add_header(HeaderId::kRetryAfter, sip::kRetryAfterSeconds);
  response.add_header(HeaderId::kServer, kSoftware);
  (void)transactions_.respond(now_ns_, id, response);
}

void CallControl::on_cancel(sip::TransactionId id, const Message& cancel) {
  if (const auto call = invites_.find(id); call != invites_.end()) call->second->on_cancel(id, cancel);
}

void CallControl::on_ack(const Message& ack, const sip::Hop&) {
  const auto found = by_dialog_.find(sip::dialog_id_of(ack));
  if (found == by_dialog_.end()) return;
  const sip::DialogId dialog = found->first;
  found->second->on_ack(dialog, ack);
}

void CallControl::on_response(sip::TransactionId id, const Message& response, const sip::Hop&) {
  if (const auto sent = requests_.find(id); sent != requests_.end()) sent->second->on_response(id, response);
}

void CallControl::on_failure(sip::TransactionId id, sip::TransactionFailure failure) {
  if (const auto sent = requests_.find(id); sent != requests_.end()) return sent->second->on_failure(id, failure);
  if (const auto call = invites_.find(id); call != invites_.end()) call->second->on_answer_failure(id, failure);
}

void CallControl::on_terminated(sip::TransactionId id) {
  disown(id);
}

/// RFC 3891 section 3: the dialog is named as its receiver, which we are, sees it.
std::optional<EndCause> CallControl::replace_party(sip::TransactionId id, const Message& invite, const Path& from,
                                                   std::string_view replaces) {
  if (const auto refusal = check_sips(context_.settings.realms[from.realm], from, invite)) {
    return EndCause{refusal->status, refusal->reason};
  }
  const std::optional<sip::Replaces> named = sip::parse_replaces(replaces);
  if (!named) return EndCause{400, "a malformed Replaces"};
  const auto found = by_dialog_.find({named->call_id, named->to_tag, named->from_tag});
  if (found == by_dialog_.end()) return EndCause{481, "there is no such dialog to be replaced"};
  const sip::DialogId dialog = found->first;
  return found->second->on_replaces(id, invite, from, dialog, named->early_only);
}

std::optional<sip::DialogId> CallControl::far_dialog(const sip::DialogId& dialog) const {
  const auto found = by_dialog_.find(dialog);
  if (found == by_dialog_.end()) return std::nullopt;
  const Leg* const near = found->second->leg_of(dialog);
  const Leg* const far = near != nullptr ? found->second->far(*near) : nullptr;
  return far != nullptr && far->dialog ? std::optional(far->dialog->id()) : std::nullopt;
}

CallControl::Participant CallControl::named_in_refer(const sip::Replaces& replaces) const {
  if (const auto found = by_dialog_.find({replaces.call_id, replaces.to_tag, replaces.from_tag});
      found != by_dialog_.end()) {
    return {found->second, found->second->leg_of(found->first)};
  }
  const auto found = by_dialog_.find({replaces.call_id, replaces.from_tag, replaces.to_tag});
  const Leg* const target = found != by_dialog_.end() ? found->second->leg_of(found->first) : nullptr;
  if (target == nullptr) return {};
  return {found->second, found->second->far(*target)};
}

void CallControl::bury_when_over(const Call& call) {
  dying_.push_back(call.number());
}

/// Calls that have nothing more to say go; their transactions linger without them, to absorb retransmissions. A few of
/// those that are ending are looked at with each entry, in turn: a crowd that waits for the last word of silent parties
/// costs the others nothing.
void CallControl::bury_the_dead() {
  outside_->bury();
  relays_->bury();
  for (std::size_t left = std::min(dying_.size(), kLookedAtMax); left > 0; --left) {
    const std::uint64_t number = dying_.front();
    dying_.pop_front();
    const auto call = calls_.find(number);
    if (call == calls_.end()) continue;
    if (call->second->over()) {
      calls_.erase(call);
    } else {
      dying_.push_back(number);
    }
  }
}

boost::json::value CallControl::calls_view(std::uint64_t now_ns) const {
  boost::json::array calls;
  for (const auto& [number, call] : calls_) calls.push_back(call->summary(now_ns));
  return calls;
}

boost::json::value CallControl::dialogs_view(std::uint64_t now_ns) const {
  boost::json::array dialogs;
  for (const auto& [number, call] : calls_) call->add_dialogs(dialogs, now_ns);
  return dialogs;
}

std::optional<boost::json::value> CallControl::call_view(std::uint64_t number, std::uint64_t now_ns) const {
  const auto found = calls_.find(number);
  if (found == calls_.end()) return std::nullopt;
  return found->second->details(now_ns);
}

}  // namespace weir::controlplane
