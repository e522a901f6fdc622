#include "controlplane/tls_context.h"

#include <openssl/x509v3.h>

#include "controlplane/log.h"
#include "controlplane/pem_files.h"

namespace weir::controlplane {

namespace settings = proto::settings;

namespace {

constexpr char kGroups[] = "X25519:P-256:P-384";
/// 112 bits: what RFC 9325 section 4.5 asks of keys, RSA's of 2,048 bits.
constexpr int kSecurityLevel = 2;
/// Of a peer's chain, in bytes and in length: real ones have two or three certificates.
constexpr long kPeerCertificatesBytesMax = 32'768;
constexpr int kChainDepthMax = 6;
constexpr std::uint64_t kOptions = SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   // Sessions are not resumed: one could be carried from a realm to another, past what
                                   // that one asks of its clients.
                                   SSL_OP_NO_TICKET |
                                   // A peer that just goes cut nothing off: messages know their length.
                                   SSL_OP_IGNORE_UNEXPECTED_EOF;

proto::Error openssl_refuses(const std::string& what) {
  return proto::Error{what + ": " + openssl_error("OpenSSL gives no reason")};
}

proto::Status set_protocol(SSL_CTX* context, const settings::TlsSettings& tls) {
  SSL_CTX_set_options(context, kOptions);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_security_level(context, kSecurityLevel);
  SSL_CTX_set_max_cert_list(context, kPeerCertificatesBytesMax);
  SSL_CTX_set_verify_depth(context, kChainDepthMax);
  const int version_min = tls.version_min == settings::TlsVersion::k13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  if (SSL_CTX_set_min_proto_version(context, version_min) != 1 || SSL_CTX_set1_groups_list(context, kGroups) != 1) {
    return openssl_refuses("cannot configure TLS");
  }
  if (SSL_CTX_set_cipher_list(context, tls.ciphers.c_str()) != 1) {
    return openssl_refuses("[tls] ciphers '" + tls.ciphers + "'");
  }
  if (SSL_CTX_set_ciphersuites(context, tls.suites.c_str()) != 1) {
    return openssl_refuses("[tls] suites '" + tls.suites + "'");
  }
  return proto::success();
}

proto::Status set_authorities(SSL_CTX* context, const std::string& ca) {
  if (ca.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) != 1) return openssl_refuses("the system's certificate authorities");
    return proto::success();
  }
  proto::Result<std::vector<CertificateHandle>> authorities = read_certificates(ca);
  if (!authorities) return proto::Error{authorities.error()};
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const CertificateHandle& authority : *authorities) {
    if (X509_STORE_add_cert(store, authority.get()) != 1 || SSL_CTX_add_client_CA(context, authority.get()) != 1) {
      return openssl_refuses(ca);
    }
  }
  // What the file names is believed as it stands, so that it may name one peer's own certificate.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return proto::success();
}

/// A certificate that clocks refuse is used all the same: the clock may be wrong, and the old one is no better.
void warn_of_dates(const X509& certificate, const std::string& path) {
  const char* what = nullptr;
  if (X509_cmp_current_time(X509_get0_notBefore(&certificate)) > 0) what = "a certificate is not valid yet";
  if (X509_cmp_current_time(X509_get0_notAfter(&certificate)) < 0) what = "a certificate has expired";
  if (what != nullptr) log_event(LogLevel::kWarning, "tls", {{"event", what}, {"file", path}});
}

}  // namespace

proto::Result<SslContextHandle> make_tls_context(const SSL_METHOD* method, const std::string& ca,
                                                 const settings::TlsSettings& tls) {
  SslContextHandle context(SSL_CTX_new(method));
  if (context == nullptr) return openssl_refuses("OpenSSL makes no TLS context");
  if (proto::Status status = set_protocol(context.get(), tls); !status) return proto::Error{status.error()};
  if (proto::Status status = set_authorities(context.get(), ca); !status) return proto::Error{status.error()};
  return context;
}

proto::Result<OwnCertificate> load_own_certificate(const settings::CertificateFiles& files, const std::string& user) {
  proto::Result<std::vector<CertificateHandle>> chain = read_certificates(files.chain);
  if (!chain) return proto::Error{chain.error()};
  proto::Result<KeyHandle> key = read_key(files.key, user);
  if (!key) return proto::Error{key.error()};
  if (X509_check_private_key(chain->front().get(), key->get()) != 1) {
    (void)openssl_error("");
    return proto::Error{"the key in " + files.key + " is not the one of the first certificate in " + files.chain};
  }
  warn_of_dates(*chain->front(), files.chain);
  return OwnCertificate{std::move(chain).value(), std::move(key).value()};
}

proto::Status show(SSL_CTX* context, const OwnCertificate& own, const std::string& path) {
  bool shown = SSL_CTX_use_certificate(context, own.chain.front().get()) == 1 &&
               SSL_CTX_use_PrivateKey(context, own.key.get()) == 1;
  for (std::size_t i = 1; shown && i < own.chain.size(); ++i) {
    shown = SSL_CTX_add1_chain_cert(context, own.chain[i].get()) == 1;
  }
  if (!shown) return openssl_refuses("OpenSSL does not take the certificate in " + path);
  return proto::success();
}

}  // namespace weir::controlplane
