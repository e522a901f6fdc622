// What tokens are signed with, for tests: an authority, its signers' certificates, and facts that fit the tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "controlplane/es256.h"
#include "controlplane/identity_chain.h"
#include "controlplane/openssl_handles.h"
#include "controlplane/passport.h"

namespace weir::tests {

/// DER of a TNAuthorizationList, piece by piece (RFC 8226 section 9).
std::string tn_list(const std::string& entries);
std::string tn_code(std::string_view code);
std::string tn_range(std::string_view first, unsigned count);
std::string tn_one(std::string_view number);

/// What a certificate is to have.
struct StirTerms {
  std::string tn_auth_list = tn_list(tn_code("1234"));  ///< DER; empty: no such extension
  bool critical = false;                                ///< that extension
  std::string alternative_names = {};                   ///< as OpenSSL's configuration writes them
  std::string curve = "P-256";                          ///< or "RSA"
  long valid_from_s = -3600;
  long valid_to_s = 3600;
  std::string other_extension = {};  ///< OID of a critical extension that nobody knows; empty: none
  bool constrained = false;          ///< JWTClaimConstraints
  std::string key_usage = {};        ///< as OpenSSL's configuration writes it; empty: none
};

struct StirCredential {
  std::string certificate;  ///< PEM, with those that lead to the authority
  std::string key;          ///< PEM

  [[nodiscard]] controlplane::SigningKey signing_key() const;
  [[nodiscard]] std::shared_ptr<const controlplane::IdentityCertificate> chain() const;
};

/// An authority, and an intermediate one that signs.
class StirLab {
 public:
  StirLab();
  [[nodiscard]] StirCredential issue(const StirTerms& terms = {}) const;
  /// The authority's certificate in PEM.
  [[nodiscard]] const std::string& anchor() const { return anchor_; }
  [[nodiscard]] std::shared_ptr<const controlplane::TrustAnchors> anchors() const;

 private:
  controlplane::KeyHandle root_key_;
  controlplane::CertificateHandle root_;
  controlplane::KeyHandle middle_key_;
  controlplane::CertificateHandle middle_;
  std::string anchor_;
};

std::int64_t unix_now_s();

}  // namespace weir::tests
