// What the configuration says of SIP's transports: TLS, WebSocket, keep-alives, and how names are looked up.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/inet.h"

namespace weir::proto::settings {

/// A certificate chain, leaf first, and the leaf's key: PEM files, absolute paths.
struct CertificateFiles {
  std::string chain;
  std::string key;
  bool operator==(const CertificateFiles&) const = default;
};

/// Whether a TLS client has to show a certificate. One that is shown is verified, or the handshake fails.
enum class ClientCertificates : std::uint8_t { kOff, kOptional, kRequired };

/// [realm.tls]: who a realm is, and whom it believes.
struct RealmTlsSettings {
  std::vector<CertificateFiles> certificates;  ///< the first is shown to who names none of them (SNI), and to servers
  ClientCertificates clients = ClientCertificates::kOff;
  std::string ca;  ///< PEM file of those who may sign peers' certificates; empty: those the system trusts
  bool operator==(const RealmTlsSettings&) const = default;
};

/// [realm.websocket] cookie = { ... }: a signed cookie that says who opens a WebSocket (RFC 7118 appendix A).
struct WebCookieSettings {
  std::string name;      ///< empty: none is asked for
  std::string key;       ///< file of what its token is checked with, as BearerSettings::key
  std::string audience;  ///< whom the token is for; empty: anybody
  bool operator==(const WebCookieSettings&) const = default;
};

/// [realm.websocket]: who may open a WebSocket to a realm (RFC 7118).
struct RealmWebSocketSettings {
  /// Pages that may, by their origin as browsers write it: "https://phone.example.com". "*": all. Who sends no Origin
  /// is no browser, and may.
  std::vector<std::string> origins;
  std::string path;  ///< the only one there is, without a query; empty: any
  /// A folder, absolute, whose files answer requests that ask for no WebSocket; empty: such are refused.
  std::string page{};
  WebCookieSettings cookie{};
  bool page_in_clear = false;  ///< also over ws: from afar, where no TLS protects it
  bool operator==(const RealmWebSocketSettings&) const = default;
};

enum class TlsVersion : std::uint8_t { k12, k13 };

/// [tls]: all realms' TLS.
struct TlsSettings {
  TlsVersion version_min = TlsVersion::k12;
  /// TLS 1.2's, as OpenSSL names them: forward secrecy and AEAD only (RFC 9325 section 4.2).
  std::string ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
  /// TLS 1.3's.
  std::string suites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
  bool operator==(const TlsSettings&) const = default;
};

/// [transport].
struct TransportSettings {
  /// A connection of ours that is idle for so long is pinged (RFC 5626 section 4.4.1); 0: never.
  std::uint32_t keepalive_ms = 110'000;
  /// A WebSocket without a byte for so long is pinged (RFC 6455 section 5.5.2); 0: never. Proxies on the way commonly
  /// give up what is idle for a minute.
  std::uint32_t websocket_ping_ms = 25'000;
  bool operator==(const TransportSettings&) const = default;
};

/// [dns].
struct DnsSettings {
  std::vector<Endpoint> servers;    ///< empty: those of /etc/resolv.conf
  std::uint32_t timeout_ms = 2000;  ///< of a server's first try; later ones wait longer
  std::uint32_t tries = 2;          ///< of each server
  std::uint32_t cache_entries_max = 10'000;
  std::uint32_t ttl_s_max = 3600;  ///< nothing is believed for longer, whatever its TTL
  bool operator==(const DnsSettings&) const = default;
};

}  // namespace weir::proto::settings
