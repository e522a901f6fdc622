#include "controlplane/short_authentication.h"

#include <openssl/evp.h>

#include <array>
#include <string_view>
#include <vector>

#include "controlplane/openssl_handles.h"

namespace weir::controlplane {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr int kBits = 25;
constexpr int kBitsPerCharacter = 5;
static_assert(kAlphabet.size() == 1u << kBitsPerCharacter && kBits % kBitsPerCharacter == 0);

constexpr std::size_t kDigestBytes = 20;
constexpr std::size_t kRandomBytes = 32;  // RFC 5246 section 7.4.1.2

std::vector<std::uint8_t> der_of(const X509* certificate) {
  const int bytes = i2d_X509(certificate, nullptr);
  if (bytes <= 0) return {};
  std::vector<std::uint8_t> der(static_cast<std::size_t>(bytes));
  unsigned char* at = der.data();
  return i2d_X509(certificate, &at) == bytes ? der : std::vector<std::uint8_t>{};
}

std::string write_low_bits(std::uint32_t value) {
  std::string text;
  for (int shift = kBits - kBitsPerCharacter; shift >= 0; shift -= kBitsPerCharacter) {
    text += kAlphabet[value >> shift & (kAlphabet.size() - 1)];
  }
  return text;
}

}  // namespace

std::optional<std::string> short_authentication_string(const HandshakeTranscript& transcript) {
  const DigestContextHandle sha1(EVP_MD_CTX_new());
  bool done = sha1 != nullptr && EVP_DigestInit_ex(sha1.get(), EVP_sha1(), nullptr) == 1;
  for (const proto::Bytes part : {transcript.client_certificate, transcript.client_random,
                                  transcript.server_certificate, transcript.server_random}) {
    done = done && EVP_DigestUpdate(sha1.get(), part.data(), part.size()) == 1;
  }
  std::array<std::uint8_t, kDigestBytes> digest;
  if (!done || EVP_DigestFinal_ex(sha1.get(), digest.data(), nullptr) != 1) return std::nullopt;
  return write_low_bits(proto::load_be32(digest.data() + kDigestBytes - sizeof(std::uint32_t)));
}

std::optional<std::string> short_authentication_string(const SSL& ssl) {
  const X509* const ours = SSL_get_certificate(&ssl);
  const CertificateHandle theirs(SSL_get1_peer_certificate(&ssl));
  if (ours == nullptr || theirs == nullptr) return std::nullopt;
  const bool server = SSL_is_server(&ssl) == 1;
  const std::vector<std::uint8_t> client_certificate = der_of(server ? theirs.get() : ours);
  const std::vector<std::uint8_t> server_certificate = der_of(server ? ours : theirs.get());
  std::array<std::uint8_t, kRandomBytes> client_random;
  std::array<std::uint8_t, kRandomBytes> server_random;
  if (client_certificate.empty() || server_certificate.empty() ||
      SSL_get_client_random(&ssl, client_random.data(), kRandomBytes) != kRandomBytes ||
      SSL_get_server_random(&ssl, server_random.data(), kRandomBytes) != kRandomBytes) {
    return std::nullopt;
  }
  return short_authentication_string(HandshakeTranscript{.client_certificate = client_certificate,
                                                         .client_random = client_random,
                                                         .server_certificate = server_certificate,
                                                         .server_random = server_random});
}

}  // namespace weir::controlplane
