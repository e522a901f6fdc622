// A realm's TLS as loaded from its files: certificates, keys, and who may sign peers' certificates. RFC 9325 (what TLS
// must be today), RFC 5922, RFC 6066 section 3 (server name indication).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/openssl_handles.h"
#include "controlplane/tls_identity.h"
#include "proto/result.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

/// Immutable once loaded, and shared by the connections that began with it: what is loaded later is for later ones.
class TlsRealm {
 public:
  /// Reads the realm's files; blocks while it does. Errors: a file that cannot be read, is no PEM, a key that is not
  /// the certificate's, ciphers that OpenSSL does not know; each names the file and what to do. `user`: whom the keys
  /// must be readable for, for people.
  static proto::Result<std::shared_ptr<const TlsRealm>> load(const proto::settings::RealmTlsSettings& realm,
                                                             const proto::settings::TlsSettings& tls,
                                                             const std::string& user);

  /// For accepted connections: the certificate that speaks for `name`, a wildcard's too, nullptr if none does.
  [[nodiscard]] SSL_CTX* server_for(std::string_view name) const;
  /// The one for clients that name nothing, or something else.
  [[nodiscard]] SSL_CTX* server() const { return servers_.front().context.get(); }
  /// For connections of ours: shows the first certificate to those who ask.
  [[nodiscard]] SSL_CTX* client() const { return client_.get(); }

 private:
  struct Server {
    SslContextHandle context;
    CertificateHandle certificate;
    TlsIdentity identity;
  };

  TlsRealm() = default;

  std::vector<Server> servers_;
  SslContextHandle client_;
};

using TlsRealms = std::vector<std::shared_ptr<const TlsRealm>>;

/// Every realm's, in the order of Settings::realms; null for one that does not listen for TLS. Blocks while it reads.
/// Errors: each realm whose files are no good, with the reason.
proto::Result<TlsRealms> load_tls_realms(const proto::settings::Settings& settings);

}  // namespace weir::controlplane
