// The certificates that tokens are signed with, and who vouches for them. RFC 8226 (numbers), RFC 8224 section 7.5 and
// RFC 5922 (domains), RFC 5280 section 6 (paths).
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/openssl_handles.h"
#include "controlplane/tls_identity.h"
#include "controlplane/tn_auth_list.h"
#include "proto/result.h"

namespace weir::controlplane {

/// Certificates of one chain that are read: paths in use have three.
inline constexpr std::size_t kChainCertificatesMax = 8;
/// Bytes of a chain, PEM or DER.
inline constexpr std::size_t kChainBytesMax = 65'536;

/// The authorities whose word counts. Immutable; may be used by several threads at once.
class TrustAnchors {
 public:
  /// From PEM: one or more certificates; an anchor need not be signed by itself. Errors: there is none, or one that
  /// cannot be read.
  static proto::Result<std::shared_ptr<const TrustAnchors>> parse(std::string_view pem);
  /// The same, from a file. Errors name it.
  static proto::Result<std::shared_ptr<const TrustAnchors>> load(const std::string& path);

  [[nodiscard]] X509_STORE* store() const { return store_.get(); }
  [[nodiscard]] std::size_t size() const { return count_; }
  /// Another one for each set that is made.
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  TrustAnchors() = default;
  static proto::Result<std::shared_ptr<const TrustAnchors>> make(const std::vector<CertificateHandle>& certificates);

  CertificateStoreHandle store_;
  std::size_t count_ = 0;
  std::uint64_t number_ = 0;
};

/// A signer's certificate with those that lead to its authority. Immutable but for what it remembers of its last path;
/// may be used by several threads at once.
class IdentityCertificate {
 public:
  /// PEM, the signer's first, the others in any order; or one certificate in DER (application/pkix-cert, RFC 8226
  /// section 7 by way of RFC 2585). Errors, for people: it is neither, too long, has too many, or its TNAuthList is
  /// malformed.
  static proto::Result<std::shared_ptr<const IdentityCertificate>> read_chain(std::string_view bytes);

  /// Whether a path leads to one of the anchors at that time, and the certificate may sign. Keys and digests of less
  /// than 112 bits of strength are refused, as are critical extensions that are unknown; a critical TNAuthList is none.
  /// Errors: why not. The last outcome is remembered: for an hour, or as long as the path is good; a refusal for a
  /// minute.
  [[nodiscard]] proto::Status verify(const TrustAnchors& anchors, std::int64_t now_s) const;

  [[nodiscard]] X509* leaf() const { return chain_.front().get(); }
  [[nodiscard]] EVP_PKEY* key() const { return X509_get0_pubkey(leaf()); }
  /// nullopt: the certificate speaks for no numbers.
  [[nodiscard]] const std::optional<TnAuthList>& numbers() const { return numbers_; }
  [[nodiscard]] const TlsIdentity& domains() const { return domains_; }
  /// Unix time; the first second at which the signer's certificate is good no more.
  [[nodiscard]] std::int64_t not_after_s() const { return not_after_s_; }
  /// The subject, for people: "CN=..., O=...".
  [[nodiscard]] std::string subject() const;

 private:
  /// What verify() found out last.
  struct Outcome {
    std::uint64_t anchors = 0;
    std::int64_t from_s = 0;
    std::int64_t until_s = 0;
    std::string error;  ///< empty: good
  };

  IdentityCertificate() = default;
  [[nodiscard]] Outcome check_path(const TrustAnchors& anchors, std::int64_t now_s) const;

  std::vector<CertificateHandle> chain_;  ///< the signer's first
  std::optional<TnAuthList> numbers_;
  TlsIdentity domains_;
  std::int64_t not_after_s_ = 0;
  mutable std::mutex mutex_;
  mutable Outcome last_;
};

}  // namespace weir::controlplane
