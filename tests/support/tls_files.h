// A certificate authority for tests: certificates and keys in PEM files, made by OpenSSL.
#pragma once

#include <string>

#include "controlplane/openssl_handles.h"
#include "proto/settings/transport_settings.h"
#include "tests/support/temporary_directory.h"

namespace weir::tests {

/// An X.509 certificate with this subjectAltName, as OpenSSL's configuration writes it ("DNS:a.example,
/// URI:sip:a.example"); empty: none. Its subject's common name is `common_name`. Signed by itself if `signer` is null.
controlplane::CertificateHandle make_certificate(EVP_PKEY* key, const std::string& common_name,
                                                 const std::string& alternative_names, const X509* signer,
                                                 EVP_PKEY* signer_key, long valid_from_s = -3600,
                                                 long valid_to_s = 3600);

class TlsFiles {
 public:
  TlsFiles();

  /// Writes NAME.pem and NAME.key; they replace what was there.
  proto::settings::CertificateFiles issue(const std::string& name, const std::string& alternative_names,
                                          long valid_to_s = 3600);
  /// The authority's certificate.
  [[nodiscard]] std::string ca() const { return path("ca.pem"); }
  [[nodiscard]] std::string path(const std::string& file) const { return directory_.path() + "/" + file; }
  void write(const std::string& file, const std::string& text);

 private:
  TemporaryDirectory directory_;
  controlplane::KeyHandle ca_key_;
  controlplane::CertificateHandle ca_;
};

}  // namespace weir::tests
