#include "proto/settings/read_registrar.h"

#include <algorithm>
#include <utility>

namespace weir::proto::settings {
namespace {

/// A registration of a day is as good as none; RFC 3261 section 10.2.1.1 suggests an hour.
constexpr std::int64_t kExpiresSecondsMax = 86'400;
/// What is more often is a load, and what is rarer no keep-alive.
constexpr std::int64_t kFlowTimerSecondsMin = 30;
constexpr std::int64_t kFlowTimerSecondsMax = 3600;
/// A registrar may not refuse an hour as too brief (RFC 3261 section 10.3, step 7).
constexpr std::int64_t kMinExpiresSecondsMax = 3600;
/// Half a kilobyte each.
constexpr std::int64_t kBindingsMax = 4'000'000;

constexpr std::pair<std::string_view, DigestHash> kHashes[] = {
    {"MD5", DigestHash::kMd5}, {"SHA-256", DigestHash::kSha256}, {"SHA-512-256", DigestHash::kSha512_256}};

void read_algorithms(Table& table, std::vector<DigestHash>& into) {
  if (table.find("algorithms") == nullptr) return;
  into.clear();
  table.each_text("algorithms", [&](const std::string& name, std::uint32_t) {
    const auto* const found =
        std::find_if(std::begin(kHashes), std::end(kHashes), [&](const auto& row) { return row.first == name; });
    if (found == std::end(kHashes)) {
      table.mistake("algorithms", "there is no digest algorithm '" + name + "': MD5, SHA-256, SHA-512-256");
    } else if (std::count(into.begin(), into.end(), found->second) != 0) {
      table.mistake("algorithms", "'" + name + "' is named twice");
    } else {
      into.push_back(found->second);
    }
  });
  if (into.empty()) table.mistake("algorithms", "names no digest algorithm");
}

/// A host as a SIP URI writes it, IPv6 without its brackets.
bool is_domain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' || c == ':';
  });
}

std::string lowered(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

bool is_sip_uri(std::string_view text) {
  return (text.starts_with("sip:") || text.starts_with("sips:")) && text.find_first_of("<>\" ,") == text.npos;
}

/// What may stand in a quoted string as it is.
bool is_quotable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

void read_bearer(Table& realm, BearerSettings& bearer) {
  realm.one_table("bearer", [&](Table& table) {
    if (table.require("key") != nullptr) table.file_name("key", bearer.key);
    table.text("audience", bearer.audience);
    if (table.require("authz_server") != nullptr && table.text("authz_server", bearer.authz_server) &&
        !(bearer.authz_server.starts_with("https://") && is_quotable(bearer.authz_server))) {
      table.mistake("authz_server", "'" + bearer.authz_server + "' is no https URI");
    }
    if (table.text("scope", bearer.scope) && !is_quotable(bearer.scope)) {
      table.mistake("scope", "'" + bearer.scope + "' is no list of scopes");
    }
  });
}

}  // namespace

void read_registrar(Table& table, RegistrarSettings& registrar) {
  table.file_name("users", registrar.users);
  table.file_name("store", registrar.store);
  read_algorithms(table, registrar.algorithms);
  table.flag("allow_without_qop", registrar.allow_without_qop);
  table.seconds("nonce_lifetime_s", registrar.nonce_lifetime_ms, 10, 86'400);
  table.number("expires_min_s", registrar.expires_min_s, 1, kMinExpiresSecondsMax);
  table.number("expires_max_s", registrar.expires_max_s, 1, kExpiresSecondsMax);
  table.number("expires_default_s", registrar.expires_default_s, 1, kExpiresSecondsMax);
  table.number("contacts_per_user_max", registrar.contacts_per_user_max, 1, 100);
  table.number("bindings_max", registrar.bindings_max, 1, kBindingsMax);
  table.number("failures_per_min_per_source_max", registrar.failures_per_min_per_source_max, 0, 1'000'000);
  if (registrar.expires_min_s > registrar.expires_default_s) {
    table.mistake("expires_min_s", "is more than expires_default_s, " + std::to_string(registrar.expires_default_s));
  }
  if (registrar.expires_default_s > registrar.expires_max_s) {
    table.mistake("expires_max_s", "is less than expires_default_s, " + std::to_string(registrar.expires_default_s));
  }
}

void read_realm_registrar(Table& realm, RealmRegistrarSettings& registrar) {
  realm.one_table("registrar", [&](Table& table) {
    if (table.require("domain") != nullptr) {
      table.each_text_or_one("domain", [&](const std::string& text, std::uint32_t) {
        registrar.domains.push_back(lowered(text));
        if (!is_domain(registrar.domains.back())) table.mistake("domain", "'" + text + "' is no host of a SIP URI");
      });
      if (registrar.domains.empty()) table.mistake("domain", "names no domain");
    }
    table.flag("auth", registrar.auth);
    table.flag("nat", registrar.nat);
    read_bearer(table, registrar.bearer);
    table.text("upstream", registrar.upstream);
    table.number("flow_timer_s", registrar.flow_timer_s, kFlowTimerSecondsMin, kFlowTimerSecondsMax);
    if (table.text("service_route", registrar.service_route) && !is_sip_uri(registrar.service_route)) {
      table.mistake("service_route", "'" + registrar.service_route + "' is no SIP URI, like sip:198.18.1.1;lr");
    }
  });
}

namespace {

/// Whoever registers upstream is proved there, and told there what it has to know.
void check_upstream(const Settings& settings, const RealmSettings& realm, std::vector<Mistake>& mistakes) {
  const RealmRegistrarSettings& registrar = realm.registrar;
  if (registrar.upstream.empty()) return;
  const auto add = [&](const std::string& reason) {
    mistakes.push_back({0, "realm '" + realm.name + "': registrar: upstream: " + reason});
  };
  const auto trunk = std::find_if(settings.trunks.begin(), settings.trunks.end(),
                                  [&](const TrunkSettings& one) { return one.name == registrar.upstream; });
  if (trunk == settings.trunks.end()) return add("there is no trunk '" + registrar.upstream + "'");
  if (trunk->realm == realm.name) add("trunk '" + trunk->name + "' leads back into the realm itself");
  if (!registrar.bearer.key.empty()) add("tokens are for a registrar here, not for one that is upstream");
  if (!realm.websocket.cookie.name.empty()) add("a cookie vouches to a registrar here, not to one that is upstream");
  if (!registrar.auth) add("auth is the upstream registrar's to decide");
  if (!registrar.service_route.empty()) add("service_route is the upstream registrar's to say");
}

}  // namespace

void check_registrar(const Settings& settings, std::vector<Mistake>& mistakes) {
  for (const RealmSettings& realm : settings.realms) {
    check_upstream(settings, realm, mistakes);
    if (realm.registrar.domains.empty() || !realm.registrar.auth || !settings.registrar.users.empty()) continue;
    if (!realm.registrar.bearer.key.empty() || !realm.websocket.cookie.name.empty()) continue;
    if (!realm.registrar.upstream.empty()) continue;
    mistakes.push_back({0, "realm '" + realm.name + "' has a registrar, and [registrar] names no users file"});
  }
}

}  // namespace weir::proto::settings
