#include "controlplane/trunks.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "controlplane/leg.h"
#include "controlplane/log.h"

namespace weir::controlplane {

namespace json = boost::json;
using sip::Message;

namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
/// So much later than the one before it each member is asked first: a hundred of them are no burst.
constexpr std::uint64_t kFirstCheckNs = 10'000'000;

/// Asks a member whether it is there (RFC 3261 section 11.1).
Message make_options(const Path& way, const sip::Uri& target, const sip::TokenSource& tokens) {
  const Leg ours(Side::kCallee, way);
  sip::RequestHead head;
  head.method = sip::Method::kOptions;
  head.request_uri = sip::write(target);
  head.via = ours.make_via(tokens);
  head.from.uri = ours.contact().uri;
  head.from.uri.parameters = {};
  head.from.set_tag(tokens());
  head.to.uri = target;
  head.to.uri.parameters = {};
  head.call_id = tokens();
  Message request = sip::make_request(head);
  request.add_header(sip::HeaderId::kContact, sip::write(ours.contact()));
  request.add_header(sip::HeaderId::kAccept, "application/sdp");
  request.add_header(sip::HeaderId::kUserAgent, kSoftware);
  return request;
}

}  // namespace

struct Trunks::Member {
  Member(TrunkMember number, const proto::settings::TrunkCheck& how) : id(number), health(how) {}

  TrunkMember id;
  std::string trunk;
  std::string written;  ///< its URI in the configuration
  std::uint32_t realm = 0;
  sip::Uri uri;
  Ranked rank;
  std::uint32_t interval_s = 0;
  std::uint32_t timeout_s = 0;
  MemberHealth health;
  std::uint64_t check_ns = 0;               ///< when the next check is due
  bool asking = false;                      ///< a check is under way
  std::vector<Path> ways;                   ///< of it, that are left; the next one last
  std::optional<sip::TransactionId> check;  ///< of it: the OPTIONS that waits for its answer
  std::uint64_t check_until_ns = 0;         ///< and how long
  std::string last_answer;
  std::uint64_t calls = 0;  ///< ever
  Occupancy calls_now = std::make_shared<std::uint32_t>(0);
};

struct Trunks::Trunk {
  proto::settings::CallLimits limits;
  bool refuse_when_down = false;
  std::optional<DigestClient> digest;
  RateLimit rate;
  std::vector<Member*> members;
};

Trunks::Trunks(TrunkPorts ports) : ports_(std::move(ports)) {}

Trunks::~Trunks() {
  for (const auto& [id, number] : checks_) ports_.disown(id);
}

void Trunks::set(std::vector<TrunkPlan> plans) {
  Members before = std::move(members_);
  members_.clear();
  std::map<std::string, Trunk, std::less<>> trunks;
  for (TrunkPlan& plan : plans) {
    Trunk trunk;
    if (const auto same = trunks_.find(plan.settings.name); same != trunks_.end()) trunk = std::move(same->second);
    trunk.limits = plan.settings.calls;
    trunk.refuse_when_down = plan.settings.refuse_when_down;
    const bool same_account = trunk.digest && plan.account && trunk.digest->account() == *plan.account;
    if (!same_account) trunk.digest.reset();
    if (!same_account && plan.account) trunk.digest.emplace(*std::move(plan.account));
    trunk.members.clear();
    for (std::size_t i = 0; i < plan.targets.size(); ++i) trunk.members.push_back(&take(before, plan, i));
    trunks.emplace(plan.settings.name, std::move(trunk));
  }
  trunks_ = std::move(trunks);
  for (const auto& [number, gone] : before) {
    if (gone && gone->check) forget_check(*gone);
  }
}

/// The member of that target: the one there was, or a new one.
Trunks::Member& Trunks::take(Members& before, const TrunkPlan& plan, std::size_t target) {
  const proto::settings::TrunkTarget& written = plan.settings.targets[target];
  std::unique_ptr<Member> member;
  for (auto& [number, old] : before) {
    if (old && old->trunk == plan.settings.name && old->written == written.uri) member = std::move(old);
  }
  if (!member) {
    member = std::make_unique<Member>(TrunkMember{++number_last_}, plan.settings.check);
    member->check_ns = now_ns_ + number_last_ % 100 * kFirstCheckNs;
  }
  member->trunk = plan.settings.name;
  member->written = written.uri;
  member->realm = plan.realm;
  member->uri = plan.targets[target];
  member->rank = {written.priority, written.weight};
  member->interval_s = plan.settings.check.interval_s;
  member->timeout_s = plan.settings.check.timeout_s;
  member->health.set_check(plan.settings.check);
  return *members_.emplace(member->id.number, std::move(member)).first->second;
}

void Trunks::on_tick(std::uint64_t now_ns) {
  now_ns_ = now_ns;
  for (const auto& [number, member] : members_) {
    if (member->check && now_ns >= member->check_until_ns) {
      forget_check(*member);
      ask_next(*member, "no answer");
    }
    const bool due = member->interval_s != 0 && now_ns >= member->check_ns && !member->asking;
    if (due && member->health.may_be_asked(now_ns)) check(*member);
  }
}

/// A member is up if it answers at one of the addresses its URI leads to: calls try all of them too.
void Trunks::check(Member& member) {
  member.check_ns = now_ns_ + member.interval_s * kSecondNs;
  member.asking = true;
  const std::weak_ptr<int> alive = alive_;
  ports_.paths.locate(member.realm, member.uri, [this, alive, id = member.id](std::vector<Path> ways) {
    Member* asked = alive.expired() ? nullptr : find(id);
    if (asked == nullptr) return;
    std::reverse(ways.begin(), ways.end());
    asked->ways = std::move(ways);
    ask_next(*asked, "no way there");
  });
}

void Trunks::ask_next(Member& member, std::string_view why) {
  if (member.ways.empty()) {
    member.asking = false;
    return not_heard(member, why);
  }
  const Path way = std::move(member.ways.back());
  member.ways.pop_back();
  member.check = ports_.send(*this, make_options(way, member.uri, ports_.tokens), way.hop);
  member.check_until_ns = now_ns_ + member.timeout_s * kSecondNs;
  member.asking = member.check.has_value();  // no room for a transaction says nothing of the member
  if (member.check) checks_[*member.check] = member.id.number;
}

void Trunks::forget_check(Member& member) {
  ports_.disown(*member.check);
  checks_.erase(*member.check);
  member.check.reset();
}

void Trunks::on_response(sip::TransactionId id, const Message& response) {
  const auto found = checks_.find(id);
  if (found == checks_.end() || response.status() < 200) return;
  Member& member = *members_.at(found->second);
  forget_check(member);
  member.asking = false;
  heard(member, response);
}

void Trunks::on_failure(sip::TransactionId id, sip::TransactionFailure failure) {
  const auto found = checks_.find(id);
  if (found == checks_.end()) return;
  Member& member = *members_.at(found->second);
  forget_check(member);
  ask_next(member, failure == sip::TransactionFailure::kTimeout ? "no answer" : "transport error");
}

/// Logs what the change does to the member's state.
template <typename Change>
void Trunks::change(Member& member, std::string_view why, Change make) {
  member.last_answer = why;
  const MemberState before = member.health.state(now_ns_);
  make(member.health);
  const MemberState now = member.health.state(now_ns_);
  if (now == before) return;
  log_event(now == MemberState::kUp ? LogLevel::kInfo : LogLevel::kWarning, "trunk",
            {{"trunk", member.trunk}, {"target", member.written}, {"state", to_string(now)}, {"answer", why}});
}

void Trunks::heard(Member& member, const Message& response) {
  const std::string answer = std::to_string(response.status());
  if (response.status() != 503) {
    return change(member, answer, [&](MemberHealth& health) { health.succeeded(now_ns_); });
  }
  const std::uint32_t pause_s = response.number(sip::HeaderId::kRetryAfter).value_or(0);
  change(member, answer, [&](MemberHealth& health) {
    if (pause_s == 0) return health.failed(now_ns_);
    health.asked_for_pause(now_ns_, pause_s);
  });
}

void Trunks::not_heard(Member& member, std::string_view why) {
  change(member, why, [&](MemberHealth& health) { health.failed(now_ns_); });
}

std::variant<std::vector<Target>, Refusal> Trunks::targets(std::string_view name, std::string_view user, bool is_call) {
  const auto found = trunks_.find(name);
  if (found == trunks_.end()) return Refusal{500, "there is no such trunk"};
  Trunk& trunk = found->second;
  std::vector<Member*> usable;
  std::uint32_t calls_now = 0;
  for (Member* member : trunk.members) {
    calls_now += *member->calls_now;
    if (member->health.usable(now_ns_)) usable.push_back(member);
  }
  if (usable.empty() && trunk.refuse_when_down) return Refusal{503, "the trunk is down"};
  if (is_call) {
    if (trunk.limits.calls_max != 0 && calls_now >= trunk.limits.calls_max) return Refusal{503, "the trunk is full"};
    if (!trunk.rate.has(now_ns_, trunk.limits.calls_per_s_max)) return Refusal{503, "the trunk has too many new calls"};
    trunk.rate.take(now_ns_, trunk.limits.calls_per_s_max);
  }
  if (usable.empty()) usable = trunk.members;
  std::vector<Ranked> ranks;
  for (const Member* member : usable) ranks.push_back(member->rank);
  std::vector<Target> targets;
  for (const std::size_t i : draw_order(ranks, ports_.chance)) {
    targets.push_back({usable[i]->uri, {}, usable[i]->id});
    targets.back().uri.user = user;
  }
  return targets;
}

Trunks::Member* Trunks::find(TrunkMember member) {
  const auto found = members_.find(member.number);
  return found == members_.end() ? nullptr : found->second.get();
}

std::optional<TrunkMember> Trunks::find(std::string_view trunk, std::string_view target) const {
  const auto named = [&](const auto& entry) { return entry.second->trunk == trunk && entry.second->written == target; };
  const auto found = std::find_if(members_.begin(), members_.end(), named);
  return found == members_.end() ? std::nullopt : std::optional(found->second->id);
}

std::pair<std::string, std::string> Trunks::names_of(TrunkMember member) const {
  const auto found = members_.find(member.number);
  if (found == members_.end()) return {};
  return {found->second->trunk, found->second->written};
}

CallSlot Trunks::begin_call(TrunkMember id) {
  Member* member = find(id);
  if (member == nullptr) return {};
  ++member->calls;
  return CallSlot(member->calls_now);
}

void Trunks::report(TrunkMember id, const Message& response) {
  if (Member* member = find(id)) heard(*member, response);
}

void Trunks::report(TrunkMember id, sip::TransactionFailure failure) {
  Member* member = find(id);
  if (member == nullptr || failure == sip::TransactionFailure::kAckMissing) return;
  not_heard(*member, failure == sip::TransactionFailure::kTimeout ? "no answer" : "transport error");
}

std::optional<Message> Trunks::authorise(TrunkMember id, const Message& request, const Message& challenge) {
  const Member* member = find(id);
  if (member == nullptr) return std::nullopt;
  std::optional<DigestClient>& digest = trunks_.find(member->trunk)->second.digest;
  return digest ? digest->authorise(request, challenge, ports_.tokens()) : std::nullopt;
}

json::value Trunks::view(std::uint64_t now_ns) const {
  json::array rows;
  for (const auto& [name, trunk] : trunks_) {
    for (const Member* member : trunk.members) {
      const MemberHealth& health = member->health;
      json::object row{{"trunk", name},
                       {"target", member->written},
                       {"priority", member->rank.priority},
                       {"weight", member->rank.weight},
                       {"state", to_string(health.state(now_ns))},
                       {"for_s", nullptr},
                       {"last_answer", nullptr},
                       {"failures", health.failures()},
                       {"calls_now", *member->calls_now},
                       {"calls", member->calls}};
      if (health.since_ns() != 0) row["for_s"] = (now_ns - health.since_ns()) / kSecondNs;
      if (!member->last_answer.empty()) row["last_answer"] = member->last_answer;
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace weir::controlplane
