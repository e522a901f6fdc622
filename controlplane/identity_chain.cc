#include "controlplane/identity_chain.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <atomic>
#include <string>

#include "controlplane/pem_files.h"

namespace weir::controlplane {
namespace {

/// OpenSSL's security level of 112 bits: RSA of 2048, SHA-256, P-256.
constexpr int kSecurityLevel = 2;
constexpr std::int64_t kGoodSeconds = 3600;
constexpr std::int64_t kBadSeconds = 60;
/// id-pe-JWTClaimConstraints and id-pe-eJWTClaimConstraints: RFC 8226 section 8, RFC 9118. What they allow is not
/// compared here, so a signer whose claims are bounded by them is nobody's.
constexpr const char* kConstraintOids[] = {"1.3.6.1.5.5.7.1.27", "1.3.6.1.5.5.7.1.33"};

bool is_oid(const ASN1_OBJECT* object, std::string_view oid) {
  char text[64] = "";
  return OBJ_obj2txt(text, sizeof text, object, 1) > 0 && oid == text;
}

X509_EXTENSION* find_extension(const X509* certificate, std::string_view oid) {
  for (int i = 0; i < X509_get_ext_count(certificate); ++i) {
    X509_EXTENSION* const extension = X509_get_ext(certificate, i);
    if (is_oid(X509_EXTENSION_get_object(extension), oid)) return extension;
  }
  return nullptr;
}

/// Whether every critical extension is known to OpenSSL or is the TNAuthList.
bool critical_ones_are_known(const X509* certificate) {
  for (int i = 0; i < X509_get_ext_count(certificate); ++i) {
    X509_EXTENSION* const extension = X509_get_ext(certificate, i);
    if (X509_EXTENSION_get_critical(extension) == 0 || X509_supported_extension(extension) == 1) continue;
    if (!is_oid(X509_EXTENSION_get_object(extension), kTnAuthListOid)) return false;
  }
  return true;
}

int accept_tn_auth_list(int ok, X509_STORE_CTX* context) {
  if (ok == 1 || X509_STORE_CTX_get_error(context) != X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION) return ok;
  if (!critical_ones_are_known(X509_STORE_CTX_get_current_cert(context))) return 0;
  X509_STORE_CTX_set_error(context, X509_V_OK);
  return 1;
}

/// The signer's certificate itself, whoever signed it. Empty: it may sign.
std::string fault_of_leaf(X509* leaf) {
  if ((X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0) return "its key is not for signatures";
  for (const char* const oid : kConstraintOids) {
    if (find_extension(leaf, oid) != nullptr) return "it has claim constraints, which are not supported";
  }
  return {};
}

/// Whether an issuer is bound to no numbers, nor to claims: those below it would be, too.
bool speaks_for_all(const X509* issuer) {
  const bool constrained = std::any_of(std::begin(kConstraintOids), std::end(kConstraintOids),
                                       [&](const char* oid) { return find_extension(issuer, oid) != nullptr; });
  return !constrained && find_extension(issuer, kTnAuthListOid) == nullptr;
}

std::string subject_of(const X509* certificate) {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long bytes = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(std::max(bytes, 0L)));
}

/// PEM, or one in DER; at least one.
proto::Result<std::vector<CertificateHandle>> read_any(std::string_view bytes) {
  if (bytes.size() > kChainBytesMax) return proto::Error{"it is too long"};
  if (bytes.find("-----BEGIN") != std::string_view::npos) return parse_certificates(bytes);
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const unsigned char* const end = at + bytes.size();
  std::vector<CertificateHandle> certificates;
  certificates.emplace_back(d2i_X509(nullptr, &at, static_cast<long>(bytes.size())));
  if (certificates.front() == nullptr || at != end) {
    (void)openssl_error("");
    return proto::Error{"it is no certificate, neither in PEM form nor in DER"};
  }
  return certificates;
}

}  // namespace

proto::Result<std::shared_ptr<const TrustAnchors>> TrustAnchors::make(
    const std::vector<CertificateHandle>& certificates) {
  static std::atomic<std::uint64_t> made = 0;
  const std::shared_ptr<TrustAnchors> anchors(new TrustAnchors);
  anchors->store_.reset(X509_STORE_new());
  if (anchors->store_ == nullptr) return proto::Error{"no memory for trust anchors"};
  for (const CertificateHandle& certificate : certificates) {
    if (X509_STORE_add_cert(anchors->store(), certificate.get()) != 1) {
      return proto::Error{"a trust anchor is refused: " + openssl_error("OpenSSL gives no reason")};
    }
  }
  anchors->count_ = certificates.size();
  anchors->number_ = ++made;
  return std::shared_ptr<const TrustAnchors>(anchors);
}

proto::Result<std::shared_ptr<const TrustAnchors>> TrustAnchors::parse(std::string_view pem) {
  const proto::Result<std::vector<CertificateHandle>> certificates = parse_certificates(pem);
  if (!certificates) return proto::Error{certificates.error()};
  return make(*certificates);
}

proto::Result<std::shared_ptr<const TrustAnchors>> TrustAnchors::load(const std::string& path) {
  const proto::Result<std::vector<CertificateHandle>> certificates = read_certificates(path);
  if (!certificates) return proto::Error{certificates.error()};
  return make(*certificates);
}

proto::Result<std::shared_ptr<const IdentityCertificate>> IdentityCertificate::read_chain(std::string_view bytes) {
  proto::Result<std::vector<CertificateHandle>> read = read_any(bytes);
  if (!read) return proto::Error{read.error()};
  if (read->size() > kChainCertificatesMax) return proto::Error{"it has more than eight certificates"};
  const std::shared_ptr<IdentityCertificate> made(new IdentityCertificate);
  made->chain_ = std::move(*read);
  if (made->key() == nullptr) return proto::Error{openssl_error("its key cannot be read")};
  if (X509_EXTENSION* const extension = find_extension(made->leaf(), kTnAuthListOid)) {
    const ASN1_OCTET_STRING* const der = X509_EXTENSION_get_data(extension);
    proto::Result<TnAuthList> numbers =
        TnAuthList::parse({ASN1_STRING_get0_data(der), static_cast<std::size_t>(ASN1_STRING_length(der))});
    if (!numbers) return proto::Error{numbers.error()};
    made->numbers_ = std::move(*numbers);
  }
  made->subject_ = subject_of(made->leaf());
  made->domains_ = identity_of(*made->leaf());
  made->not_after_s_ = unix_time_of(X509_get0_notAfter(made->leaf()));
  return std::shared_ptr<const IdentityCertificate>(made);
}

IdentityCertificate::Outcome IdentityCertificate::check_path(const TrustAnchors& anchors, std::int64_t now_s) const {
  Outcome outcome{anchors.number(), now_s, now_s + kBadSeconds, fault_of_leaf(leaf())};
  if (!outcome.error.empty()) return outcome;
  const StoreContextHandle context(X509_STORE_CTX_new());
  STACK_OF(X509)* const others = sk_X509_new_null();
  for (const CertificateHandle& certificate : chain_) sk_X509_push(others, certificate.get());
  outcome.error = "OpenSSL has no memory";
  if (context && others && X509_STORE_CTX_init(context.get(), anchors.store(), leaf(), others) == 1) {
    X509_VERIFY_PARAM* const terms = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_time(terms, now_s);
    X509_VERIFY_PARAM_set_auth_level(terms, kSecurityLevel);
    X509_VERIFY_PARAM_set_flags(terms, X509_V_FLAG_PARTIAL_CHAIN);
    X509_STORE_CTX_set_verify_cb(context.get(), accept_tn_auth_list);
    const bool good = X509_verify_cert(context.get()) == 1;
    outcome.error = good ? "" : X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
    if (good) {
      outcome.until_s = now_s + kGoodSeconds;
      const STACK_OF(X509)* const path = X509_STORE_CTX_get0_chain(context.get());
      for (int i = 1; i < sk_X509_num(path); ++i) {
        if (!speaks_for_all(sk_X509_value(path, i)))
          outcome.error = "it was delegated (RFC 9060), which is not supported";
      }
      for (int i = 0; i < sk_X509_num(path); ++i) {
        outcome.until_s = std::min(outcome.until_s, unix_time_of(X509_get0_notAfter(sk_X509_value(path, i))));
      }
    }
  }
  sk_X509_free(others);
  (void)openssl_error("");  // whose queue they would stay in
  return outcome;
}

proto::Status IdentityCertificate::verify(const TrustAnchors& anchors, std::int64_t now_s) const {
  const std::scoped_lock lock(mutex_);
  if (last_.anchors != anchors.number() || now_s < last_.from_s || now_s >= last_.until_s) {
    last_ = check_path(anchors, now_s);
  }
  return last_.error.empty() ? proto::success() : proto::Status(proto::Error{last_.error});
}

}  // namespace weir::controlplane
