// Private keys that are no files: behind a URI of OpenSSL's stores, in a security module say. RFC 7512 (pkcs11: URIs).
#pragma once

#include <string>
#include <vector>

#include "controlplane/openssl_handles.h"
#include "proto/result.h"

namespace weir::controlplane {

/// Whether this names a key by a URI, and not a file by its absolute path.
bool is_key_uri(const std::string& key);

/// Makes OpenSSL load providers beside its default one, for the rest of the process. Blocks. Errors: there is none of
/// such a name; it names them all.
proto::Status load_providers(const std::vector<std::string>& names);

/// The private key behind a URI, which stays where it is: what comes back signs. Blocks, then and, as long as its
/// module takes, whenever it signs. The PIN is the URI's own (pin-value, or pin-source, a file); nobody is asked for
/// one.
///
/// A pkcs11: URI for which no provider is loaded goes to libp11's engine; module-path, if in it, is the module's
/// library, the same for all keys of the process, and else p11-kit's. Errors: OpenSSL's, without the URI's query, where
/// the PIN is.
proto::Result<KeyHandle> read_stored_key(const std::string& uri);

}  // namespace weir::controlplane
