// [registrar] and the realms' registrars: what a good file gives, and that every mistake is named with its line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "proto/settings/settings.h"

namespace weir::proto::settings {
namespace {

using ::testing::HasSubstr;

std::string file(const std::string& realm_registrar, const std::string& registrar) {
  return R"([[network]]
name = "outside"
device = "net_null0"
address = "198.18.1.10/24"
[[realm]]
name = "a"
network = "outside"
listen = ["udp:198.18.1.1:5060"]
)" + realm_registrar +
         "\n[registrar]\n" + registrar +
         R"(
[[route]]
realm = "a"
match = "sip:.*"
target = "sip:b@198.18.1.2"
to_realm = "a"
)";
}

TEST(RegistrarSettings, AreReadWithTheirUnits) {
  const Reading reading = read_settings(file(
      R"(registrar = { domain = ["Example.COM", "198.18.1.1"], auth = false, nat = false, service_route = "sip:p;lr" })",
      R"(users = "/etc/weir/users.toml"
store = "/var/lib/weir/r.db"
algorithms = ["SHA-512-256", "MD5"]
allow_without_qop = true
nonce_lifetime_s = 30
expires_min_s = 10
expires_max_s = 100
expires_default_s = 50
contacts_per_user_max = 2
bindings_max = 3
failures_per_min_per_source_max = 4)"));
  ASSERT_EQ(to_string("f", reading.mistakes), "");
  const RegistrarSettings& registrar = reading.settings.registrar;
  EXPECT_EQ(registrar.users, "/etc/weir/users.toml");
  EXPECT_EQ(registrar.store, "/var/lib/weir/r.db");
  EXPECT_EQ(registrar.algorithms, (std::vector{DigestHash::kSha512_256, DigestHash::kMd5}));
  EXPECT_TRUE(registrar.allow_without_qop);
  EXPECT_EQ(registrar.nonce_lifetime_ms, 30'000u);
  EXPECT_EQ(registrar.expires_min_s, 10u);
  EXPECT_EQ(registrar.expires_max_s, 100u);
  EXPECT_EQ(registrar.expires_default_s, 50u);
  EXPECT_EQ(registrar.contacts_per_user_max, 2u);
  EXPECT_EQ(registrar.bindings_max, 3u);
  EXPECT_EQ(registrar.failures_per_min_per_source_max, 4u);
  const RealmRegistrarSettings& realm = reading.settings.realms[0].registrar;
  EXPECT_EQ(realm.domains, (std::vector<std::string>{"example.com", "198.18.1.1"}));
  EXPECT_FALSE(realm.auth || realm.nat);
  EXPECT_EQ(realm.service_route, "sip:p;lr");
}

TEST(RegistrarSettings, OfNoRealmAreThatThereIsNoRegistrar) {
  const Reading reading = read_settings(file("", ""));
  ASSERT_EQ(to_string("f", reading.mistakes), "");
  EXPECT_TRUE(reading.settings.realms[0].registrar.domains.empty());
}

TEST(RegistrarSettings, TokensDoInPlaceOfUsers) {
  const Reading reading = read_settings(file(R"(registrar = { domain = "a", bearer = { key = "/etc/weir/token.pem",)"
                                             R"( audience = "sip", authz_server = "https://id", scope = "sip" } })",
                                             ""));
  ASSERT_EQ(to_string("f", reading.mistakes), "");
  EXPECT_EQ(reading.settings.realms[0].registrar.bearer,
            (BearerSettings{"/etc/weir/token.pem", "sip", "https://id", "sip"}));
}

constexpr const char* kTrunk = R"(
[[realm]]
name = "b"
network = "outside"
listen = ["udp:198.18.1.2:5060"]
[[trunk]]
name = "home"
realm = "b"
targets = [{ uri = "sip:198.18.1.3" }]
)";

TEST(RegistrarSettings, AnUpstreamRegistrarDoesInPlaceOfUsers) {
  const Reading reading =
      read_settings(file(R"(registrar = { domain = "a", upstream = "home", flow_timer_s = 90 })", "") + kTrunk);
  ASSERT_EQ(to_string("f", reading.mistakes), "");
  EXPECT_EQ(reading.settings.realms[0].registrar.upstream, "home");
  EXPECT_EQ(reading.settings.realms[0].registrar.flow_timer_s, 90u);
  EXPECT_EQ(RealmRegistrarSettings{}.flow_timer_s, 240u);
}

TEST(RegistrarSettings, WhatIsTheUpstreamRegistrarsToDecideIsNotSaidHere) {
  const std::pair<const char*, const char*> rows[] = {
      {R"(upstream = "none")", "realm 'a': registrar: upstream: there is no trunk 'none'"},
      {R"(upstream = "home", auth = false)", "auth is the upstream registrar's to decide"},
      {R"(upstream = "home", service_route = "sip:p;lr")", "service_route is the upstream registrar's to say"},
      {R"(upstream = "home", bearer = { key = "/k", authz_server = "https://h" })", "tokens are for a registrar here"},
      {R"(flow_timer_s = 5)", "flow_timer_s: must be a whole number from 30 to 3600"},
  };
  for (const auto& [said, reason] : rows) {
    const Reading reading =
        read_settings(file("registrar = { domain = \"a\", " + std::string(said) + " }", "") + kTrunk);
    EXPECT_THAT(to_string("f", reading.mistakes), HasSubstr(reason));
  }
  std::string back = kTrunk;
  back.replace(back.find("realm = \"b\""), 11, "realm = \"a\"");
  const Reading reading = read_settings(file(R"(registrar = { domain = "a", upstream = "home" })", "") + back);
  EXPECT_THAT(to_string("f", reading.mistakes), HasSubstr("leads back into the realm itself"));
}

struct Row {
  const char* realm;
  const char* registrar;
  const char* reason;
};

TEST(RegistrarSettings, MistakesAreNamedWithTheirLine) {
  constexpr const char* kRealm = R"(registrar = { domain = "example.com" })";
  const Row rows[] = {
      {"", R"(users = "users.toml")", "f:11: [registrar] users: 'users.toml' is not an absolute path"},
      {"", R"(algorithms = ["SHA-1"])", "f:11: [registrar] algorithms: there is no digest algorithm 'SHA-1'"},
      {"", R"(algorithms = ["MD5", "MD5"])", "'MD5' is named twice"},
      {"", R"(algorithms = [])", "names no digest algorithm"},
      {"", "expires_min_s = 3601", "must be a whole number from 1 to 3600"},
      {"", "expires_min_s = 3600\nexpires_default_s = 60", "f:11: [registrar] expires_min_s: is more than"},
      {"", "expires_max_s = 60", "f:11: [registrar] expires_max_s: is less than"},
      {"", "contacts_per_user_max = 0", "must be a whole number from 1 to 100"},
      {"", "other = 1", "[registrar] has no key 'other'"},
      {kRealm, "", "realm 'a' has a registrar, and [registrar] names no users file"},
      {"registrar = {}", "", "f:9: [registrar] domain: is missing"},
      {R"(registrar = { domain = "a b" })", "", "f:9: [registrar] domain: 'a b' is no host of a SIP URI"},
      {R"(registrar = { domain = [] })", "", "names no domain"},
      {R"(registrar = { domain = "a", bearer = {} })", "", "[bearer] key: is missing"},
      {R"(registrar = { domain = "a", bearer = { key = "k", authz_server = "https://h" } })", "",
       "[bearer] key: 'k' is not an absolute path"},
      {R"(registrar = { domain = "a", bearer = { key = "/k", authz_server = "http://h" } })", "",
       "[bearer] authz_server: 'http://h' is no https URI"},
      {R"(registrar = { domain = "a", bearer = { key = "/k", authz_server = "https://h", scope = 'a"b' } })", "",
       "[bearer] scope: 'a\"b' is no list of scopes"},
      {R"(registrar = { domain = "a", service_route = "x" })", "", "'x' is no SIP URI"},
  };
  for (const Row& row : rows) {
    const Reading reading = read_settings(file(row.realm, row.registrar));
    EXPECT_THAT(to_string("f", reading.mistakes), HasSubstr(row.reason));
  }
}

}  // namespace
}  // namespace weir::proto::settings
