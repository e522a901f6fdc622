#include "proto/settings/read_identity.h"

#include <algorithm>
#include <array>

#include "proto/settings/values.h"

namespace weir::proto::settings {

namespace {

constexpr std::size_t kKeysMax = 64;
constexpr std::size_t kPrefixesMax = 64;
constexpr std::size_t kPortsMax = 16;
constexpr std::size_t kRcdClaimsMax = 8;

/// "https://host" or "https://host:port"; with `path` something behind it, too.
bool is_https_url(std::string_view text, bool path) {
  constexpr std::string_view kScheme = "https://";
  if (!text.starts_with(kScheme)) return false;
  const std::string_view rest = text.substr(kScheme.size());
  const std::size_t slash = rest.find('/');
  const std::string_view host = rest.substr(0, slash);
  if (host.empty() || host.find('@') != std::string_view::npos) return false;
  if (!path && slash != std::string_view::npos) return false;
  return text.find_first_of(" <>\"#\\") == std::string_view::npos;
}

/// A path, or the URI of one of OpenSSL's stores.
bool is_key_name(std::string_view text) {
  const std::size_t colon = text.find(':');
  return text.front() == '/' || (colon != std::string_view::npos && colon >= 2);
}

void read_key(Table& table, IdentityKeySettings& key) {
  table.required_text("name", key.name);
  if (table.require("chain") != nullptr) table.file_name("chain", key.chain);
  if (table.required_text("key", key.key) && !is_key_name(key.key)) {
    table.mistake("key", "'" + key.key + "' is neither an absolute path nor a URI, like pkcs11:object=identity");
  }
  if (table.text("url", key.url) && !is_https_url(key.url, true)) {
    table.mistake("url", "'" + key.url + "' is no https URL");
  }
}

void read_server(Table& table, IdentityServerSettings& server) {
  std::string text;
  if (table.required_text("listen", text)) {
    server.listen = parse_endpoint(text);
    if (!server.listen) table.mistake("listen", "'" + text + "' is not an address and a port, like 198.18.1.1:8443");
  }
  if (table.required_text("url", server.url) && !is_https_url(server.url, false)) {
    table.mistake("url", "'" + server.url + "' is not https:// and a host, like https://cert.example.com");
  }
  for (const char* key : {"chain", "key"}) {
    if (table.require(key) == nullptr) continue;
    table.file_name(key, std::string_view(key) == "key" ? server.certificate.key : server.certificate.chain);
  }
  table.number("connections_max", server.connections_max, 1, 10'000);
  table.number("connections_per_source_max", server.connections_per_source_max, 1, 10'000);
}

void read_allowed(Table& table, std::vector<AddressPrefix>& into) {
  table.each_text("allow", [&](const std::string& text, std::uint32_t) {
    const std::size_t slash = text.find('/');
    const Result<IpAddress> address = parse_ip_address(std::string_view(text).substr(0, slash));
    const std::uint8_t bits_max = address && address->family == Family::kIpv6 ? kIpv6Bits : kIpv4Bits;
    std::optional<std::uint32_t> bits = bits_max;
    if (slash != std::string::npos) bits = parse_number(std::string_view(text).substr(slash + 1), bits_max);
    if (!address || !bits) {
      return table.mistake("allow", "'" + text + "' is not an address or a prefix, like 198.18.1.0/24");
    }
    into.push_back({*address, static_cast<std::uint8_t>(*bits)});
  });
  if (into.size() > kPrefixesMax) table.mistake("allow", "names more than " + std::to_string(kPrefixesMax));
}

void read_fetch_ports(Table& table, std::vector<std::uint16_t>& into) {
  const toml::node* node = table.find("ports");
  if (node == nullptr) return;
  const toml::array* ports = node->as_array();
  into.clear();
  const bool fits = ports != nullptr && !ports->empty() && ports->size() <= kPortsMax;
  for (std::size_t i = 0; fits && i < ports->size(); ++i) {
    const auto* port = (*ports)[i].as_integer();
    if (port != nullptr && port->get() > 0 && port->get() <= 65'535) {
      into.push_back(static_cast<std::uint16_t>(port->get()));
    }
  }
  if (!fits || into.size() != ports->size()) {
    table.mistake("ports", "must be an array of 1 to " + std::to_string(kPortsMax) + " ports");
  }
}

void read_fetch(Table& table, IdentityFetchSettings& fetch) {
  table.file_name("ca", fetch.ca);
  read_allowed(table, fetch.allowed);
  read_fetch_ports(table, fetch.ports);
  table.number("timeout_ms", fetch.timeout_ms, 100, 30'000);
  table.number("bytes_max", fetch.bytes_max, 1024, 1 << 20);
  table.number("at_once_max", fetch.at_once_max, 1, 1024);
  table.number("per_host_max", fetch.per_host_max, 1, 1024);
  table.number("per_source_max", fetch.per_source_max, 1, 1024);
  table.number("cache_entries_max", fetch.cache_entries_max, 1, 1'000'000);
  table.seconds("cache_s_max", fetch.cache_ms_max, 1, 604'800);
  table.seconds("negative_s", fetch.negative_ms, 1, 3600);
}

/// RFC 9562 section 4: 8-4-4-4-12 hexadecimal digits.
bool is_uuid(std::string_view text) {
  constexpr std::size_t kUuidBytes = 36;
  if (text.size() != kUuidBytes) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

void read_use(Table& table, std::string_view key, IdentityUse& into) {
  table.choice<IdentityUse>(
      key, into, {{"ignore", IdentityUse::kIgnore}, {"use", IdentityUse::kUse}, {"require", IdentityUse::kRequire}});
}

void read_attestation(Table& table, std::string_view key, Attestation& into) {
  table.choice<Attestation>(key, into,
                            {{"A", Attestation::kFull}, {"B", Attestation::kPartial}, {"C", Attestation::kGateway}});
}

/// { nam = "Example Bank", icn = "https://example.com/logo.png" }
void read_rcd(Table& table, std::vector<std::pair<std::string, std::string>>& into) {
  const toml::node* node = table.find("rcd");
  if (node == nullptr) return;
  const toml::table* claims = node->as_table();
  if (claims == nullptr || claims->empty() || claims->size() > kRcdClaimsMax) {
    return table.mistake("rcd", "must be a table of up to 8 texts, like { nam = \"Example Bank\" }");
  }
  Table reader(*claims, "[realm.identity] rcd", table.mistakes());
  for (const auto& [key, value] : *claims) {
    std::string text;
    if (reader.text(key.str(), text)) into.emplace_back(key.str(), text);
  }
  const bool named = std::any_of(into.begin(), into.end(), [](const auto& claim) { return claim.first == "nam"; });
  if (!named) table.mistake("rcd", "has no nam, without which there is no rcd (RFC 9795 section 5.1.1)");
}

/// { country_code = "49", national_prefix = "0", international_prefix = "00", digits = true }, or
/// { country_code = "1", national_prefix = "1", national_digits = 10, international_prefix = "011" }
void read_numbers(Table& table, NumberPlan& numbers) {
  for (const auto& [key, into] : {std::pair{"country_code", &numbers.country_code},
                                  {"national_prefix", &numbers.national_prefix},
                                  {"international_prefix", &numbers.international_prefix}}) {
    const bool said = table.text(key, *into);
    const bool digits = !into->empty() && into->size() <= 4 &&
                        std::all_of(into->begin(), into->end(), [](char c) { return c >= '0' && c <= '9'; });
    if (said && !digits) table.mistake(key, "'" + *into + "' is not one to four digits");
  }
  table.number("national_digits", numbers.national_digits, 1, 15);
  table.flag("digits", numbers.digits_are_numbers);
  const bool knows_national = !numbers.national_prefix.empty() || numbers.national_digits != 0;
  if (knows_national && numbers.country_code.empty()) {
    table.mistake("national_prefix", "and national_digits want a country_code that national numbers get");
  }
  if (!knows_national && !numbers.country_code.empty()) {
    table.mistake("country_code", "wants a national_prefix or national_digits that tell national numbers");
  }
}

}  // namespace

void read_identity(Table& table, IdentitySettings& identity) {
  table.each_table("keys", "[[identity.keys]]", [&](Table& child) { read_key(child, identity.keys.emplace_back()); });
  if (identity.keys.size() > kKeysMax) table.mistake("keys", "are more than " + std::to_string(kKeysMax));
  table.file_name("anchors", identity.anchors);
  table.each_text("providers", [&](const std::string& name, std::uint32_t) { identity.providers.push_back(name); });
  table.number("freshness_s", identity.freshness_s, 1, 3600);
  table.number("replays_max", identity.replays_max, 1000, 100'000'000);
  table.one_table("server", [&](Table& child) { read_server(child, identity.server); });
  table.one_table("fetch", [&](Table& child) { read_fetch(child, identity.fetch); });
}

void read_realm_identity(Table& table, RealmIdentitySettings& identity) {
  table.one_table("numbers", [&](Table& child) { read_numbers(child, identity.numbers); });
  read_use(table, "verify", identity.verify);
  read_use(table, "verify_rfc4474", identity.verify_legacy);
  table.choice<IdentityHold>("hold", identity.hold,
                             {{"answer", IdentityHold::kAnswer}, {"invite", IdentityHold::kInvite}});
  read_attestation(table, "attest", identity.attest);
  read_attestation(table, "attest_authenticated", identity.attest_authenticated);
  if (table.text("origid", identity.origid) && !is_uuid(identity.origid)) {
    table.mistake("origid", "'" + identity.origid + "' is no UUID");
  }
  read_rcd(table, identity.rcd);
  table.text("sign", identity.sign);
  table.text("sign_rfc4474", identity.sign_legacy);
  table.flag("shaken", identity.shaken);
  table.flag("div", identity.div);
  table.flag("rph", identity.rph);
  table.choice<bool>("form", identity.full_form, {{"compact", false}, {"full", true}});
  table.flag("pass", identity.pass);
  read_use(table, "connected", identity.connected);
  table.flag("sign_connected", identity.sign_connected);
  const bool signs_more = identity.shaken || identity.div || identity.rph || identity.sign_connected;
  if (identity.sign.empty() && signs_more) table.mistake("sign", "is missing: it names the key to sign with");
}

namespace {

const IdentityKeySettings* find_key(const Settings& settings, const std::string& name) {
  const auto& keys = settings.identity.keys;
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const auto& key) { return key.name == name; });
  return found == keys.end() ? nullptr : &*found;
}

bool verifies(const RealmIdentitySettings& identity) {
  return identity.verify != IdentityUse::kIgnore || identity.verify_legacy != IdentityUse::kIgnore ||
         identity.connected != IdentityUse::kIgnore;
}

}  // namespace

void check_identity(const Settings& settings, const Lines& lines, std::vector<Mistake>& mistakes) {
  const auto& keys = settings.identity.keys;
  for (const IdentityKeySettings& key : keys) {
    const auto same = std::count_if(keys.begin(), keys.end(), [&](const auto& one) { return one.name == key.name; });
    if (same > 1) mistakes.push_back({0, "[[identity.keys]]: there are two named '" + key.name + "'"});
    if (key.url.empty() && settings.identity.server.url.empty()) {
      mistakes.push_back(
          {0, "[[identity.keys]] '" + key.name + "' has no url, and no [identity.server] serves its chain"});
    }
  }
  for (std::size_t i = 0; i < settings.realms.size(); ++i) {
    const RealmSettings& realm = settings.realms[i];
    for (const std::string& name : {realm.identity.sign, realm.identity.sign_legacy}) {
      if (!name.empty() && find_key(settings, name) == nullptr) {
        mistakes.push_back({lines.realms[i], "[realm.identity]: there is no identity key '" + name + "'"});
      }
    }
    if (verifies(realm.identity) && settings.identity.anchors.empty()) {
      mistakes.push_back(
          {lines.realms[i], "[realm.identity] verifies, and [identity] anchors names nobody to believe"});
    }
  }
}

}  // namespace weir::proto::settings
