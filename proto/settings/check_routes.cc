#include <re2/re2.h>

#include <algorithm>
#include <string>

#include "proto/settings/check.h"

namespace weir::proto::settings {

namespace {

/// What notes mistakes at one line.
struct Notes {
  std::uint32_t line;
  std::vector<Mistake>& mistakes;
  void add(const std::string& reason) const { mistakes.push_back({line, reason}); }
};

template <typename Named>
const Named* find(const std::vector<Named>& list, const std::string& name) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const Named& one) { return one.name == name; });
  return found == list.end() ? nullptr : &*found;
}

void check_realm_name(const Settings& settings, const std::string& name, const Notes& notes) {
  if (!name.empty() && find(settings.realms, name) == nullptr) notes.add("there is no realm '" + name + "'");
}

void check_conditions(const RouteSettings& route, const Notes& notes) {
  if (route.pattern.empty() && route.prefix.empty() && route.caller.empty()) {
    notes.add("the route has no condition: match, prefix or caller; match = '.*' takes everything");
  }
  const RE2 caller(route.caller, RE2::Quiet);
  if (!caller.ok()) notes.add("caller '" + route.caller + "': " + caller.error());
  // Without a pattern \1 is what follows the prefix.
  const RE2 pattern(route.pattern.empty() ? "(.*)" : route.pattern, RE2::Quiet);
  if (!pattern.ok()) return notes.add("match '" + route.pattern + "': " + pattern.error());
  std::string reason;
  if (!pattern.CheckRewriteString(route.target, &reason)) notes.add("target '" + route.target + "': " + reason);
  if (!pattern.CheckRewriteString(route.user, &reason)) notes.add("user '" + route.user + "': " + reason);
}

/// One of target, trunk and registrar, and what belongs to it.
void check_goal(const Settings& settings, const RouteSettings& route, const Notes& notes) {
  const int goals = (route.target.empty() ? 0 : 1) + (route.trunk.empty() ? 0 : 1) + (route.registrar ? 1 : 0);
  if (goals != 1) return notes.add("the route must have one of target, trunk and registrar");
  if (!route.trunk.empty()) {
    const TrunkSettings* trunk = find(settings.trunks, route.trunk);
    if (trunk == nullptr) return notes.add("there is no trunk '" + route.trunk + "'");
    if (route.to_realm.empty() || route.to_realm == trunk->realm) return;
    return notes.add("trunk '" + trunk->name + "' is in realm '" + trunk->realm + "', not '" + route.to_realm + "'");
  }
  if (route.to_realm.empty()) notes.add("[[route]] to_realm: is missing");
  if (!route.target.empty() && route.target.rfind("sip:", 0) != 0 && route.target.rfind("sips:", 0) != 0) {
    notes.add("target '" + route.target + "' is no sip: URI");
  }
  if (!route.target.empty() && !route.user.empty()) notes.add("a target says the user itself: user is for trunks");
}

bool is_secured(MediaProfile profile) {
  return profile == MediaProfile::kDtls || profile == MediaProfile::kSdes;
}

/// A route may not offer what the realm it leads to does not allow.
void check_media(const Settings& settings, const RouteSettings& route, const Notes& notes) {
  const TrunkSettings* trunk = find(settings.trunks, route.trunk);
  const RealmSettings* realm = find(settings.realms, trunk != nullptr ? trunk->realm : route.to_realm);
  if (realm == nullptr || !route.media) return;
  const MediaPolicy& policy = realm->policy.media;
  if (policy.security == MediaSecurity::kRequired && !is_secured(*route.media)) {
    notes.add("realm '" + realm->name + "' requires secured media, which the route's media is not");
  }
  if (policy.security == MediaSecurity::kForbidden && *route.media != MediaProfile::kRtp) {
    notes.add("realm '" + realm->name + "' forbids secured media, which the route's media is");
  }
  const auto allows = [&](Keying keying) {
    return std::count(policy.keying.begin(), policy.keying.end(), keying) != 0;
  };
  if ((*route.media == MediaProfile::kDtls && !allows(Keying::kDtls)) ||
      (*route.media == MediaProfile::kSdes && !allows(Keying::kSdes))) {
    notes.add("realm '" + realm->name + "' does not allow the route's keying");
  }
}

}  // namespace

void check_trunks(const Settings& settings, std::vector<Mistake>& mistakes) {
  for (std::size_t i = 0; i < settings.trunks.size(); ++i) {
    const TrunkSettings& trunk = settings.trunks[i];
    const Notes notes{trunk.line, mistakes};
    check_realm_name(settings, trunk.realm, notes);
    for (std::size_t j = 0; j < i; ++j) {
      if (!trunk.name.empty() && settings.trunks[j].name == trunk.name) {
        notes.add("there are two trunks '" + trunk.name + "'");
      }
    }
    for (std::size_t j = 0; j < trunk.targets.size(); ++j) {
      const auto same = [&](const TrunkTarget& other) { return other.uri == trunk.targets[j].uri; };
      const auto here = trunk.targets.begin() + static_cast<std::ptrdiff_t>(j);
      if (std::any_of(trunk.targets.begin(), here, same)) notes.add("'" + trunk.targets[j].uri + "' is named twice");
    }
  }
}

void check_routes(const Settings& settings, std::vector<Mistake>& mistakes) {
  if (settings.routes.empty()) mistakes.push_back({0, "there is no [[route]]: every call would be answered 404"});
  for (const RouteSettings& route : settings.routes) {
    const Notes notes{route.line, mistakes};
    check_realm_name(settings, route.realm, notes);
    check_realm_name(settings, route.to_realm, notes);
    check_conditions(route, notes);
    check_goal(settings, route, notes);
    check_media(settings, route, notes);
  }
}

}  // namespace weir::proto::settings
