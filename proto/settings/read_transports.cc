#include "proto/settings/read_transports.h"

#include <algorithm>

#include "proto/settings/values.h"

namespace weir::proto::settings {

namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr std::size_t kNameServersMax = 8;
/// What one handshake can look through without anybody noticing.
constexpr std::size_t kCertificatesMax = 64;
constexpr std::size_t kOriginsMax = 256;
constexpr std::size_t kCookieNameBytesMax = 64;

CertificateFiles read_certificate(Table& table) {
  CertificateFiles files;
  for (const char* key : {"chain", "key"}) {
    if (table.require(key) == nullptr) continue;
    table.file_name(key, std::string_view(key) == "key" ? files.key : files.chain);
  }
  return files;
}

/// "198.18.1.53", "2001:2::53", or with a port "198.18.1.53:5353", "[2001:2::53]:5353".
std::optional<Endpoint> parse_name_server(const std::string& text) {
  if (const Result<IpAddress> address = parse_ip_address(text)) return Endpoint{*address, 0, kDnsPort};
  return parse_endpoint(text);
}

/// RFC 6454 section 6.2, as browsers write it in lower case: scheme, host, and a port that is not the scheme's.
bool is_origin(std::string_view text) {
  const std::size_t host = text.find("://");
  if (host == 0 || host == std::string_view::npos || host + 3 == text.size()) return false;
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return c <= ' ' || c == 0x7f || (c >= 'A' && c <= 'Z'); }) &&
         text.find_first_of("/?#@*\"", host + 3) == std::string_view::npos;
}

}  // namespace

void read_tls(Table& table, TlsSettings& tls) {
  table.text("ciphers", tls.ciphers);
  table.text("suites", tls.suites);
  std::string version;
  if (!table.text("version_min", version)) return;
  if (version == "1.2") {
    tls.version_min = TlsVersion::k12;
  } else if (version == "1.3") {
    tls.version_min = TlsVersion::k13;
  } else {
    table.mistake("version_min", "must be \"1.2\" or \"1.3\": what is older is broken (RFC 8996)");
  }
}

void read_realm_tls(Table& table, RealmTlsSettings& tls) {
  table.each_table("certificates", "[realm.tls] certificates",
                   [&](Table& child) { tls.certificates.push_back(read_certificate(child)); });
  if (tls.certificates.size() > kCertificatesMax) {
    table.mistake("certificates", "names more than " + std::to_string(kCertificatesMax));
  }
  table.file_name("ca", tls.ca);
  std::string clients;
  if (!table.text("clients", clients)) return;
  if (clients == "off") {
    tls.clients = ClientCertificates::kOff;
  } else if (clients == "optional") {
    tls.clients = ClientCertificates::kOptional;
  } else if (clients == "required") {
    tls.clients = ClientCertificates::kRequired;
  } else {
    table.mistake("clients", "must be \"off\", \"optional\" or \"required\"");
  }
}

namespace {

/// RFC 6265 section 4.1.1: a token of RFC 2616.
bool is_cookie_name(std::string_view name) {
  return !name.empty() && name.size() <= kCookieNameBytesMax && std::all_of(name.begin(), name.end(), [](char c) {
    return c > 0x20 && c < 0x7f && std::string_view("()<>@,;:\\\"/[]?={}").find(c) == std::string_view::npos;
  });
}

void read_cookie(Table& table, WebCookieSettings& cookie) {
  if (table.require("name") != nullptr && table.text("name", cookie.name) && !is_cookie_name(cookie.name)) {
    table.mistake("name", "'" + cookie.name + "' is no name of a cookie");
  }
  if (table.require("key") != nullptr) table.file_name("key", cookie.key);
  table.text("audience", cookie.audience);
}

}  // namespace

void read_realm_websocket(Table& table, RealmWebSocketSettings& websocket) {
  table.each_text("origins", [&](const std::string& text, std::uint32_t) {
    if (text != "*" && !is_origin(text)) {
      return table.mistake("origins",
                           "'" + text + "' is no origin of a page, like https://phone.example.com, nor \"*\"");
    }
    websocket.origins.push_back(text);
  });
  if (websocket.origins.size() > kOriginsMax) {
    table.mistake("origins", "names more than " + std::to_string(kOriginsMax));
  }
  if (table.text("path", websocket.path) &&
      (!websocket.path.starts_with('/') || websocket.path.find_first_of("?# ") != std::string::npos)) {
    table.mistake("path", "'" + websocket.path + "' is no path, like /sip");
  }
  table.file_name("page", websocket.page);
  table.flag("page_in_clear", websocket.page_in_clear);
  table.one_table("cookie", [&](Table& child) { read_cookie(child, websocket.cookie); });
}

void read_transport(Table& table, TransportSettings& transport) {
  table.seconds("keepalive_s", transport.keepalive_ms, 0, 280);
  table.seconds("websocket_ping_s", transport.websocket_ping_ms, 0, 280);
}

void read_dns(Table& table, DnsSettings& dns) {
  table.each_text("servers", [&](const std::string& text, std::uint32_t) {
    const std::optional<Endpoint> server = parse_name_server(text);
    if (!server)
      return table.mistake("servers", "'" + text + "' is not an address, like 198.18.1.53 or [2001:2::53]:53");
    dns.servers.push_back(*server);
  });
  if (dns.servers.size() > kNameServersMax) {
    table.mistake("servers", "names more than " + std::to_string(kNameServersMax));
  }
  table.number("timeout_ms", dns.timeout_ms, 50, 30'000);
  table.number("tries", dns.tries, 1, 10);
  table.number("cache_entries_max", dns.cache_entries_max, 16, 1'000'000);
  table.number("ttl_s_max", dns.ttl_s_max, 1, 86'400);
}

}  // namespace weir::proto::settings
