// [registrar] and each [[realm]]'s registrar table: who may register where, and what is kept of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir::proto::settings {

/// Hashes of digest authentication, weakest first (RFC 8760).
enum class DigestHash : std::uint8_t { kMd5, kSha256, kSha512_256 };
inline constexpr std::size_t kDigestHashes = 3;

/// [registrar]: RFC 3261 section 10.
struct RegistrarSettings {
  std::string users;  ///< file of those who may register; empty: nobody
  std::string store;  ///< SQLite file; empty: a restart forgets the bindings
  std::vector<DigestHash> algorithms = {DigestHash::kSha256, DigestHash::kMd5};  ///< offered, strongest first
  bool allow_without_qop = false;  ///< RFC 2069's digest: each nonce serves one request
  std::uint32_t nonce_lifetime_ms = 300'000;
  std::uint32_t expires_min_s = 60;
  std::uint32_t expires_max_s = 7200;
  std::uint32_t expires_default_s = 3600;
  std::uint32_t contacts_per_user_max = 10;
  std::uint32_t bindings_max = 100'000;
  std::uint32_t failures_per_min_per_source_max = 30;  ///< wrong passwords; 0: no limit
  bool operator==(const RegistrarSettings&) const = default;
};

/// [[realm]] registrar = { bearer = { ... } }: tokens of an authorization server in place of passwords (RFC 8898).
struct BearerSettings {
  std::string key;           ///< file of what tokens are checked with; empty: no tokens are taken
  std::string audience;      ///< whom they are for; empty: anybody
  std::string authz_server;  ///< https URI of the server that gives them
  std::string scope;         ///< what to ask that for; empty: it is not said
  bool operator==(const BearerSettings&) const = default;
};

/// [[realm]] registrar = { ... }
struct RealmRegistrarSettings {
  std::vector<std::string> domains;  ///< lower case; the first names users and the digest realm. Empty: no registrar
  bool auth = true;                  ///< false: whoever reaches the realm may register anybody
  bool nat = true;                   ///< a contact that its sender has not the address of is called where it came from
  std::string service_route;         ///< SIP URI for Service-Route (RFC 3608); empty: none
  BearerSettings bearer = {};
  std::string upstream{};  ///< a trunk that is the registrar: REGISTERs go on there (RFC 3327); empty: it is here
  /// How often the phone of a flow over a connection has to say something (RFC 5626 section 4.4).
  std::uint32_t flow_timer_s = 240;
  bool operator==(const RealmRegistrarSettings&) const = default;
};

}  // namespace weir::proto::settings
