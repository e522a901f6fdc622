// [tls], [realm.tls], [realm.websocket], [transport] and [dns]: what a good file gives, and every mistake with its
// line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "proto/settings/settings.h"

namespace weir::proto::settings {
namespace {

using ::testing::HasSubstr;

constexpr const char* kGood = R"([[network]]
name = "n"
device = "net_null0"
address = "198.18.1.10/24"

[tls]
version_min = "1.3"
ciphers = "ECDHE+AESGCM"
suites = "TLS_AES_128_GCM_SHA256"

[transport]
keepalive_s = 60
websocket_ping_s = 40

[dns]
servers = ["198.18.1.53", "2001:2::53", "[2001:2::53]:5353"]
timeout_ms = 500
tries = 3
cache_entries_max = 100
ttl_s_max = 60

[limits]
tls_handshakes_max = 7
tls_handshakes_per_source_max = 3
tls_handshakes_per_s_per_source_max = 0
tls_handshake_s = 2

[[realm]]
name = "a"
network = "n"
listen = ["tls:198.18.1.1:5061"]
[realm.tls]
certificates = [
  { chain = "/etc/weir/a.pem", key = "/etc/weir/a.key" },
  { chain = "/etc/weir/b.pem", key = "/etc/weir/b.key" }]
clients = "required"
ca = "/etc/weir/ca.pem"

[[realm]]
name = "b"
network = "n"
listen = ["tls:198.18.1.1:5061"]
[realm.tls]
certificates = [{ chain = "/etc/weir/c.pem", key = "/etc/weir/c.key" }]

[[realm]]
name = "c"
network = "n"
listen = ["ws:198.18.1.1", "wss:[2001:2::1]", "wss:198.18.1.1:8443"]
[realm.websocket]
origins = ["https://phone.example.com", "http://localhost:8080"]
path = "/sip"
page = "/usr/share/weir/web"
page_in_clear = true
[realm.tls]
certificates = [{ chain = "/etc/weir/d.pem", key = "/etc/weir/d.key" }]

[[route]]
realm = "a"
match = ".*"
target = "sip:x@198.18.1.2"
to_realm = "b"
)";

TEST(TransportSettings, AGoodFileIsReadWhole) {
  const Reading reading = read_settings(kGood);
  ASSERT_EQ(to_string("f", reading.mistakes), "");
  const Settings& settings = reading.settings;
  EXPECT_EQ(settings.tls.version_min, TlsVersion::k13);
  EXPECT_EQ(settings.tls.ciphers, "ECDHE+AESGCM");
  EXPECT_EQ(settings.tls.suites, "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(settings.transport.keepalive_ms, 60'000u);
  EXPECT_EQ(settings.transport.websocket_ping_ms, 40'000u);
  ASSERT_EQ(settings.dns.servers.size(), 3u);
  EXPECT_EQ(to_string(settings.dns.servers[0]), "198.18.1.53:53");
  EXPECT_EQ(to_string(settings.dns.servers[1]), "[2001:2::53]:53");
  EXPECT_EQ(to_string(settings.dns.servers[2]), "[2001:2::53]:5353");
  EXPECT_EQ(settings.dns.timeout_ms, 500u);
  EXPECT_EQ(settings.dns.tries, 3u);
  EXPECT_EQ(settings.dns.cache_entries_max, 100u);
  EXPECT_EQ(settings.dns.ttl_s_max, 60u);
  EXPECT_EQ(settings.limits.tls_handshakes_max, 7u);
  EXPECT_EQ(settings.limits.tls_handshakes_per_source_max, 3u);
  EXPECT_EQ(settings.limits.tls_handshakes_per_s_per_source_max, 0u);
  EXPECT_EQ(settings.limits.tls_handshake_ms, 2000u);
  ASSERT_EQ(settings.realms.size(), 3u);
  EXPECT_EQ(settings.realms[0].listeners[0].transport, SipTransport::kTls);
  ASSERT_EQ(settings.realms[0].tls.certificates.size(), 2u);
  EXPECT_EQ(settings.realms[0].tls.certificates[1].chain, "/etc/weir/b.pem");
  EXPECT_EQ(settings.realms[0].tls.certificates[1].key, "/etc/weir/b.key");
  EXPECT_EQ(settings.realms[0].tls.clients, ClientCertificates::kRequired);
  EXPECT_EQ(settings.realms[0].tls.ca, "/etc/weir/ca.pem");
  EXPECT_EQ(settings.realms[1].tls.clients, ClientCertificates::kOff);
  const RealmSettings& web = settings.realms[2];
  ASSERT_EQ(web.listeners.size(), 3u);
  EXPECT_EQ(web.listeners[0].transport, SipTransport::kWs);
  EXPECT_EQ(to_string(web.listeners[0].local), "198.18.1.1:80");
  EXPECT_EQ(web.listeners[1].transport, SipTransport::kWss);
  EXPECT_EQ(to_string(web.listeners[1].local), "[2001:2::1]:443");
  EXPECT_EQ(to_string(web.listeners[2].local), "198.18.1.1:8443");
  EXPECT_EQ(web.websocket.origins, (std::vector<std::string>{"https://phone.example.com", "http://localhost:8080"}));
  EXPECT_EQ(web.websocket.path, "/sip");
  EXPECT_EQ(web.websocket.page, "/usr/share/weir/web");
  EXPECT_TRUE(web.websocket.page_in_clear);
}

TEST(TransportSettings, UnsaidTheyAreModernAndBounded) {
  const Settings unsaid = read_settings("").settings;
  EXPECT_EQ(unsaid.tls.version_min, TlsVersion::k12);
  EXPECT_EQ(unsaid.tls.ciphers, "ECDHE+AESGCM:ECDHE+CHACHA20");
  EXPECT_EQ(unsaid.transport.keepalive_ms, 110'000u);
  EXPECT_EQ(unsaid.transport.websocket_ping_ms, 25'000u);
  EXPECT_TRUE(RealmSettings{}.websocket.origins.empty()) << "no page may, unless it is named";
  EXPECT_EQ(unsaid.dns.cache_entries_max, 10'000u);
  EXPECT_EQ(unsaid.limits.tls_handshakes_per_s_per_source_max, 50u);
}

TEST(TransportSettings, APageIsShownOverTlsToThisHostAndWhereItMayBeHadInClear) {
  struct Shown {
    const char* description;
    SipTransport transport;
    const char* address;
    const char* page;
    bool in_clear;
    bool shown;
  };
  const Shown rows[] = {
      {"over TLS", SipTransport::kWss, "198.18.1.1", "/web", false, true},
      {"without a page", SipTransport::kWss, "198.18.1.1", "", true, false},
      {"in clear", SipTransport::kWs, "198.18.1.1", "/web", false, false},
      {"in clear, as it was asked for", SipTransport::kWs, "198.18.1.1", "/web", true, true},
      {"to this host", SipTransport::kWs, "127.0.0.1", "/web", false, true},
      {"to this host over IPv6", SipTransport::kWs, "::1", "/web", false, true},
      {"to others over IPv6", SipTransport::kWs, "2001:2::1", "/web", false, false},
      {"where no HTTP is spoken", SipTransport::kTls, "127.0.0.1", "/web", true, false},
  };
  for (const Shown& row : rows) {
    const RealmWebSocketSettings rules{.origins = {}, .path = "", .page = row.page, .page_in_clear = row.in_clear};
    EXPECT_EQ(shows_page(rules, {row.transport, {*parse_ip_address(row.address), 0, 443}}), row.shown)
        << row.description;
  }
}

/// One change to the good file: `from` becomes `to`, and a mistake at `line` says `says`.
struct Row {
  const char* description;
  const char* from;
  const char* to;
  std::uint32_t line;
  const char* says;
};

const Row kRows[] = {
    {"a version that is broken", "version_min = \"1.3\"", "version_min = \"1.1\"", 7, "\"1.2\" or \"1.3\""},
    {"a ping that comes too late", "keepalive_s = 60", "keepalive_s = 300", 12, "from 0 to 280"},
    {"a name server by name", "\"198.18.1.53\"", "\"dns.example\"", 16, "'dns.example' is not an address"},
    {"a name server at port 0", "[2001:2::53]:5353", "[2001:2::53]:0", 16, "is not an address"},
    {"no tries", "tries = 3", "tries = 0", 18, "from 1 to 10"},
    {"a cache of nothing", "cache_entries_max = 100", "cache_entries_max = 0", 19, "cache_entries_max"},
    {"no time for a handshake", "tls_handshake_s = 2", "tls_handshake_s = 0", 26, "from 1 to 60"},
    {"a certificate without key", "{ chain = \"/etc/weir/a.pem\", key = \"/etc/weir/a.key\" }",
     "{ chain = \"/etc/weir/a.pem\" }", 34, "key: is missing"},
    {"a relative path", "/etc/weir/a.pem", "weir/a.pem", 34, "'weir/a.pem' is not an absolute path"},
    {"clients", "clients = \"required\"", "clients = \"always\"", 36, "\"off\", \"optional\" or \"required\""},
    {"a relative authority", "ca = \"/etc/weir/ca.pem\"", "ca = \"ca.pem\"", 37, "not an absolute path"},
    {"an unknown key", "ca = \"/etc/weir/ca.pem\"", "cas = \"/etc/weir/ca.pem\"", 37, "has no key 'cas'"},
    {"TLS without certificate",
     "listen = [\"tls:198.18.1.1:5061\"]\n[realm.tls]\ncertificates = [{ chain = \"/etc/weir/c.pem\", key = "
     "\"/etc/weir/c.key\" }]",
     "listen = [\"tls:198.18.1.1:5061\"]", 39, "realm 'b' listens for TLS and has no [realm.tls] certificates"},
    {"one TLS listener twice in a realm", "listen = [\"tls:198.18.1.1:5061\"]\n[realm.tls]\ncertificates = [\n",
     "listen = [\"tls:198.18.1.1:5061\", \"tls:198.18.1.1:5061\"]\n[realm.tls]\ncertificates = [\n", 28,
     "198.18.1.1:5061 is listened on twice"},
    {"a WebSocket where TLS is", "wss:198.18.1.1:8443", "wss:198.18.1.1:5061", 46,
     "198.18.1.1:5061 is listened on twice"},
    {"a port that is none", "wss:198.18.1.1:8443", "wss:198.18.1.1:", 49, "is not a transport, an address and a port"},
    {"TCP without port", "wss:198.18.1.1:8443", "tcp:198.18.1.1", 49, "is not a transport, an address and a port"},
    {"an origin with a path", "https://phone.example.com", "https://phone.example.com/", 51, "is no origin of a page"},
    {"an origin without scheme", "https://phone.example.com", "phone.example.com", 51, "is no origin of a page"},
    {"an origin in capitals", "https://phone.example.com", "https://Phone.example.com", 51, "is no origin of a page"},
    {"a part of an origin", "https://phone.example.com", "https://*.example.com", 51, "is no origin of a page"},
    {"a path that is none", "path = \"/sip\"", "path = \"sip\"", 52, "'sip' is no path, like /sip"},
    {"a path with a query", "path = \"/sip\"", "path = \"/sip?a\"", 52, "is no path"},
    {"a relative page", "/usr/share/weir/web", "web", 53, "'web' is not an absolute path"},
    {"a cookie that ws: would carry", "path = \"/sip\"", "cookie = { name = \"c\", key = \"/k\" }", 46,
     "realm 'c' has a cookie, which its ws: listener would carry in clear"},
    {"a cookie for every page", "certificates = [{ chain = \"/etc/weir/c.pem\", key = \"/etc/weir/c.key\" }]",
     "certificates = [{ chain = \"/etc/weir/c.pem\", key = \"/etc/weir/c.key\" }]\n[realm.websocket]\norigins = "
     "[\"*\"]\ncookie = { name = \"c\", key = \"/k\" }",
     39, "any page could use a visitor's"},
    {"a cookie where nobody is asked for a password",
     "certificates = [{ chain = \"/etc/weir/c.pem\", key = \"/etc/weir/c.key\" }]",
     "certificates = [{ chain = \"/etc/weir/c.pem\", key = \"/etc/weir/c.key\" }]\n[realm.registrar]\ndomain = "
     "\"c.example\"\nauth = false\n[realm.websocket]\ncookie = { name = \"c\", key = \"/k\" }",
     39, "has a cookie and auth = false"},
    {"a cookie without a key", "certificates = [{ chain = \"/etc/weir/c.pem\", key = \"/etc/weir/c.key\" }]",
     "certificates = [{ chain = \"/etc/weir/c.pem\", key = \"/etc/weir/c.key\" }]\n[realm.websocket]\ncookie = { name "
     "= \"c\" }",
     46, "[cookie] key: is missing"},
    {"a cookie whose name is none", "certificates = [{ chain = \"/etc/weir/c.pem\", key = \"/etc/weir/c.key\" }]",
     "certificates = [{ chain = \"/etc/weir/c.pem\", key = \"/etc/weir/c.key\" }]\n[realm.websocket]\ncookie = { name "
     "= \"a;b\", key = \"/k\" }",
     46, "[cookie] name: 'a;b' is no name of a cookie"},
    {"a page where nobody can ask", "ws:198.18.1.1\", \"wss:[2001:2::1]\", \"wss:198.18.1.1:8443",
     "udp:198.18.1.1:5060", 46, "realm 'c' has a page that nobody can ask for"},
    {"a WebSocket ping too late", "websocket_ping_s = 40", "websocket_ping_s = 281", 13, "from 0 to 280"},
    {"WSS without certificate",
     "[realm.tls]\ncertificates = [{ chain = \"/etc/weir/d.pem\", key = \"/etc/weir/d.key\" }]\n", "", 46,
     "realm 'c' listens for TLS and has no [realm.tls] certificates"},
};

TEST(TransportSettings, EveryMistakeIsNamedWithItsLine) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.description);
    std::string text = kGood;
    const std::size_t at = text.find(row.from);
    ASSERT_NE(at, std::string::npos);
    const Reading reading = read_settings(text.replace(at, std::string(row.from).size(), row.to));
    ASSERT_EQ(reading.mistakes.size(), 1u) << to_string("f", reading.mistakes);
    EXPECT_EQ(reading.mistakes[0].line, row.line);
    EXPECT_THAT(reading.mistakes[0].reason, HasSubstr(row.says));
  }
}

}  // namespace
}  // namespace weir::proto::settings
