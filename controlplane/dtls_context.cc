#include "controlplane/dtls_context.h"

#include <algorithm>
#include <string>

#include "controlplane/dtls_association.h"

namespace weir::controlplane {
namespace {

// Ephemeral keys and AEAD only. ECDSA is what clients have today, RSA what some still have.
constexpr char kCipherList[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr char kGroups[] = "X25519:P-256:P-384";
/// OpenSSL's level 1 (80 bits), not 2: the peer's certificate is its SDP's fingerprint made flesh, no chain is trusted,
/// and clients in the field still bring RSA keys of 1,024 bits.
constexpr int kSecurityLevel = 1;
/// Certificates a peer may send, in bytes: self-signed ones have a few hundred.
constexpr long kPeerCertificatesBytesMax = 16'384;

int bio_create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

int bio_read(BIO* bio, char* to, int bytes) {
  auto* datagrams = static_cast<DtlsDatagrams*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (datagrams->incoming.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  // As recv() does: what does not fit is cut off, and the next read is the next datagram.
  const std::size_t taken = std::min(datagrams->incoming.size(), static_cast<std::size_t>(bytes));
  std::copy_n(datagrams->incoming.begin(), taken, to);
  datagrams->incoming = {};
  return static_cast<int>(taken);
}

int bio_write(BIO* bio, const char* from, int bytes) {
  auto* datagrams = static_cast<DtlsDatagrams*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  datagrams->send({reinterpret_cast<const std::uint8_t*>(from), static_cast<std::size_t>(bytes)});
  return bytes;
}

long bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/// Any certificate will do for the handshake itself: the fingerprint decides, once it is over (RFC 5763 section 5).
int accept_any_chain(X509_STORE_CTX*, void*) {
  return 1;
}

/// Only ClientHellos whose cookie DtlsCookies found valid ever reach OpenSSL.
int cookie_was_verified(SSL*, const unsigned char*, unsigned) {
  return 1;
}
int no_cookie_is_made_here(SSL*, unsigned char*, unsigned*) {
  return 0;
}

}  // namespace

DtlsContext::DtlsContext(const DtlsOptions& options, Certificate certificate)
    : options_(options), certificate_(std::move(certificate)) {}

proto::Result<std::unique_ptr<DtlsContext>> DtlsContext::create(const DtlsOptions& options,
                                                                std::optional<Certificate> certificate) {
  if (options.profiles.empty()) return proto::Error{"no SRTP profile is configured for DTLS"};
  if (!certificate) {
    proto::Result<Certificate> made = Certificate::make();
    if (!made) return proto::Error{made.error()};
    certificate = std::move(made).value();
  }
  std::unique_ptr<DtlsContext> context(new DtlsContext(options, *std::move(certificate)));
  if (const proto::Status status = context->configure(); !status) return proto::Error{status.error()};
  return context;
}

proto::Status DtlsContext::configure() {
  bio_method_.reset(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "weir datagrams"));
  ssl_context_.reset(SSL_CTX_new(DTLS_method()));
  SSL_CTX* context = ssl_context_.get();
  if (bio_method_ == nullptr || context == nullptr) return proto::Error{openssl_error("OpenSSL makes no DTLS context")};
  BIO_meth_set_create(bio_method_.get(), bio_create);
  BIO_meth_set_read(bio_method_.get(), bio_read);
  BIO_meth_set_write(bio_method_.get(), bio_write);
  BIO_meth_set_ctrl(bio_method_.get(), bio_control);

  std::string profiles;
  for (const proto::SrtpProfile profile : options_.profiles) {
    if (!profiles.empty()) profiles += ':';
    profiles += proto::srtp_profile(profile).openssl_name;
  }
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_security_level(context, kSecurityLevel);
  SSL_CTX_set_max_cert_list(context, kPeerCertificatesBytesMax);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, accept_any_chain, nullptr);
  SSL_CTX_set_cookie_verify_cb(context, cookie_was_verified);
  SSL_CTX_set_cookie_generate_cb(context, no_cookie_is_made_here);
  const bool configured = SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1 &&
                          SSL_CTX_set_max_proto_version(context, kDtlsClientVersionMax) == 1 &&
                          SSL_CTX_set_cipher_list(context, kCipherList) == 1 &&
                          SSL_CTX_set1_groups_list(context, kGroups) == 1 &&
                          SSL_CTX_use_certificate(context, certificate_.x509()) == 1 &&
                          SSL_CTX_use_PrivateKey(context, certificate_.key()) == 1 &&
                          SSL_CTX_set_tlsext_use_srtp(context, profiles.c_str()) == 0;  // 0 is its success
  if (!configured) return proto::Error{"cannot configure DTLS: " + openssl_error("OpenSSL gives no reason")};
  return proto::success();
}

}  // namespace weir::controlplane
