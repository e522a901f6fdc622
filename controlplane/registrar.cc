#include "controlplane/registrar.h"

#include <openssl/rand.h>

#include <algorithm>
#include <ctime>
#include <map>

#include "controlplane/binding_store.h"
#include "controlplane/hex.h"
#include "controlplane/leg.h"
#include "controlplane/log.h"
#include "sip/name_addr.h"

namespace weir::controlplane {

namespace settings = proto::settings;
using sip::HeaderId;
using sip::Message;

namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
/// Lines about hostile or misconfigured phones; the others are counted in the next one.
constexpr std::uint32_t kWarningsPerSecond = 10;

/// RFC 3261 section 20.17: "Sat, 13 Nov 2010 23:29:00 GMT".
std::string date_text(std::int64_t unix_s) {
  const auto time = static_cast<std::time_t>(unix_s);
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

std::uint64_t seconds_left(std::uint64_t expires_ns, std::uint64_t now_ns) {
  return expires_ns <= now_ns ? 0 : (expires_ns - now_ns + kSecondNs - 1) / kSecondNs;
}

}  // namespace

proto::Result<std::unique_ptr<Registrar>> Registrar::create(RegistrarContext context, std::uint64_t now_ns) {
  proto::Result<UserDirectory> users = UserDirectory::load(context.settings);
  if (!users) return proto::Error{users.error()};
  proto::Result<BearerAuth> bearer = BearerAuth::create(context.settings);
  if (!bearer) return proto::Error{bearer.error()};
  std::unique_ptr<BindingStore> store;
  Secret<TemporaryGruus::Keys> keys;
  if (RAND_bytes(keys->data(), static_cast<int>(keys->size())) != 1) return proto::Error{"there is no randomness"};
  if (const std::string& path = context.settings.registrar.store; !path.empty()) {
    proto::Result<std::unique_ptr<BindingStore>> opened = BindingStore::open(path, to_hex(*keys));
    if (!opened) return proto::Error{opened.error()};
    store = std::move(opened).value();
    if (!from_hex(store->take_gruu_secret(), *keys)) {
      return proto::Error{"[registrar] store " + path + ": its secret is damaged"};
    }
  }
  return std::unique_ptr<Registrar>(new Registrar(std::move(context), std::move(users).value(), std::move(store),
                                                  std::move(bearer).value(), *keys, now_ns));
}

Registrar::Registrar(RegistrarContext context, UserDirectory users, std::unique_ptr<BindingStore> store,
                     BearerAuth bearer, const TemporaryGruus::Keys& keys, std::uint64_t now_ns)
    : context_(std::move(context)),
      users_(std::move(users)),
      auth_(context_.settings.registrar, users_),
      bearer_(std::move(bearer)),
      failures_(context_.settings.registrar.failures_per_min_per_source_max),
      unproven_(context_.settings.limits),
      proven_(context_.settings.limits),
      store_(std::move(store)),
      bindings_({context_.settings.registrar.contacts_per_user_max, context_.settings.registrar.bindings_max},
                store_.get()),
      gruus_(keys),
      tokens_(keys, context_.settings),
      now_ns_(now_ns) {
  bindings_.on_moved([this](const sip::Hop& gone, const sip::Hop& now) { on_moved(gone, now); });
  restore();
}

Registrar::~Registrar() = default;

/// A clock that was set back makes no binding last longer than it may.
void Registrar::restore() {
  if (store_ == nullptr) return;
  const std::int64_t now_s = context_.unix_time_s();
  for (BindingRecord& record : store_->take_loaded()) {
    const std::int64_t left_s =
        std::min<std::int64_t>(record.expires_at_s - now_s, context_.settings.registrar.expires_max_s);
    if (left_s <= 0) {
      store_->forget(record.number);
    } else {
      bindings_.restore({std::move(record), now_ns_ + static_cast<std::uint64_t>(left_s) * kSecondNs, std::nullopt});
    }
  }
  log_event(LogLevel::kInfo, "registrar", {{"event", "restored"}, {"bindings", std::uint64_t{bindings_.size()}}});
}

const settings::RealmRegistrarSettings& Registrar::realm_of(const Path& from) const {
  return context_.settings.realms[from.realm].registrar;
}

void Registrar::on_tick(std::uint64_t now_ns) {
  now_ns_ = now_ns;
  bindings_.expire(now_ns);
}

void Registrar::on_flow_gone(const sip::Hop& hop) {
  const std::size_t gone = bindings_.forget_flow(hop.handle);
  if (gone == 0) return;
  log_event(
      LogLevel::kInfo, "registrar",
      {{"event", "a WebSocket ended"}, {"bindings_gone", std::uint64_t{gone}}, {"peer", proto::to_string(hop.remote)}});
}

bool Registrar::is_user(const Path& from, const sip::NameAddr& caller) const {
  const settings::RealmRegistrarSettings& realm = realm_of(from);
  if (realm.domains.empty() || !realm.auth || from.hop.reliability != sip::Reliability::kReliable) return false;
  if (!caller.uri.is_sip() || std::count(realm.domains.begin(), realm.domains.end(), caller.uri.host) == 0)
    return false;
  const std::vector<const Binding*> bindings = alive(from.realm, caller.uri.user_text());
  return std::any_of(bindings.begin(), bindings.end(),
                     [&](const Binding* one) { return one->hop && one->hop->handle == from.hop.handle; });
}

std::vector<FlowName> Registrar::flows_over(const sip::Hop& hop) const {
  return bindings_.flows_over(hop.handle);
}

/// For as long as any registration lasts: how much of it was left nobody has written down.
void Registrar::await(const FlowName& flow, const sip::Hop& gone) {
  bindings_.await(flow, gone, now_ns_ + context_.settings.registrar.expires_max_s * kSecondNs);
}

/// Where nobody proves who they are anybody could say so, and have the calls of others.
void Registrar::on_moved(const sip::Hop& gone, const sip::Hop& now) {
  const std::optional<Path> path = context_.paths.arrival(now);
  if (path && realm_of(*path).auth && context_.succeed) context_.succeed(gone, now);
}

/// nullopt: within the rates.
std::optional<EarlyAnswer> Registrar::limit(Admission& admission, const Path& from) {
  const sip::AdmissionVerdict verdict = admission.decide(now_ns_, RequestKind::kRegister, from.hop.remote.address);
  if (verdict == sip::AdmissionVerdict::kAdmitted) return std::nullopt;
  ++counters_.limited;
  return EarlyAnswer{static_cast<std::uint16_t>(verdict == sip::AdmissionVerdict::kRefused ? 503 : 0), {}};
}

bool Registrar::Registrant::may_register(const std::string& address) const {
  return anybody || (user != nullptr && user->may_register_user(address)) || (!subject.empty() && subject == address);
}

BearerJudgement Registrar::judge_token(const Message& request, const Path& from) const {
  return bearer_.judge(from.realm, from.transport, request, context_.unix_time_s());
}

/// nullopt: the token is right.
std::optional<EarlyAnswer> Registrar::answer_bearer(const Message& request, const Path& from,
                                                    const BearerJudgement& judgement) {
  const bool right = judgement.verdict == BearerVerdict::kRight;
  if (auto over = limit(right ? proven_ : unproven_, from)) return over;
  if (right) return std::nullopt;
  ++counters_.failures;
  failures_.note(now_ns_, source_of(from.hop.remote.address));
  warn(judgement.reason, request, from, "");
  return challenge(from, false, true);
}

/// RFC 8898 section 2: what asks for a token comes first, where one may be sent.
EarlyAnswer Registrar::challenge(const Path& from, bool stale, bool wrong_token) {
  ++counters_.challenged;
  EarlyAnswer answer{401, {}};
  if (bearer_.serves(from.realm, from.transport)) {
    answer.headers.emplace_back(HeaderId::kWwwAuthenticate, bearer_.challenge(from.realm, wrong_token));
  }
  const Source source = source_of(from.hop.remote.address);
  for (std::string& value : auth_.challenges(now_ns_, domain_of(from), source, stale)) {
    answer.headers.emplace_back(HeaderId::kWwwAuthenticate, std::move(value));
  }
  answer.headers.emplace_back(HeaderId::kServer, kSoftware);
  return answer;
}

/// Whoever proves no password is answered here, and nothing is kept of it but a count of failures.
std::optional<EarlyAnswer> Registrar::answer_early(const Message& request, const Path& from) {
  if (realm_of(from).domains.empty()) return EarlyAnswer{405, {{HeaderId::kAllow, std::string(kAllowed)}}};
  if (!realm_of(from).upstream.empty()) return answer_early_upstream(from);
  if (!realm_of(from).auth || vouched(from) != nullptr) return limit(proven_, from);
  const Source source = source_of(from.hop.remote.address);
  if (failures_.blocks(now_ns_, source)) {
    ++counters_.blocked;
    return EarlyAnswer{503, {}};
  }
  if (const BearerJudgement token = judge_token(request, from); token.verdict != BearerVerdict::kMissing) {
    return answer_bearer(request, from, token);
  }
  const DigestJudgement judgement = auth_.judge(now_ns_, domain_of(from), request, source);
  if (auto over = limit(judgement.verdict == DigestVerdict::kRight ? proven_ : unproven_, from)) return over;
  switch (judgement.verdict) {
    case DigestVerdict::kRight:
      return std::nullopt;
    case DigestVerdict::kMissing:
      return challenge(from, false);
    case DigestVerdict::kStale:
      return challenge(from, true);
    case DigestVerdict::kWrong:
      ++counters_.failures;
      failures_.note(now_ns_, source);
      warn("wrong user or password", request, from, judgement.name);
      return challenge(from, false);
  }
  return EarlyAnswer{500, {}};
}

/// A token's time ends what it vouches for, not the connection.
const Vouched* Registrar::vouched(const Path& from) const {
  const Vouched* const who = context_.vouched ? context_.vouched(from.hop) : nullptr;
  return who != nullptr && who->expires_at_s > context_.unix_time_s() ? who : nullptr;
}

void Registrar::on_request(sip::TransactionId id, const Message& request, const Path& from) {
  if (!realm_of(from).upstream.empty()) return register_upstream(id, request, from);
  if (const Vouched* const who = vouched(from)) {
    std::string user = subject_user(who->subject, realm_of(from).domains);
    return register_contacts(id, request, from, {.subject = std::move(user), .until_s = who->expires_at_s});
  }
  if (!realm_of(from).auth) return register_contacts(id, request, from, {.anybody = true});
  if (const BearerJudgement token = judge_token(request, from); token.verdict == BearerVerdict::kRight) {
    const std::string user = subject_user(token.subject, realm_of(from).domains);
    return register_contacts(id, request, from, {.subject = user});
  }
  const Source source = source_of(from.hop.remote.address);
  const DigestJudgement judgement = auth_.judge(now_ns_, domain_of(from), request, source);
  if (judgement.verdict == DigestVerdict::kRight && auth_.commit(judgement)) {
    return register_contacts(id, request, from, {.user = judgement.user});
  }
  // Answered before: somebody repeats what a phone said.
  warn("replayed credentials", request, from, judgement.name);
  EarlyAnswer answer = challenge(from, true);
  refuse(id, request, from, {answer.status, "replayed credentials", std::move(answer.headers)});
}

void Registrar::register_contacts(sip::TransactionId id, const Message& request, const Path& from,
                                  const Registrant& registrant) {
  const settings::RealmRegistrarSettings& realm = realm_of(from);
  auto read = read_register(request, {context_.settings.registrar, realm, context_.may_be_sent_to});
  if (const auto* refusal = std::get_if<RegisterRefusal>(&read)) return refuse(id, request, from, *refusal);
  auto& wish = std::get<RegisterRequest>(read);
  // Section 10.3, step 4.
  if (!registrant.may_register(wish.user)) {
    return refuse(id, request, from, {403, "another user's address of record", {}});
  }
  for (ContactRequest& contact : wish.contacts) {
    const std::int64_t left_s = std::max<std::int64_t>(registrant.until_s - context_.unix_time_s(), 1);
    if (registrant.until_s != 0)
      contact.expires_s = static_cast<std::uint32_t>(std::min<std::int64_t>(contact.expires_s, left_s));
  }
  const Arrival arrival{now_ns_, context_.unix_time_s(), from, context_.settings.realms[from.realm].name, realm.nat};
  const std::size_t before = bindings_.size();
  if (const auto refusal = bindings_.apply(wish, arrival)) return refuse(id, request, from, *refusal);
  const std::size_t after = bindings_.size();
  log_event(before == after ? LogLevel::kDebug : LogLevel::kInfo, "registrar",
            {{"event", before == after  ? "refreshed"
                       : before < after ? "registered"
                                        : "unregistered"},
             {"user", wish.user},
             {"realm", arrival.realm},
             {"peer", proto::to_string(from.hop.remote)}});
  accept(id, request, from, wish);
}

/// Step 8: every binding there is, with what is left of it.
void Registrar::accept(sip::TransactionId id, const Message& request, const Path& from, const RegisterRequest& wish) {
  ++counters_.accepted;
  const settings::RealmRegistrarSettings& realm = realm_of(from);
  Message response = sip::make_response(request, 200, "OK", context_.tokens());
  if (const auto* bindings = bindings_.find({context_.settings.realms[from.realm].name, wish.user})) {
    for (const Binding& binding : *bindings) {
      const std::uint64_t left_s = seconds_left(binding.expires_ns, now_ns_);
      const std::string gruus = wish.gruu ? gruus_of(binding.record, from) : "";
      response.add_header(HeaderId::kContact, binding.record.contact + gruus + ";expires=" + std::to_string(left_s));
    }
  }
  if (!wish.path.empty()) response.add_header(HeaderId::kPath, wish.path);
  if (!realm.service_route.empty()) response.add_header(HeaderId::kServiceRoute, "<" + realm.service_route + ">");
  if (wish.outbound) {
    response.add_header(HeaderId::kRequire, "outbound");
    if (from.hop.reliability == sip::Reliability::kReliable)
      response.add_header("Flow-Timer", std::to_string(realm.flow_timer_s));
  }
  response.add_header(HeaderId::kSupported, "path, outbound, gruu");
  response.add_header(HeaderId::kDate, date_text(context_.unix_time_s()));
  response.add_header(HeaderId::kServer, kSoftware);
  context_.respond(id, response);
}

/// RFC 5627 section 5.3: the parameters that tell an instance its GRUUs; nothing for what is no instance.
std::string Registrar::gruus_of(const BindingRecord& record, const Path& from) const {
  const std::optional<sip::Uri> lasting = public_gruu(record.user, domain_of(from), record.instance);
  if (!lasting) return "";
  sip::Uri temporary = sip::make_sip_uri(gruus_.make({record.number, record.epoch}), domain_of(from));
  temporary.parameters.set("gr");
  return ";pub-gruu=\"" + write(*lasting) + "\";temp-gruu=\"" + write(temporary) + '"';
}

void Registrar::refuse(sip::TransactionId id, const Message& request, const Path& from,
                       const RegisterRefusal& refusal) {
  if (refusal.status != 401) {
    ++counters_.refused;
    warn(refusal.reason, request, from, "");
  }
  Message response = sip::make_response(request, refusal.status, "", context_.tokens());
  for (const auto& [header, value] : refusal.headers) response.add_header(header, value);
  if (refusal.status == 503) response.add_header(HeaderId::kRetryAfter, sip::kRetryAfterSeconds);
  if (refusal.status != 401) response.add_header(HeaderId::kServer, kSoftware);
  context_.respond(id, response);
}

void Registrar::warn(std::string_view event, const Message& request, const Path& from, std::string_view user) {
  if (!warnings_.has(now_ns_, kWarningsPerSecond)) return void(++warnings_suppressed_);
  warnings_.take(now_ns_, kWarningsPerSecond);
  log_event(LogLevel::kWarning, "registrar",
            {{"event", event},
             {"user", user},
             {"to", request.header(HeaderId::kTo).value_or("")},
             {"realm", context_.settings.realms[from.realm].name},
             {"peer", proto::to_string(from.hop.remote)},
             {"suppressed", warnings_suppressed_}});
  warnings_suppressed_ = 0;
}

std::vector<const Binding*> Registrar::alive(std::uint32_t realm, std::string_view user) const {
  if (realm >= context_.settings.realms.size()) return {};
  const auto* const found = bindings_.find({context_.settings.realms[realm].name, std::string(user)});
  if (found == nullptr) return {};
  std::vector<const Binding*> best_first;
  for (const Binding& binding : *found) {
    if (binding.expires_ns > now_ns_) best_first.push_back(&binding);
  }
  std::stable_sort(best_first.begin(), best_first.end(),
                   [](const Binding* a, const Binding* b) { return a->record.q > b->record.q; });
  return best_first;
}

std::vector<Target> Registrar::lookup(std::uint32_t realm, std::string_view user) {
  return targets_of(alive(realm, user), realm, false);
}

std::vector<Target> Registrar::lookup(const Instance& instance) {
  std::vector<const Binding*> best_first = alive(instance.realm, instance.user);
  std::erase_if(best_first, [&](const Binding* binding) {
    return !sip::equals_without_case(binding->record.instance, instance.instance);
  });
  return targets_of(best_first, instance.realm, true);
}

/// `one_instance`: all of them are its flows, or contacts that it has had.
std::vector<Target> Registrar::targets_of(const std::vector<const Binding*>& best_first, std::uint32_t realm,
                                          bool one_instance) {
  std::vector<Target> targets;
  std::map<std::string_view, std::size_t> instances;  // and their index in targets
  std::uint16_t q = kQMax;
  std::uint32_t rank = 0;
  for (const Binding* const binding : best_first) {
    std::optional<Target> target = target_of(*binding, realm);
    if (!target) continue;
    if (binding->record.reg_id != 0 || one_instance) {
      const auto [known, added] = instances.emplace(binding->record.instance, targets.size());
      if (!added) {
        targets[known->second].other_flows.push_back(*std::move(target));
        continue;
      }
    }
    if (!targets.empty() && binding->record.q != q) ++rank;
    q = binding->record.q;
    target->rank = rank;
    targets.push_back(*std::move(target));
  }
  return targets;
}

std::variant<std::monostate, Instance, Refusal> Registrar::resolve(const sip::Uri& gruu) const {
  const Refusal unknown{404, "no such GRUU"};
  std::string host = gruu.host;
  for (char& c : host) c = sip::lowered(c);
  const auto& realms = context_.settings.realms;
  const auto serves = [&](const settings::RealmSettings& realm) {
    return std::find(realm.registrar.domains.begin(), realm.registrar.domains.end(), host) !=
           realm.registrar.domains.end();
  };
  const auto home = std::find_if(realms.begin(), realms.end(), serves);
  if (!gruu.is_sip() || !gruu.parameters.has("gr") || home == realms.end()) return std::monostate{};
  const auto realm = static_cast<std::uint32_t>(home - realms.begin());
  if (const auto urn = gruu.parameters.value("gr")) {
    const std::string user = gruu.user_text();
    // Whether it was ever given out nobody remembers: it is a user's, and the instance may come back.
    const bool known = !home->registrar.auth || users_.has_address(home->registrar.domains.front(), user) ||
                       bindings_.find({home->name, user}) != nullptr;
    if (!known || user.empty()) return unknown;
    return Instance{realm, user, "\"<" + std::string(*urn) + ">\""};
  }
  const std::optional<GruuEpoch> made = gruus_.read(gruu.user);
  const Binding* const binding = made ? bindings_.find(made->binding) : nullptr;
  const bool good = binding != nullptr && binding->record.epoch == made->epoch && binding->expires_ns > now_ns_ &&
                    binding->record.realm == home->name;
  if (!good) return unknown;
  return Instance{realm, binding->record.user, binding->record.instance};
}

/// nullopt: its connection is gone, and nothing else leads there.
std::optional<Target> Registrar::target_of(const Binding& binding, std::uint32_t realm) {
  const BindingRecord& record = binding.record;
  const std::optional<sip::NameAddr> contact = sip::parse_name_addr(record.contact);
  if (!contact) return std::nullopt;
  Target target;
  target.uri = contact->uri;
  for (const std::string_view route : sip::split_list(record.path)) {
    if (auto hop = sip::parse_name_addr(route)) target.routes.push_back(*std::move(hop));
  }
  if (!target.routes.empty()) return target;
  const bool datagrams = record.transport == settings::SipTransport::kUdp;
  if (datagrams && !record.by_source) return target;
  if (binding.hop) {
    target.flow = context_.paths.arrival(*binding.hop);
  } else if (datagrams) {
    sip::Uri source = sip::make_sip_uri("", proto::to_string(record.source.address), record.source.port);
    source.parameters.set("transport", "udp");
    target.flow = context_.paths.towards(realm, source, nullptr);
  }
  if (record.by_source && !target.flow) return std::nullopt;
  return target;
}

}  // namespace weir::controlplane
