#include "controlplane/tls_stream.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <cerrno>
#include <cstring>

#include "controlplane/socket_bio.h"
#include "proto/assert.h"

namespace weir::controlplane {
namespace {

SslHandle make_ssl(SSL_CTX* context, int socket) {
  SslHandle ssl(SSL_new(context));
  BIO* bio = make_socket_bio(socket);
  WEIR_ASSERT(ssl != nullptr && bio != nullptr);  // only memory can be lacking
  SSL_set_bio(ssl.get(), bio, bio);
  return ssl;
}

}  // namespace

TlsStream::TlsStream(int socket, TlsRealms candidates)
    : ssl_(make_ssl(candidates.front()->server(), socket)), candidates_(std::move(candidates)) {
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_accept_state(ssl_.get());
}

TlsStream::TlsStream(int socket, const TlsRealm& realm, std::string name)
    : ssl_(make_ssl(realm.client(), socket)), name_(std::move(name)) {
  SSL_set_connect_state(ssl_.get());
  // RFC 6066 section 3: names only, without a final dot; never an address.
  if (!proto::parse_ip_address(name_)) SSL_set_tlsext_host_name(ssl_.get(), normal_host(name_).c_str());
}

int TlsStream::on_server_name(SSL* ssl, int*, void*) {
  auto* stream = static_cast<TlsStream*>(SSL_get_app_data(ssl));
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  stream->choose(name == nullptr ? "" : name);
  return SSL_TLSEXT_ERR_OK;
}

/// The certificate and what is asked of the client are those of the realm whose name it is.
void TlsStream::choose(std::string_view name) {
  for (std::size_t i = 0; i < candidates_.size() && !name.empty(); ++i) {
    SSL_CTX* context = candidates_[i]->server_for(name);
    if (context == nullptr) continue;
    chosen_ = i;
    SSL_set_SSL_CTX(ssl_.get(), context);  // with its certificate and its authorities, and nothing else of it
    SSL_set_verify(ssl_.get(), SSL_CTX_get_verify_mode(context), nullptr);
    return;
  }
}

Progress TlsStream::handshake() {
  ERR_clear_error();
  const Progress progress = outcome(SSL_do_handshake(ssl_.get()));
  if (progress == Progress::kEnded) return fail("the peer ended the connection during the TLS handshake");
  if (progress == Progress::kFailed) return fail(handshake_failure());
  if (progress != Progress::kDone) return progress;
  const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate != nullptr && SSL_get_verify_result(ssl_.get()) == X509_V_OK) peer_ = identity_of(*certificate);
  candidates_.clear();
  if (!name_.empty() && !(peer_ && peer_->proves(name_))) {
    return fail("the server's certificate is not one of " + name_ + " (RFC 5922)");
  }
  return Progress::kDone;
}

/// The verdict on the peer's certificate says more than the alert that came of it.
std::string TlsStream::handshake_failure() const {
  const long verdict = SSL_get_verify_result(ssl_.get());
  if (verdict == X509_V_OK) return "TLS handshake: " + failure_;
  return std::string("TLS handshake: the peer's certificate: ") + X509_verify_cert_error_string(verdict);
}

Transfer TlsStream::read(std::span<char> into) {
  ERR_clear_error();
  std::size_t bytes = 0;
  const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &bytes);
  return {outcome(result), bytes};
}

Transfer TlsStream::write(std::string_view bytes) {
  ERR_clear_error();
  std::size_t written = 0;
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written);
  return {outcome(result), written};
}

void TlsStream::end_writing() {
  ERR_clear_error();
  (void)SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

Progress TlsStream::outcome(int result) {
  if (result == 1) return Progress::kDone;
  const int error_number = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Progress::kWantsRead;
    case SSL_ERROR_WANT_WRITE:
      return Progress::kWantsWrite;
    case SSL_ERROR_ZERO_RETURN:
      return Progress::kEnded;
    case SSL_ERROR_SYSCALL:
      return fail(error_number == 0 ? "the connection broke" : std::strerror(error_number));
    default:
      return fail(openssl_error("OpenSSL gives no reason"));
  }
}

Progress TlsStream::fail(std::string reason) {
  failure_ = std::move(reason);
  return Progress::kFailed;
}

}  // namespace weir::controlplane
