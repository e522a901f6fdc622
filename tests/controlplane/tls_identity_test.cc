// Whom a certificate speaks for: RFC 5922 section 7, row by row.
#include "controlplane/tls_identity.h"

#include <gtest/gtest.h>

#include "controlplane/openssl_handles.h"
#include "tests/support/tls_files.h"

namespace weir::controlplane {
namespace {

struct Row {
  const char* description;
  const char* alternative_names;
  const char* host;
  bool proves;
};

const Row kRows[] = {
    {"section 7.1: a sip URI", "URI:sip:example.com", "example.com", true},
    {"section 7.2: case does not count", "URI:sip:Example.COM", "eXample.com", true},
    {"a final dot is the same name", "DNS:example.com", "example.com.", true},
    {"section 7.1: a URI with a user is a user's", "URI:sip:alice@example.com", "example.com", false},
    {"section 7.1: the scheme is sip, not sips", "URI:sips:example.com", "example.com", false},
    {"another scheme", "URI:https://example.com", "example.com", false},
    {"section 7.1: without a sip URI, DNS names count", "DNS:example.com", "example.com", true},
    {"a user's URI leaves it to the DNS names", "URI:sip:alice@example.com, DNS:example.com", "example.com", true},
    {"with a sip URI, DNS names do not", "URI:sip:example.com, DNS:example.net", "example.net", false},
    {"one of several", "DNS:a.example, DNS:b.example", "b.example", true},
    {"section 7.2: no suffix", "DNS:example.com", "sip.example.com", false},
    {"no prefix", "DNS:sip.example.com", "example.com", false},
    {"section 7.2: no wildcard", "DNS:*.example.com", "sip.example.com", false},
    {"nor by its own name", "DNS:*.example.com", "*.example.com", false},
    {"a leading dot is none either", "DNS:.example.com", "sip.example.com", false},
    {"the common name is not looked at", "", "example.com", false},
    {"an address", "IP:198.18.1.2", "198.18.1.2", true},
    {"an IPv6 address", "IP:2001:2::1", "2001:2:0:0::1", true},
    {"another address", "IP:198.18.1.2", "198.18.1.3", false},
    {"an address written as a name", "DNS:198.18.1.2", "198.18.1.2", false},
    {"an e-mail address", "email:example.com@example.com", "example.com", false},
};

TEST(TlsIdentity, RowsOfRfc5922) {
  const KeyHandle key(EVP_EC_gen("P-256"));
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.description);
    const CertificateHandle certificate =
        tests::make_certificate(key.get(), "example.com", row.alternative_names, nullptr, key.get());
    EXPECT_EQ(identity_of(*certificate).proves(row.host), row.proves);
  }
}

TEST(TlsIdentity, ANulInANameMakesItNone) {
  const KeyHandle key(EVP_EC_gen("P-256"));
  std::string hex = "DER:30:1A:82:18";  // SEQUENCE, dNSName of 24 bytes
  const std::string bytes("example.com\0.evil.example", 24);
  for (const char byte : bytes) {
    char text[4];
    std::snprintf(text, sizeof text, ":%02X", static_cast<unsigned char>(byte));
    hex += text;
  }
  const CertificateHandle certificate = tests::make_certificate(key.get(), "x", hex, nullptr, key.get());
  const TlsIdentity identity = identity_of(*certificate);
  EXPECT_FALSE(identity.proves("example.com"));
  EXPECT_TRUE(identity.domains.empty());
}

}  // namespace
}  // namespace weir::controlplane
