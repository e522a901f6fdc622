// A realm whose registrar is somebody else's: its REGISTERs go on there, and what comes from there by a flow token goes
// to the party. RFC 3327, RFC 5626 sections 5.1 and 5.3.
#include <algorithm>

#include "controlplane/log.h"
#include "controlplane/registrar.h"
#include "sip/digest.h"
#include "sip/name_addr.h"
#include "sip/text.h"

namespace weir::controlplane {

namespace settings = proto::settings;
using sip::HeaderId;
using sip::Message;

namespace {

/// What a response says of how long a contact lasts (RFC 3261 section 10.2.4); 0: it is not there.
std::uint32_t granted_s(const Message& response, const ContactRequest& contact) {
  for (const sip::NameAddr& one : response.name_addrs(HeaderId::kContact)) {
    if (!equivalent(one.uri, contact.uri)) continue;
    const auto own = sip::parse_number<std::uint32_t>(one.parameters.value("expires").value_or(""));
    return own.value_or(response.number(HeaderId::kExpires).value_or(contact.expires_s));
  }
  return 0;
}

/// The password was right, and the nonce too old.
bool is_stale(const Message& response) {
  for (const HeaderId id : {HeaderId::kWwwAuthenticate, HeaderId::kProxyAuthenticate}) {
    const std::vector<sip::DigestChallenge> challenges = sip::digest_challenges(response, id);
    if (std::any_of(challenges.begin(), challenges.end(), [](const auto& one) { return one.stale; })) return true;
  }
  return false;
}

}  // namespace

/// nullopt: on_request follows. The proof is the upstream registrar's to judge: what is not proved here is limited as
/// others that prove nothing.
std::optional<EarlyAnswer> Registrar::answer_early_upstream(const Path& from) {
  if (!failures_.blocks(now_ns_, source_of(from.hop.remote.address))) return limit(unproven_, from);
  ++counters_.blocked;
  return EarlyAnswer{503, {}};
}

void Registrar::register_upstream(sip::TransactionId id, const Message& request, const Path& from) {
  const settings::RealmRegistrarSettings& realm = realm_of(from);
  settings::RegistrarSettings rules = context_.settings.registrar;
  rules.expires_min_s = 1;  // how brief is too brief is not for us to say
  auto read = read_register(request, {rules, realm, context_.may_be_sent_to});
  if (const auto* refusal = std::get_if<RegisterRefusal>(&read)) return refuse(id, request, from, *refusal);
  const bool streams = from.hop.reliability == sip::Reliability::kReliable;
  const bool tried = request.has(HeaderId::kAuthorization) || request.has(HeaderId::kProxyAuthorization);
  RelayTerms terms{.trunk = realm.upstream,
                   .token = tokens_.make(from.hop),
                   .flow_timer = streams ? std::to_string(realm.flow_timer_s) : "",
                   .done = [this, from, tried, wish = std::get<RegisterRequest>(std::move(read))](
                               const Message* response) { on_upstream(from, tried, wish, response); }};
  context_.relay->relay(id, request, std::move(terms));
}

/// What it has granted is known here too: the party is followed, found and shown as if it had been granted here.
void Registrar::on_upstream(const Path& from, bool tried, RegisterRequest wish, const Message* response) {
  const std::uint16_t status = response == nullptr ? 503 : response->status();
  if (status >= 300) {
    ++(status == 401 || status == 407 ? counters_.challenged : counters_.refused);
    if (!tried || (status != 401 && status != 403 && status != 407)) return;
    // Whose password it was a datagram's source does not say: the challenge is not ours, and may never have got there.
    if (from.hop.reliability != sip::Reliability::kReliable || is_stale(*response)) return;
    ++counters_.failures;
    return failures_.note(now_ns_, source_of(from.hop.remote.address));
  }
  ++counters_.accepted;
  if (from.hop.reliability == sip::Reliability::kReliable && !context_.paths.arrival(from.hop)) return;
  for (ContactRequest& contact : wish.contacts) {
    if (contact.expires_s == 0) continue;
    contact.expires_s = std::min(granted_s(*response, contact), context_.settings.registrar.expires_max_s);
  }
  const Arrival arrival{now_ns_, context_.unix_time_s(), from, context_.settings.realms[from.realm].name,
                        realm_of(from).nat};
  if (const auto refusal = bindings_.apply(wish, arrival)) {
    log_event(LogLevel::kWarning, "registrar",
              {{"event", "registered upstream and not kept here"}, {"user", wish.user}, {"reason", refusal->reason}});
  }
}

/// The trunk that a realm's upstream registrar is; null: it has none.
const settings::TrunkSettings* Registrar::upstream_of(std::uint32_t realm) const {
  const std::string& name = context_.settings.realms[realm].registrar.upstream;
  const auto& trunks = context_.settings.trunks;
  const auto found = std::find_if(trunks.begin(), trunks.end(), [&](const auto& trunk) { return trunk.name == name; });
  return name.empty() || found == trunks.end() ? nullptr : &*found;
}

/// Only what the registrar's own side sends may use a token: else anybody who has seen one could ring a party past all
/// routes.
bool Registrar::is_upstream_of(std::uint32_t realm, const Path& from) const {
  const settings::TrunkSettings* const trunk = upstream_of(realm);
  const settings::RealmSettings& side = context_.settings.realms[from.realm];
  if (trunk == nullptr || trunk->realm != side.name) return false;
  return side.policy.trusted ||
         (context_.relay != nullptr && context_.relay->is_upstream(trunk->name, from.hop.remote.address));
}

std::optional<std::variant<Destination, Refusal>> Registrar::route_by_token(const Path& from,
                                                                            const Message& request) const {
  std::vector<sip::NameAddr> routes = request.name_addrs(HeaderId::kRoute);
  if (routes.empty() || !FlowTokens::is_shaped(routes.front().uri.user)) return std::nullopt;
  const auto host = proto::parse_ip_address(routes.front().uri.host);
  const auto& listeners = context_.settings.realms[from.realm].listeners;
  const auto is_host = [&](const settings::ListenerSettings& one) { return host && one.local.address == *host; };
  if (std::none_of(listeners.begin(), listeners.end(), is_host)) return std::nullopt;
  const std::optional<sip::Hop> flow = tokens_.read(routes.front().uri.user);
  if (!flow) return Refusal{403, "a flow token that is none of ours"};
  // A UDP flow's realm is its listener's; of a connection that is gone nobody knows it, nor has to.
  const std::optional<Path> way = context_.paths.arrival(*flow);
  const auto realms = static_cast<std::uint32_t>(context_.settings.realms.size());
  bool allowed = way && is_upstream_of(way->realm, from);
  for (std::uint32_t realm = 0; !way && realm < realms; ++realm) allowed = allowed || is_upstream_of(realm, from);
  if (!allowed) return Refusal{403, "a flow token from elsewhere than the registrar it was given to"};
  if (!way) return Refusal{430, "the flow is gone"};
  std::optional<sip::Uri> uri = request.request_uri();
  if (!uri || !uri->is_sip()) return Refusal{416, "no SIP URI"};
  Target target{*std::move(uri), {routes.begin() + 1, routes.end()}, std::nullopt, way};
  const settings::MediaPolicy& media = context_.settings.realms[way->realm].policy.media;
  return Destination{way->realm, {std::move(target)}, false, settings::profile_towards(media)};
}

}  // namespace weir::controlplane
