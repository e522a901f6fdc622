// The keys that we vouch for callers with, each with the chain that others verify them by. RFC 8226, RFC 8224
// section 5.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/openssl_handles.h"
#include "proto/result.h"
#include "proto/settings/identity_settings.h"

namespace weir::controlplane {

/// Immutable once loaded; whoever signs with it shares it.
struct IdentityKey {
  std::string name;
  KeyHandle key;                         ///< the private one, or what stands for it where it must not leave
  std::vector<CertificateHandle> chain;  ///< its own certificate first
  bool is_rsa = false;                   ///< good for RFC 4474 alone; else on P-256, for ES256
  std::int64_t not_after_s = 0;          ///< of its certificate, s since 1970
  std::string pem;                       ///< the chain, as others get it
  std::string path;                      ///< where we serve it: the same for as long as the certificate is
  std::string url;                       ///< where others fetch it; empty: nowhere
};

/// One configuration's. Immutable once loaded.
class IdentityKeys {
 public:
  /// Certificates in one chain, at most.
  static constexpr std::size_t kChainMax = 8;

  /// Reads the files and asks the stores; blocks while it does. Errors: each key that is no good, with the reason: a
  /// file that cannot be read or is no PEM, a store without such a key, a key that is not the first certificate's, a
  /// certificate that is not valid at `now_s` (s since 1970), a key neither on P-256 nor RSA of 2,048 bits. `user`:
  /// whom the files must be readable for, for people.
  static proto::Result<std::shared_ptr<const IdentityKeys>> load(const proto::settings::IdentitySettings& settings,
                                                                 const std::string& user, std::int64_t now_s);

  /// Nullptr: there is none of this name.
  [[nodiscard]] std::shared_ptr<const IdentityKey> find(std::string_view name) const;
  [[nodiscard]] const std::vector<std::shared_ptr<const IdentityKey>>& all() const { return keys_; }

 private:
  std::vector<std::shared_ptr<const IdentityKey>> keys_;
};

/// "/identity/0123456789abcdef.pem": of the SHA-256 hash of the certificate, 8 bytes.
std::string identity_path(const X509& certificate);

}  // namespace weir::controlplane
