#include "controlplane/reload.h"

#include "controlplane/shard_clock.h"

namespace weir::controlplane {

namespace settings = proto::settings;

namespace {

/// Notes what differs under its name.
struct Notes {
  SettingsDifference difference;

  template <typename T>
  void change(const std::string& name, const T& running, const T& wanted) {
    if (!(running == wanted)) difference.changes.push_back(name);
  }
  template <typename T>
  void restart(const std::string& name, const T& running, const T& wanted) {
    if (!(running == wanted)) difference.restarts.push_back(name);
  }
};

/// Where they stand in the file makes no difference.
template <typename Placed>
std::vector<Placed> without_lines(std::vector<Placed> list) {
  for (Placed& one : list) one.line = 0;
  return list;
}

settings::ControlSettings without_log_level(settings::ControlSettings control) {
  control.log_level.clear();
  return control;
}

std::vector<std::string> names(const settings::Settings& settings) {
  std::vector<std::string> list;
  for (const settings::RealmSettings& realm : settings.realms) list.push_back(realm.name);
  return list;
}

void compare_realm(const settings::RealmSettings& running, const settings::RealmSettings& wanted, Notes& notes) {
  const std::string realm = "realm '" + running.name + "' ";
  notes.restart(realm + "network", running.networks, wanted.networks);
  notes.restart(realm + "listen", running.listeners, wanted.listeners);
  notes.restart(realm + "registrar", running.registrar, wanted.registrar);
  notes.change(realm + "tls", running.tls, wanted.tls);
  notes.change(realm + "websocket", running.websocket, wanted.websocket);
  notes.change(realm + "identity", running.identity, wanted.identity);
  notes.change(realm + "media policy", running.policy.media, wanted.policy.media);
  notes.change(realm + "trusted", running.policy.trusted, wanted.policy.trusted);
  notes.change(realm + "sas_header", running.policy.sas_header, wanted.policy.sas_header);
  notes.change(realm + "sips", running.policy.sips, wanted.policy.sips);
  notes.change(realm + "topology_hiding", running.policy.topology_hiding, wanted.policy.topology_hiding);
  notes.change(realm + "transfers", running.policy.transfers, wanted.policy.transfers);
  notes.change(realm + "reliable_provisionals", running.policy.reliable_provisionals,
               wanted.policy.reliable_provisionals);
  notes.change(realm + "calls_in", running.policy.in, wanted.policy.in);
  notes.change(realm + "calls_out", running.policy.out, wanted.policy.out);
  notes.change(realm + "session timer", running.policy.session, wanted.policy.session);
  notes.change(realm + "messages and subscriptions", running.policy.outside, wanted.policy.outside);
}

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& one : list) text += (text.empty() ? "" : ", ") + one;
  return text;
}

}  // namespace

SettingsDifference compare(const settings::Settings& running, const settings::Settings& wanted) {
  Notes notes;
  notes.restart("[region]", running.region, wanted.region);
  notes.restart("[media]", running.media, wanted.media);
  notes.restart("[[network]]", running.networks, wanted.networks);
  notes.restart("[control]", without_log_level(running.control), without_log_level(wanted.control));
  notes.restart("[srtp]", running.srtp, wanted.srtp);
  notes.restart("[dtls]", running.dtls, wanted.dtls);
  notes.restart("[tls]", running.tls, wanted.tls);
  notes.restart("[transport]", running.transport, wanted.transport);
  notes.restart("[dns]", running.dns, wanted.dns);
  notes.restart("[identity] server", running.identity.server, wanted.identity.server);
  notes.restart("[identity] fetch", running.identity.fetch, wanted.identity.fetch);
  notes.restart("[identity] providers", running.identity.providers, wanted.identity.providers);
  notes.restart("[identity] replays_max", running.identity.replays_max, wanted.identity.replays_max);
  notes.restart("[registrar]", running.registrar, wanted.registrar);
  // Calls, paths and listeners know a realm by its place among them.
  notes.restart("[[realm]] names and their order", names(running), names(wanted));
  notes.change("[control] log_level", running.control.log_level, wanted.control.log_level);
  notes.change("[[identity.keys]]", running.identity.keys, wanted.identity.keys);
  notes.change("[identity] anchors", running.identity.anchors, wanted.identity.anchors);
  notes.change("[identity] freshness_s", running.identity.freshness_s, wanted.identity.freshness_s);
  notes.change("[limits]", running.limits, wanted.limits);
  notes.change("[[trunk]]", without_lines(running.trunks), without_lines(wanted.trunks));
  notes.change("[[route]]", without_lines(running.routes), without_lines(wanted.routes));
  if (names(running) != names(wanted)) return notes.difference;
  for (std::size_t i = 0; i < running.realms.size(); ++i) compare_realm(running.realms[i], wanted.realms[i], notes);
  return notes.difference;
}

proto::Result<ReloadPlan> plan_reload(const settings::Settings& running, const std::string& path,
                                      TargetSources sources) {
  settings::Reading reading = settings::read_settings_file(path);
  if (!reading.mistakes.empty()) {
    std::string mistakes = to_string(path, reading.mistakes);
    mistakes.pop_back();  // the last line's end
    return proto::Error{mistakes};
  }
  SettingsDifference difference = compare(running, reading.settings);
  if (!difference.restarts.empty()) {
    return proto::Error{"nothing was changed; these need a restart: " + joined(difference.restarts)};
  }
  proto::Result<Policy> policy = Policy::create(reading.settings, std::move(sources));
  if (!policy) return proto::Error{policy.error()};
  proto::Result<std::vector<TrunkPlan>> trunks = plan_trunks(reading.settings);
  if (!trunks) return proto::Error{trunks.error()};
  proto::Result<TlsRealms> certificates = load_tls_realms(reading.settings);
  if (!certificates) return proto::Error{certificates.error()};
  proto::Result<RealmPages> pages = load_realm_pages(reading.settings);
  if (!pages) return proto::Error{pages.error()};
  proto::Result<RealmCookies> cookies = load_realm_cookies(reading.settings);
  if (!cookies) return proto::Error{cookies.error()};
  proto::Result<UserDirectory> users = UserDirectory::load(reading.settings);
  if (!users) return proto::Error{users.error()};
  proto::Result<IdentityFiles> identity = load_identity_files(reading.settings, unix_s());
  if (!identity) return proto::Error{identity.error()};
  return ReloadPlan{.settings = std::move(reading.settings),
                    .policy = std::move(policy).value(),
                    .trunks = std::move(trunks).value(),
                    .certificates = std::move(certificates).value(),
                    .pages = std::move(pages).value(),
                    .cookies = std::move(cookies).value(),
                    .users = std::move(users).value(),
                    .identity = std::move(identity).value(),
                    .changes = std::move(difference.changes)};
}

std::vector<std::string> apply(ReloadPlan plan, settings::Settings& running, Policy& policy, Trunks& trunks) {
  running.control.log_level = plan.settings.control.log_level;
  running.limits = plan.settings.limits;
  running.trunks = std::move(plan.settings.trunks);
  running.routes = std::move(plan.settings.routes);
  running.identity = std::move(plan.settings.identity);
  for (std::size_t i = 0; i < running.realms.size(); ++i) {
    running.realms[i].identity = std::move(plan.settings.realms[i].identity);
    running.realms[i].policy = std::move(plan.settings.realms[i].policy);
    running.realms[i].tls = std::move(plan.settings.realms[i].tls);
    running.realms[i].websocket = std::move(plan.settings.realms[i].websocket);
  }
  policy = std::move(plan.policy);
  trunks.set(std::move(plan.trunks));
  return std::move(plan.changes);
}

}  // namespace weir::controlplane
