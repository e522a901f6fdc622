// OpenSSL's TLS contexts as all of weir-control has them. RFC 9325: what TLS must be today.
#pragma once

#include <string>
#include <vector>

#include "controlplane/openssl_handles.h"
#include "proto/result.h"
#include "proto/settings/transport_settings.h"

namespace weir::controlplane {

/// Versions and ciphers as `tls` says, nothing resumed or renegotiated, certificates believed whose authorities stand
/// in `ca`, a PEM file (empty: those the system trusts). It verifies nobody yet. Errors: a file that cannot be read or
/// is no PEM, ciphers that OpenSSL does not know.
proto::Result<SslContextHandle> make_tls_context(const SSL_METHOD* method, const std::string& ca,
                                                 const proto::settings::TlsSettings& tls);

/// A chain, leaf first, and the leaf's key.
struct OwnCertificate {
  std::vector<CertificateHandle> chain;
  KeyHandle key;
};

/// Reads both files; blocks while it does. Errors: a file that cannot be read or is no PEM, a key that is not the
/// leaf's; each names the file and what to do. `user`: whom the keys must be readable for, for people.
proto::Result<OwnCertificate> load_own_certificate(const proto::settings::CertificateFiles& files,
                                                   const std::string& user);

/// Makes it what the context shows. `path` is where it came from, for the error.
proto::Status show(SSL_CTX* context, const OwnCertificate& own, const std::string& path);

}  // namespace weir::controlplane
