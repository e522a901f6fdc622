// Weir's own DTLS certificate, and the comparison of a peer's with its SDP. RFC 8122 section 5, RFC 8827 section 6.5.
#pragma once

#include <string>
#include <vector>

#include "controlplane/openssl_handles.h"
#include "proto/bytes.h"
#include "proto/result.h"
#include "sip/dtls_attributes.h"

namespace weir::controlplane {

/// A self-signed ECDSA P-256 certificate and its key.
class Certificate {
 public:
  /// A new key, random serial, neutral names, valid from the day before this one for 60 days: those of a day have
  /// nothing in common but what all of Weir's have. Errors: OpenSSL's.
  static proto::Result<Certificate> make();
  /// One that to_der() gave. Errors: it is none, or key and certificate do not belong together.
  static proto::Result<Certificate> from_der(proto::Bytes der);
  /// The certificate and, behind it, its key, both in DER: to be kept where nobody else reads it, and wiped. Empty:
  /// OpenSSL has no memory.
  [[nodiscard]] std::vector<std::uint8_t> to_der() const;

  /// False: the calls to come are to have a younger one.
  [[nodiscard]] bool has_half_its_life() const;

  [[nodiscard]] X509* x509() const { return x509_.get(); }
  [[nodiscard]] EVP_PKEY* key() const { return key_.get(); }
  /// sha-256: what a=fingerprint says.
  [[nodiscard]] const sip::Fingerprint& fingerprint() const { return fingerprint_; }

 private:
  Certificate() = default;
  CertificateHandle x509_;
  KeyHandle key_;
  sip::Fingerprint fingerprint_;
};

/// The hash of the certificate's DER form.
sip::Fingerprint fingerprint_of(const X509& certificate, sip::FingerprintHash hash);

/// How a peer's certificate compares with what its SDP promised.
struct FingerprintVerdict {
  bool matched = false;
  std::string text;  ///< for people: "matches the SDP (sha-256)", or why not
};

/// Compares with the fingerprints of the strongest hash in the list; one of them has to match (RFC 8122 section 5.1).
/// An empty list matches nothing.
FingerprintVerdict verify_certificate(const X509& certificate, const std::vector<sip::Fingerprint>& promised);

}  // namespace weir::controlplane
