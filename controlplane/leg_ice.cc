#include "controlplane/leg_ice.h"

#include <algorithm>
#include <string>
#include <utility>

#include "controlplane/stun_check.h"
#include "controlplane/token.h"
#include "proto/bytes.h"

namespace weir::controlplane {
namespace {

// RFC 8445 section 5.3: 24 bits of randomness at least, and 128.
constexpr std::size_t kUfragCharacters = 8;
constexpr std::size_t kPasswordCharacters = 32;

sip::IceCredentials make_credentials() {
  return {.ufrag = make_token().substr(0, kUfragCharacters),
          .password = (make_token() + make_token()).substr(0, kPasswordCharacters)};
}

proto::IceCredentialsSpec spec_of(const sip::IceCredentials& credentials) {
  proto::IceCredentialsSpec spec{};
  const auto copy = [](const std::string& text, auto& there, std::uint8_t& bytes) {
    bytes = static_cast<std::uint8_t>(std::min(text.size(), there.size()));
    std::copy_n(text.begin(), bytes, there.begin());
  };
  copy(credentials.ufrag, spec.ufrag, spec.ufrag_bytes);
  copy(credentials.password, spec.password, spec.password_bytes);
  return spec;
}

/// RFC 8445 section 5.1.2: type preference 126, and IPv6 before IPv4 as RFC 8421 asks for. `alone`: the component's
/// only.
sip::IceCandidate host_candidate(std::uint8_t component, const proto::Endpoint& endpoint, bool alone) {
  const bool ipv6 = endpoint.address.family == proto::Family::kIpv6;
  const std::uint32_t local_preference = ipv6 || alone ? 65535 : 65534;
  return {.foundation = ipv6 ? "2" : "1",
          .component = component,
          .priority = (126u << 24) + (local_preference << 8) + (256u - component),
          .endpoint = endpoint,
          .type = "host"};
}

std::vector<sip::IceCandidate> host_candidates(const LegPlaces& places) {
  std::vector<sip::IceCandidate> all;
  for (std::uint8_t component = 1; component <= places.size(); ++component) {
    const std::vector<proto::Endpoint>& here = places[component - 1u];
    for (const proto::Endpoint& place : here) all.push_back(host_candidate(component, place, here.size() == 1));
  }
  return all;
}

std::uint64_t make_tie_breaker() {
  return proto::load_be64(make_stun_transaction().data());
}

}  // namespace

void LegIce::prepare() {
  if (!ours_[0].ufrag.empty()) return;
  ours_[0] = make_credentials();
  if (!full_) return;
  tie_breaker_ = make_tie_breaker();
  take_role(proto::IceRole::kControlled);
}

sip::LocalIce LegIce::local(const sip::RemoteIce* offer, const LegPlaces& places) {
  prepare();
  auto& [current, next] = ours_;
  const bool begins = !std::exchange(described_, true);
  const bool restarts = offer != nullptr && theirs_ && sip::is_ice_restart(*theirs_, *offer);
  if (restarts) {
    if (!next.ufrag.empty()) current = std::exchange(next, {});
    next = make_credentials();
    theirs_->credentials = offer->credentials;
  }
  sip::LocalIce local;
  local.credentials = newest();
  local.candidates = host_candidates(places);
  local.lite = !full_;
  if (!full_) return local;
  locals_ = local.candidates;
  // RFC 8445 section 6.1.1: who offers controls, but that beside a lite agent a full one does.
  const bool controls = offer == nullptr || offer->lite;
  if (begins || restarts) take_role(controls ? proto::IceRole::kControlling : proto::IceRole::kControlled);
  return local;
}

void LegIce::follow(const sip::RemoteIce& remote, std::size_t components) {
  theirs_.emplace();
  theirs_->credentials = remote.credentials;
  if (!full_) return;
  IceAgent* const agent = latest();
  if (agent == nullptr || agent->terms().theirs != remote.credentials) return begin_generation(remote, components);
  agent->add_remote(remote.candidates, 0);
}

IceAgent* LegIce::latest() {
  if (next_) return &*next_;
  return agent_ ? &*agent_ : nullptr;
}

void LegIce::begin_generation(const sip::RemoteIce& remote, std::size_t components) {
  if (remote.lite) take_role(proto::IceRole::kControlling);
  (agent_ ? next_ : agent_) = make_agent(remote.credentials, components);
  latest()->add_remote(remote.candidates, remote.bytes);
  for (const EarlyCheck& early : std::exchange(early_, {})) take(early.port, early.event);
}

void LegIce::add(const sip::RemoteIce& more) {
  IceAgent* const agent = full_ ? latest() : nullptr;
  if (agent != nullptr && agent->terms().theirs == more.credentials) agent->add_remote(more.candidates, more.bytes);
}

bool LegIce::take(std::uint8_t port, const proto::Event& event) {
  tell_agents(port, event);
  proto::Endpoint& first = first_checked_[port];
  if (event.kind != proto::EventKind::kIceChecked || first.port != 0) return false;
  first = event.source;
  first.reserved = 0;
  return true;
}

void LegIce::tell_agents(std::uint8_t port, const proto::Event& event) {
  const bool checked = event.kind == proto::EventKind::kIceChecked || event.kind == proto::EventKind::kIceNominated;
  const bool role_lost = event.kind == proto::EventKind::kIceRoleLost;
  if (!full_ || (!checked && !role_lost)) return;
  if (role_lost) {
    const bool controlling = event.ssrc == static_cast<std::uint32_t>(proto::IceRole::kControlling);
    return take_role(controlling ? proto::IceRole::kControlling : proto::IceRole::kControlled);
  }
  if (event.ssrc >= ours_.size()) return;
  const std::string& made_with = ours_[event.ssrc].ufrag;
  if (next_ && next_->terms().ours.ufrag == made_with) return tell(*next_, port, event);
  if (agent_ && agent_->terms().ours.ufrag == made_with) return tell(*agent_, port, event);
  if (early_.size() < kEarlyChecksMax) early_.push_back({port, event});
}

void LegIce::tell(IceAgent& agent, std::uint8_t port, const proto::Event& event) {
  proto::Endpoint source = event.source;
  source.reserved = 0;
  agent.on_checked(local_of(port, source.address.family), source, event.priority,
                   event.kind == proto::EventKind::kIceNominated, event.now_ns);
}

void LegIce::on_response(std::uint8_t port, const proto::Endpoint& source, proto::Bytes datagram,
                         std::uint64_t now_ns) {
  const std::uint8_t local = local_of(port, source.address.family);
  for (Boxed<IceAgent>* agent : {&next_, &agent_}) {
    if (!*agent || !(*agent)->on_response(local, source, datagram, now_ns)) continue;
    return take_role((*agent)->role());
  }
}

/// All generations have one role, and weir-media the same.
void LegIce::take_role(proto::IceRole role) {
  changed_ = changed_ || role_ != role;
  role_ = role;
  for (Boxed<IceAgent>* agent : {&agent_, &next_}) {
    if (*agent) (*agent)->set_role(role);
  }
}

bool LegIce::advance(std::uint64_t now_ns, IcePacer& pacer, const IceAgent::Send& send) {
  const auto from_port = [&](std::uint8_t local, const proto::Endpoint& remote, proto::Bytes datagram) {
    send(port_of(local), remote, datagram);
  };
  const bool goes_on = agent_ && agent_->advance(now_ns, pacer, from_port);
  const bool restarts = next_ && next_->advance(now_ns, pacer, from_port);
  if (next_ && next_->completed()) promote();
  return goes_on || restarts;
}

/// The restart is over: what was before it ends.
void LegIce::promote() {
  agent_ = std::exchange(next_, {});
  if (choose(1)) changed_ = true;
}

bool LegIce::choose(std::size_t which) {
  auto& [current, next] = ours_;
  if (which == 0 || next.ufrag.empty()) return false;
  current = std::exchange(next, {});
  return true;
}

std::optional<proto::Endpoint> LegIce::route(std::uint8_t port) const {
  const auto component = static_cast<std::uint8_t>(port + 1);
  const std::optional<IceRoute> found = agent_ ? agent_->route(component) : std::nullopt;
  return found ? std::optional(found->remote) : std::nullopt;
}

/// While ICE restarts the pair before it is in use, for no longer than it is consented to.
bool LegIce::consent_lost(std::uint64_t now_ns) const {
  return agent_ && agent_->consent_lost(now_ns);
}

IceSpec LegIce::spec() const {
  return {.credentials = {spec_of(ours_[0]), spec_of(ours_[1])}, .role = role_, .tie_breaker = tie_breaker_};
}

void LegIce::adopt(const std::array<sip::IceCredentials, 2>& ours, proto::IceRole role, const sip::RemoteIce& remote,
                   const LegPlaces& places) {
  ours_ = ours;
  described_ = true;
  theirs_.emplace();
  theirs_->credentials = remote.credentials;
  if (!full_) return;
  role_ = role;
  locals_ = host_candidates(places);
  tie_breaker_ = make_tie_breaker();
  changed_ = true;
}

void LegIce::adopt_route(std::uint8_t port, const proto::Endpoint& remote, std::uint64_t now_ns) {
  if (!full_) return;
  const auto component = static_cast<std::uint8_t>(port + 1);
  IceAgent agent = make_agent(theirs_->credentials, component);
  for (std::uint8_t each = 0; each <= port; ++each) {
    const std::optional<proto::Endpoint> route = each == port ? remote : this->route(each);
    if (!route) continue;
    const std::uint8_t local = local_of(each, route->address.family);
    agent.adopt(static_cast<std::uint8_t>(each + 1), {local, *route}, now_ns);
  }
  agent_ = std::move(agent);
}

IceAgent LegIce::make_agent(const sip::IceCredentials& theirs, std::size_t components) const {
  IceAgentTerms terms{
      .role = role_, .tie_breaker = tie_breaker_, .ours = newest(), .theirs = theirs, .locals = locals_};
  std::erase_if(terms.locals, [&](const sip::IceCandidate& one) { return one.component > components; });
  return IceAgent(std::move(terms));
}

std::uint8_t LegIce::local_of(std::uint8_t port, proto::Family family) const {
  const auto found = std::find_if(locals_.begin(), locals_.end(), [&](const sip::IceCandidate& one) {
    return one.component == port + 1 && one.endpoint.address.family == family;
  });
  return static_cast<std::uint8_t>(found - locals_.begin());
}

std::uint8_t LegIce::port_of(std::uint8_t local) const {
  return static_cast<std::uint8_t>(locals_[local].component - 1);
}

}  // namespace weir::controlplane
