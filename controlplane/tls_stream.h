// TLS over a connection's socket, at either end. RFC 3261 section 26.3.1, RFC 5922 section 7.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controlplane/byte_stream.h"
#include "controlplane/openssl_handles.h"
#include "controlplane/tls_identity.h"
#include "controlplane/tls_realm.h"

namespace weir::controlplane {

class TlsStream : public ByteStream {
 public:
  /// The server's end: `candidates`, at least one, are the realms that listen there; the name the client asks for (SNI)
  /// says which of them it gets, the first if it is nobody's.
  TlsStream(int socket, TlsRealms candidates);
  /// The client's end: the server has to prove to be `name`, a domain or an IP address.
  TlsStream(int socket, const TlsRealm& realm, std::string name);
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Progress handshake() override;
  Transfer read(std::span<char> into) override;
  Transfer write(std::string_view bytes) override;
  void end_writing() override;
  [[nodiscard]] std::string failure() const override { return failure_; }
  [[nodiscard]] const TlsIdentity* peer() const override { return peer_ ? &*peer_ : nullptr; }

  [[nodiscard]] std::size_t chosen() const override { return chosen_; }

  /// OpenSSL's, when the ClientHello has been read.
  static int on_server_name(SSL* ssl, int* alert, void* argument);

 private:
  void choose(std::string_view name);
  Progress outcome(int result);
  Progress fail(std::string reason);
  [[nodiscard]] std::string handshake_failure() const;

  SslHandle ssl_;
  TlsRealms candidates_;
  std::size_t chosen_ = 0;
  std::string name_;  ///< client: who the server must be
  std::optional<TlsIdentity> peer_;
  std::string failure_;
};

}  // namespace weir::controlplane
