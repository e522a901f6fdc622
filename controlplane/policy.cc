#include "controlplane/policy.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <optional>

#include "sip/text.h"

namespace weir::controlplane {

namespace settings = proto::settings;

struct Policy::Route {
  std::uint32_t realm = 0;
  std::unique_ptr<re2::RE2> pattern;  ///< null: any
  std::string prefix;
  std::unique_ptr<re2::RE2> caller;  ///< null: any
  std::string target;
  std::string trunk;
  bool registrar = false;
  std::string user;
  std::uint32_t to_realm = 0;
  settings::MediaProfile media = settings::MediaProfile::kRtp;
};

namespace {

constexpr int kCapturesMax = 10;  // \0, the whole match, and \1 to \9
using Captures = std::array<re2::StringPiece, kCapturesMax>;
using Targets = std::variant<std::vector<Target>, Refusal>;

/// A route leads to the realm of its trunk, or to the one it names.
std::string_view goal_realm(const settings::Settings& settings, const settings::RouteSettings& route) {
  for (const settings::TrunkSettings& trunk : settings.trunks) {
    if (trunk.name == route.trunk) return trunk.realm;
  }
  return route.to_realm;
}

/// Null with an error if it is no regular expression; null without if it is empty.
proto::Result<std::unique_ptr<re2::RE2>> compile(const std::string& expression) {
  std::unique_ptr<re2::RE2> compiled;
  if (expression.empty()) return compiled;
  compiled = std::make_unique<re2::RE2>(expression, re2::RE2::Quiet);
  if (!compiled->ok()) return proto::Error{"'" + expression + "' is no regular expression: " + compiled->error()};
  return compiled;
}

/// The text with its \0 to \9 replaced. A capture that took part in no match is empty.
std::string fill_in(std::string_view text, const Captures& captures) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9') {
      const re2::StringPiece& capture = captures[static_cast<std::size_t>(text[i + 1] - '0')];
      out.append(capture.data(), capture.size());
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool matches(const re2::RE2& pattern, std::string_view text, Captures& captures) {
  const int groups = std::min(pattern.NumberOfCapturingGroups() + 1, kCapturesMax);
  return pattern.Match(text, 0, text.size(), re2::RE2::ANCHOR_BOTH, captures.data(), groups);
}

/// A user that is a telephone number, without its visual separators (RFC 3966 section 5.1.1) and parameters; any other
/// user as it is.
std::string without_separators(std::string_view user) {
  const std::string_view number = user.substr(0, user.find(';'));
  std::string digits;
  for (const char c : number) {
    if (sip::is_digit(c) || (c == '+' && digits.empty())) {
      digits += c;
    } else if (std::string_view("-.()").find(c) == std::string_view::npos) {
      return std::string(user);
    }
  }
  return digits;
}

/// A user as it stands in a SIP URI: the one of a request, a telephone number, or what a route made.
bool is_user(std::string_view user) {
  const std::optional<sip::Uri> uri = sip::parse_uri("sip:" + std::string(user) + "@host");
  return uri && uri->user == user;
}

}  // namespace

/// A request as routes see it.
struct Policy::Subject {
  std::string_view request_uri;
  std::string user;  ///< of the Request-URI, escaped
  Captures captures;
  bool is_call;
  const Instance* instance;  ///< whom a GRUU reaches; null: it is none
};

Policy::Policy() = default;
Policy::Policy(Policy&&) noexcept = default;
Policy& Policy::operator=(Policy&&) noexcept = default;
Policy::~Policy() = default;

proto::Result<Policy> Policy::create(const settings::Settings& settings, TargetSources sources) {
  Policy policy;
  policy.sources_ = std::move(sources);
  for (const settings::RealmSettings& realm : settings.realms) policy.trusted_.push_back(realm.policy.trusted);
  for (const settings::RouteSettings& route : settings.routes) {
    const std::optional<std::uint32_t> realm = settings.realm_index(route.realm);
    const std::optional<std::uint32_t> to_realm = settings.realm_index(goal_realm(settings, route));
    if (!realm || !to_realm) return proto::Error{"a route names a realm that is not there"};
    proto::Result<std::unique_ptr<re2::RE2>> pattern = compile(route.pattern);
    if (!pattern) return proto::Error{pattern.error()};
    proto::Result<std::unique_ptr<re2::RE2>> caller = compile(route.caller);
    if (!caller) return proto::Error{caller.error()};
    const settings::MediaPolicy& media = settings.realms[*to_realm].policy.media;
    policy.routes_.push_back({*realm, std::move(*pattern), route.prefix, std::move(*caller), route.target, route.trunk,
                              route.registrar, route.user, *to_realm,
                              route.media.value_or(settings::profile_towards(media))});
  }
  return policy;
}

std::variant<Destination, Refusal> Policy::route(std::uint32_t realm, const RouteQuery& query) const {
  const std::optional<sip::Uri> uri = sip::parse_uri(query.request_uri);
  if (!uri || !uri->is_sip() || !uri->parameters.has("gr") || !sources_.gruu) return route_to(realm, query, nullptr);
  const std::variant<std::monostate, Instance, Refusal> found = sources_.gruu(*uri);
  if (const auto* refusal = std::get_if<Refusal>(&found)) return *refusal;
  const auto* const instance = std::get_if<Instance>(&found);
  if (instance == nullptr) return route_to(realm, query, nullptr);
  const std::string address = sip::write(sip::make_sip_uri(instance->user, uri->host));
  return route_to(realm, {address, query.caller, query.is_call}, instance);
}

std::variant<Destination, Refusal> Policy::route_to(std::uint32_t realm, const RouteQuery& query,
                                                    const Instance* instance) const {
  const std::optional<sip::Uri> uri = sip::parse_uri(query.request_uri);
  const std::string user = uri ? uri->user_text() : "";
  const std::string number = without_separators(user);
  for (const Route& route : routes_) {
    if (route.realm != realm || number.compare(0, route.prefix.size(), route.prefix) != 0) continue;
    Captures captures;
    if (route.caller != nullptr && !matches(*route.caller, query.caller, captures)) continue;
    const std::string whole = sip::escape_user(number);
    const std::string rest = sip::escape_user(std::string_view(number).substr(route.prefix.size()));
    captures = {whole, rest};
    if (route.pattern != nullptr) captures = {};
    if (route.pattern != nullptr && !matches(*route.pattern, query.request_uri, captures)) continue;
    return follow(route,
                  {query.request_uri, uri && uri->is_sip() ? uri->user : whole, captures, query.is_call, instance});
  }
  return Refusal{404, "no route matches"};
}

std::variant<Destination, Refusal> Policy::follow(const Route& route, const Subject& subject) const {
  Targets targets = targets_of(route, subject);
  if (const auto* refusal = std::get_if<Refusal>(&targets)) return *refusal;
  return Destination{route.to_realm, std::get<0>(std::move(targets)), route.registrar, route.media};
}

Targets Policy::targets_of(const Route& route, const Subject& subject) const {
  if (!route.target.empty()) {
    std::optional<sip::Uri> target = sip::parse_uri(fill_in(route.target, subject.captures));
    if (!target || !target->is_sip()) return Refusal{500, "the route's target is no SIP URI"};
    return std::vector<Target>{{*std::move(target), {}, std::nullopt}};
  }
  const std::string user = route.user.empty() ? subject.user : fill_in(route.user, subject.captures);
  if (!user.empty() && !is_user(user)) return Refusal{500, "the route's user is none"};
  if (!route.trunk.empty()) {
    if (!sources_.trunks) return Refusal{500, "there are no trunks"};
    return sources_.trunks(route.trunk, user, subject.is_call);
  }
  if (!sources_.registrar) return Refusal{500, "there is no registrar"};
  const std::string address = sip::unescape(user);
  const Instance* const one = subject.instance;
  const bool its = one != nullptr && one->realm == route.to_realm && one->user == address && sources_.instance;
  std::vector<Target> contacts = its ? sources_.instance(*one) : sources_.registrar(route.to_realm, address);
  if (contacts.empty()) return Refusal{480, "nobody is registered"};
  return contacts;
}

std::variant<Destination, Refusal> Policy::route(std::uint32_t realm, const sip::Message& request) const {
  std::optional<sip::NameAddr> caller;
  if (realm < trusted_.size() && trusted_[realm]) caller = request.name_addr(sip::HeaderId::kPAssertedIdentity);
  if (!caller) caller = request.from();
  const std::string uri = caller ? sip::write(caller->uri) : "";
  const bool is_call = request.method() != sip::Method::kMessage && request.method() != sip::Method::kSubscribe;
  return route(realm, RouteQuery{request.request_uri_text(), uri, is_call});
}

}  // namespace weir::controlplane
