// Whom a certificate speaks for. RFC 5922 section 7 (SIP domain certificates).
#pragma once

#include <openssl/x509.h>

#include <string>
#include <string_view>
#include <vector>

#include "proto/inet.h"

namespace weir::controlplane {

/// What a certificate's subjectAltName names. A value.
struct TlsIdentity {
  /// More names than this in one certificate are not looked at.
  static constexpr std::size_t kNamesMax = 256;

  std::vector<std::string> domains;  ///< SIP domains, lower case, without a final dot
  std::vector<proto::IpAddress> addresses;

  /// Whether this is the identity of a URI's host: an equal domain, case aside (section 7.2: no wildcard, no part of a
  /// name), or, where the host is an IP address, that address.
  [[nodiscard]] bool proves(std::string_view host) const;
};

/// Section 7.1: the domains of URIs "sip:DOMAIN" without a user part; only if there is none, the DNS names. The
/// subject's common name is not looked at: RFC 5922 has it as a last resort, RFC 9525 section 2 no more.
TlsIdentity identity_of(const X509& certificate);

/// A host as identities are kept: lower case, without a final dot.
std::string normal_host(std::string_view host);

}  // namespace weir::controlplane
