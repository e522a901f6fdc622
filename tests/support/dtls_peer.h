// A DTLS-SRTP client or server that is nothing but OpenSSL over a datagram socket pair: the other end in tests of
// Weir's own. It shares no code with what it tests.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "proto/bytes.h"
#include "sip/dtls_attributes.h"

namespace weir::tests {

using Datagram = std::vector<std::uint8_t>;

/// The five characters of a handshake's short authentication string, of certificates in DER and the two randoms.
std::string spoken(const Datagram& client_certificate, const Datagram& client_random,
                   const Datagram& server_certificate, const Datagram& server_random);

class DtlsPeer {
 public:
  struct Options {
    bool client = true;
    std::string profiles =
        "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80";  ///< empty: no use_srtp
    bool certificate = true;
    unsigned rsa_bits = 0;  ///< 0: ECDSA P-256
    bool cookie = false;    ///< server: HelloVerifyRequest first
    long mtu = 1200;
    unsigned retransmit_us = 50'000;
  };

  explicit DtlsPeer(const Options& options);
  DtlsPeer(const DtlsPeer&) = delete;
  DtlsPeer& operator=(const DtlsPeer&) = delete;
  ~DtlsPeer();

  /// Goes on with the handshake: a client's first call sends its ClientHello.
  void step();
  /// Redoes the handshake inside its association: a client by its ClientHello, a server by asking for one.
  void renegotiate();
  /// Has another certificate, from the next handshake on.
  void change_certificate();
  void receive(proto::Bytes datagram);
  /// What it sent since last asked.
  std::vector<Datagram> take_sent();
  /// Retransmits if its timer has run out.
  void advance();
  /// Application data, each packet a record.
  void write(proto::Bytes packet);
  /// What came as application data since last asked.
  std::vector<Datagram> take_read() { return std::exchange(read_, {}); }

  [[nodiscard]] bool connected() const { return SSL_is_init_finished(ssl_) == 1; }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] std::vector<std::uint8_t> exporter(std::size_t bytes) const;
  [[nodiscard]] std::string profile() const;
  /// Of its own certificate.
  [[nodiscard]] sip::Fingerprint fingerprint(sip::FingerprintHash hash = sip::FingerprintHash::kSha256) const;
  /// What a person at this end would read aloud: short_authentication.h, counted out of OpenSSL's values here.
  [[nodiscard]] std::string short_authentication() const;
  /// Of the certificate the other end showed, sha-256.
  [[nodiscard]] sip::Fingerprint seen_fingerprint() const;
  SSL* ssl() { return ssl_; }

 private:
  void make_certificate(unsigned rsa_bits);

  int ours_ = -1;    ///< the test's end
  int theirs_ = -1;  ///< OpenSSL's end
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  X509* certificate_ = nullptr;
  bool failed_ = false;
  std::vector<Datagram> read_;
};

}  // namespace weir::tests
