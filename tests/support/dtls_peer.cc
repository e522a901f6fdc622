#include "tests/support/dtls_peer.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "proto/assert.h"

namespace weir::tests {
namespace {

constexpr char kCookie[] = "cookie";

int any_certificate(int, X509_STORE_CTX*) {
  return 1;
}

int make_cookie(SSL*, unsigned char* cookie, unsigned* bytes) {
  std::memcpy(cookie, kCookie, sizeof kCookie);
  *bytes = sizeof kCookie;
  return 1;
}

int check_cookie(SSL*, const unsigned char* cookie, unsigned bytes) {
  return bytes == sizeof kCookie && std::memcmp(cookie, kCookie, sizeof kCookie) == 0;
}

unsigned interval_us(SSL* ssl, unsigned) {
  return *static_cast<unsigned*>(SSL_get_app_data(ssl));
}

sip::Fingerprint digest(const X509* certificate, sip::FingerprintHash hash) {
  const std::array<const EVP_MD*, 5> algorithms = {EVP_sha1(), EVP_sha224(), EVP_sha256(), EVP_sha384(), EVP_sha512()};
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> bytes;
  unsigned length = 0;
  WEIR_ASSERT(X509_digest(certificate, algorithms[static_cast<std::size_t>(hash)], bytes.data(), &length) == 1);
  return sip::make_fingerprint(hash, {bytes.data(), length});
}

Datagram der_of(const X509* certificate) {
  unsigned char* der = nullptr;
  const int bytes = i2d_X509(certificate, &der);
  WEIR_ASSERT(bytes > 0);
  Datagram copy(der, der + bytes);
  OPENSSL_free(der);
  return copy;
}

}  // namespace

std::string spoken(const Datagram& client_certificate, const Datagram& client_random,
                   const Datagram& server_certificate, const Datagram& server_random) {
  Datagram all;
  for (const Datagram& part : {client_certificate, client_random, server_certificate, server_random}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  std::array<std::uint8_t, SHA_DIGEST_LENGTH> digest;
  SHA1(all.data(), all.size(), digest.data());
  // Digit by digit from the low end, as one divides by hand.
  std::uint32_t number = 0;
  for (std::size_t i = digest.size() - 4; i < digest.size(); ++i) number = number * 256 + digest[i];
  std::string text;
  for (int i = 0; i < 5; ++i, number /= 32) {
    const std::uint32_t digit = number % 32;
    text += static_cast<char>(digit < 26 ? 'A' + digit : '2' + (digit - 26));
  }
  std::reverse(text.begin(), text.end());
  return text;
}

DtlsPeer::DtlsPeer(const Options& options) {
  int ends[2];
  WEIR_ASSERT(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) == 0);
  ours_ = ends[0];
  theirs_ = ends[1];
  context_ = SSL_CTX_new(options.client ? DTLS_client_method() : DTLS_server_method());
  SSL_CTX_set_security_level(context_, 1);
  SSL_CTX_set_max_proto_version(context_, DTLS1_2_VERSION);
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, any_certificate);
  SSL_CTX_set_options(context_, SSL_OP_NO_QUERY_MTU | (options.cookie ? SSL_OP_COOKIE_EXCHANGE : 0));
  SSL_CTX_set_cookie_generate_cb(context_, make_cookie);
  SSL_CTX_set_cookie_verify_cb(context_, check_cookie);
  if (!options.profiles.empty()) {
    WEIR_ASSERT(SSL_CTX_set_tlsext_use_srtp(context_, options.profiles.c_str()) == 0);
  }
  if (options.certificate) make_certificate(options.rsa_bits);
  ssl_ = SSL_new(context_);
  SSL_set_app_data(ssl_, new unsigned(options.retransmit_us));
  DTLS_set_timer_cb(ssl_, interval_us);
  SSL_set_mtu(ssl_, options.mtu);
  BIO* bio = BIO_new_dgram(theirs_, BIO_NOCLOSE);
  // The pair is connected; BIO wants to be told so, or it would sendto() an address.
  BIO_ADDR* nowhere = BIO_ADDR_new();
  BIO_ctrl_set_connected(bio, nowhere);
  BIO_ADDR_free(nowhere);
  SSL_set_bio(ssl_, bio, bio);
  if (options.client) {
    SSL_set_connect_state(ssl_);
  } else {
    SSL_set_accept_state(ssl_);
  }
}

DtlsPeer::~DtlsPeer() {
  delete static_cast<unsigned*>(SSL_get_app_data(ssl_));
  SSL_free(ssl_);
  SSL_CTX_free(context_);
  X509_free(certificate_);
  close(ours_);
  close(theirs_);
}

void DtlsPeer::make_certificate(unsigned rsa_bits) {
  EVP_PKEY* key = rsa_bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(rsa_bits);
  certificate_ = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate_), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate_), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate_), 3600);
  X509_set_pubkey(certificate_, key);
  WEIR_ASSERT(X509_sign(certificate_, key, EVP_sha256()) > 0);
  WEIR_ASSERT(SSL_CTX_use_certificate(context_, certificate_) == 1 && SSL_CTX_use_PrivateKey(context_, key) == 1);
  EVP_PKEY_free(key);
}

void DtlsPeer::renegotiate() {
  ERR_clear_error();
  WEIR_ASSERT(SSL_renegotiate(ssl_) == 1);
  step();
}

void DtlsPeer::change_certificate() {
  X509_free(certificate_);
  make_certificate(0);
  WEIR_ASSERT(SSL_use_cert_and_key(ssl_, certificate_, SSL_CTX_get0_privatekey(context_), nullptr, 1) == 1);
}

void DtlsPeer::step() {
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_);
  if (done == 1) {
    std::array<std::uint8_t, 2048> packet;
    for (int bytes = 0; (bytes = SSL_read(ssl_, packet.data(), packet.size())) > 0;) {
      read_.emplace_back(packet.begin(), packet.begin() + bytes);
    }
    return;
  }
  const int error = SSL_get_error(ssl_, done);
  failed_ = error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
}

void DtlsPeer::receive(proto::Bytes datagram) {
  WEIR_ASSERT(send(ours_, datagram.data(), datagram.size(), 0) == static_cast<ssize_t>(datagram.size()));
  step();
}

std::vector<Datagram> DtlsPeer::take_sent() {
  std::vector<Datagram> sent;
  std::array<std::uint8_t, 4096> buffer;
  ssize_t bytes = 0;
  while ((bytes = recv(ours_, buffer.data(), buffer.size(), 0)) > 0)
    sent.emplace_back(buffer.begin(), buffer.begin() + bytes);
  return sent;
}

void DtlsPeer::advance() {
  if (!connected()) DTLSv1_handle_timeout(ssl_);
}

void DtlsPeer::write(proto::Bytes packet) {
  WEIR_ASSERT(SSL_write(ssl_, packet.data(), static_cast<int>(packet.size())) == static_cast<int>(packet.size()));
}

std::vector<std::uint8_t> DtlsPeer::exporter(std::size_t bytes) const {
  std::vector<std::uint8_t> out(bytes);
  constexpr char kLabel[] = "EXTRACTOR-dtls_srtp";
  WEIR_ASSERT(SSL_export_keying_material(ssl_, out.data(), bytes, kLabel, sizeof kLabel - 1, nullptr, 0, 0) == 1);
  return out;
}

std::string DtlsPeer::profile() const {
  const SRTP_PROTECTION_PROFILE* selected = SSL_get_selected_srtp_profile(ssl_);
  return selected == nullptr ? "" : selected->name;
}

std::string DtlsPeer::short_authentication() const {
  const bool server = SSL_is_server(ssl_) == 1;
  X509* seen = SSL_get1_peer_certificate(ssl_);
  Datagram client_random(SSL3_RANDOM_SIZE);
  Datagram server_random(SSL3_RANDOM_SIZE);
  SSL_get_client_random(ssl_, client_random.data(), client_random.size());
  SSL_get_server_random(ssl_, server_random.data(), server_random.size());
  const std::string text =
      spoken(der_of(server ? seen : certificate_), client_random, der_of(server ? certificate_ : seen), server_random);
  X509_free(seen);
  return text;
}

sip::Fingerprint DtlsPeer::fingerprint(sip::FingerprintHash hash) const {
  return digest(certificate_, hash);
}

sip::Fingerprint DtlsPeer::seen_fingerprint() const {
  X509* seen = SSL_get1_peer_certificate(ssl_);
  WEIR_ASSERT(seen != nullptr);
  const sip::Fingerprint found = digest(seen, sip::FingerprintHash::kSha256);
  X509_free(seen);
  return found;
}

}  // namespace weir::tests
