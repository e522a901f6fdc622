// Certificates and keys from PEM files, with errors that say what to do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controlplane/openssl_handles.h"
#include "proto/result.h"

namespace weir::controlplane {

/// One or more certificates in PEM form, in the text's order. Errors: there is none, or one cannot be read.
proto::Result<std::vector<CertificateHandle>> parse_certificates(std::string_view pem);

/// One or more certificates, in the file's order. Errors: the file cannot be read, or holds none.
proto::Result<std::vector<CertificateHandle>> read_certificates(const std::string& path);

/// A private key without a passphrase. Errors as above; `user` is whom they say the file must be readable for.
proto::Result<KeyHandle> read_key(const std::string& path, const std::string& user);

}  // namespace weir::controlplane
