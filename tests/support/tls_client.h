// A TLS client of bare OpenSSL, over a non-blocking socket: another implementation of nothing, but with no code of
// ours.
#pragma once

#include <openssl/ssl.h>

#include <string>

#include "controlplane/openssl_handles.h"

namespace weir::tests {

/// Verifies nothing. Owner of its OpenSSL objects, not of the socket. Change context() before the first step().
class TlsClient {
 public:
  explicit TlsClient(int socket) : context_(SSL_CTX_new(TLS_client_method())), socket_(socket) {}

  SSL_CTX* context() { return context_.get(); }
  void show(const std::string& chain, const std::string& key) {
    SSL_CTX_use_certificate_file(context(), chain.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(context(), key.c_str(), SSL_FILETYPE_PEM);
  }

  /// One step of the handshake, asking for `name` if it is not empty: whether it is done.
  bool step(const std::string& name = "") {
    if (ssl_ == nullptr) {
      ssl_.reset(SSL_new(context()));
      SSL_set_fd(ssl_.get(), socket_);
      if (!name.empty()) SSL_set_tlsext_host_name(ssl_.get(), name.c_str());
    }
    return SSL_connect(ssl_.get()) == 1;
  }
  void write(const std::string& bytes) { (void)SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())); }
  /// What has come, maybe nothing. `ended`: and nothing more will.
  std::string read(bool* ended = nullptr) {
    char buffer[4096];
    const int bytes = SSL_read(ssl_.get(), buffer, sizeof buffer);
    if (ended != nullptr && bytes <= 0) *ended = SSL_get_error(ssl_.get(), bytes) != SSL_ERROR_WANT_READ;
    return bytes > 0 ? std::string(buffer, static_cast<std::size_t>(bytes)) : std::string();
  }
  /// The common name of the server's certificate.
  [[nodiscard]] std::string server() const {
    const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
    char name[64] = "";
    if (certificate != nullptr) {
      X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
    }
    return name;
  }

 private:
  controlplane::SslContextHandle context_;
  controlplane::SslHandle ssl_;
  int socket_;
};

}  // namespace weir::tests
