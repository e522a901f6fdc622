#include "controlplane/policy.h"

#include <re2/re2.h>

#include <array>
#include <optional>

namespace weir::controlplane {

namespace settings = proto::settings;

struct Policy::Route {
  std::uint32_t realm;
  std::unique_ptr<re2::RE2> pattern;
  std::string target;
  std::uint32_t to_realm;
  settings::MediaProfile media;
};

namespace {

constexpr int kCapturesMax = 10;  // \0, the whole match, and \1 to \9

std::optional<std::uint32_t> realm_index(const settings::Settings& settings, std::string_view name) {
  for (std::size_t i = 0; i < settings.realms.size(); ++i) {
    if (settings.realms[i].name == name) return static_cast<std::uint32_t>(i);
  }
  return std::nullopt;
}

/// The target with its \0 to \9 replaced. A capture that took part in no match is empty.
std::string fill_in(std::string_view target, const std::array<re2::StringPiece, kCapturesMax>& captures) {
  std::string out;
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i] == '\\' && i + 1 < target.size() && target[i + 1] >= '0' && target[i + 1] <= '9') {
      const re2::StringPiece& capture = captures[static_cast<std::size_t>(target[i + 1] - '0')];
      out.append(capture.data(), capture.size());
      ++i;
    } else {
      out += target[i];
    }
  }
  return out;
}

}  // namespace

Policy::Policy() = default;
Policy::Policy(Policy&&) noexcept = default;
Policy& Policy::operator=(Policy&&) noexcept = default;
Policy::~Policy() = default;

proto::Result<Policy> Policy::create(const settings::Settings& settings) {
  Policy policy;
  for (const settings::RouteSettings& route : settings.routes) {
    const std::optional<std::uint32_t> realm = realm_index(settings, route.realm);
    const std::optional<std::uint32_t> to_realm = realm_index(settings, route.to_realm);
    if (!realm || !to_realm) return proto::Error{"a route names a realm that is not there"};
    auto pattern = std::make_unique<re2::RE2>(route.pattern, re2::RE2::Quiet);
    if (!pattern->ok()) return proto::Error{"'" + route.pattern + "' is no regular expression: " + pattern->error()};
    policy.routes_.push_back({*realm, std::move(pattern), route.target, *to_realm, route.media});
  }
  return policy;
}

std::variant<Destination, Refusal> Policy::route(std::uint32_t realm, const RouteQuery& query) const {
  for (const Route& route : routes_) {
    if (route.realm != realm) continue;
    std::array<re2::StringPiece, kCapturesMax> captures;
    const int groups = route.pattern->NumberOfCapturingGroups() + 1;
    if (!route.pattern->Match(query.request_uri, 0, query.request_uri.size(), re2::RE2::ANCHOR_BOTH, captures.data(),
                              groups < kCapturesMax ? groups : kCapturesMax)) {
      continue;
    }
    const std::optional<sip::Uri> target = sip::parse_uri(fill_in(route.target, captures));
    if (!target || !target->is_sip()) return Refusal{500, "the route's target is no SIP URI"};
    return Destination{route.to_realm, {Target{*target, {}, std::nullopt}}, false, route.media};
  }
  return Refusal{404, "no route matches"};
}

std::variant<Destination, Refusal> Policy::route(std::uint32_t realm, const sip::Message& request) const {
  const std::optional<sip::NameAddr> from = request.from();
  const std::string caller = from ? sip::write(from->uri) : "";
  return route(realm, RouteQuery{request.request_uri_text(), caller});
}

}  // namespace weir::controlplane
