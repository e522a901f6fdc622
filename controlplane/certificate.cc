#include "controlplane/certificate.h"

#include <openssl/bn.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "proto/assert.h"

namespace weir::controlplane {
namespace {

constexpr long kDaySeconds = 24 * 60 * 60;
constexpr long kValiditySeconds = 60 * kDaySeconds;
constexpr std::size_t kSerialBytes = 16;

/// The same for every Weir and for nobody in particular: a subject must not tell who runs it (RFC 8827 section 6.5).
constexpr char kCommonName[] = "WebRTC";

bool set_random_serial(X509* certificate) {
  std::array<std::uint8_t, kSerialBytes> bytes;
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x7f) | 0x40);  // positive and of full length (RFC 5280 4.1.2.2)
  BIGNUM* number = BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr);
  const bool set = number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

/// From midnight, UTC: the second in which it was made would be a mark that its bearer is known by.
bool set_validity(X509* certificate) {
  const time_t today = std::time(nullptr) / kDaySeconds * kDaySeconds;
  return ASN1_TIME_set(X509_getm_notBefore(certificate), today - kDaySeconds) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), today - kDaySeconds + kValiditySeconds) != nullptr;
}

bool fill_and_sign(X509* certificate, EVP_PKEY* key) {
  X509_NAME* name = X509_get_subject_name(certificate);
  return X509_set_version(certificate, 2) == 1 && set_random_serial(certificate) && set_validity(certificate) &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(kCommonName), -1,
                                    -1, 0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

const EVP_MD* message_digest(sip::FingerprintHash hash) {
  switch (hash) {
    case sip::FingerprintHash::kSha1:
      return EVP_sha1();
    case sip::FingerprintHash::kSha224:
      return EVP_sha224();
    case sip::FingerprintHash::kSha256:
      return EVP_sha256();
    case sip::FingerprintHash::kSha384:
      return EVP_sha384();
    case sip::FingerprintHash::kSha512:
      return EVP_sha512();
  }
  return nullptr;
}

}  // namespace

proto::Result<Certificate> Certificate::make() {
  Certificate made;
  made.key_.reset(EVP_EC_gen("P-256"));
  made.x509_.reset(X509_new());
  if (made.key_ == nullptr || made.x509_ == nullptr || !fill_and_sign(made.x509_.get(), made.key_.get())) {
    return proto::Error{"cannot make a DTLS certificate: " + openssl_error("OpenSSL gives no reason")};
  }
  made.fingerprint_ = fingerprint_of(*made.x509_, sip::FingerprintHash::kSha256);
  return made;
}

proto::Result<Certificate> Certificate::from_der(proto::Bytes der) {
  Certificate read;
  const unsigned char* at = der.data();
  read.x509_.reset(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (read.x509_ == nullptr) return proto::Error{"no certificate"};
  read.key_.reset(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.data() + der.size() - at)));
  if (read.key_ == nullptr || X509_check_private_key(read.x509_.get(), read.key_.get()) != 1) {
    return proto::Error{"no key that belongs to the certificate"};
  }
  read.fingerprint_ = fingerprint_of(*read.x509_, sip::FingerprintHash::kSha256);
  return read;
}

bool Certificate::has_half_its_life() const {
  int days = 0;
  int seconds = 0;
  return ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(x509_.get())) == 1 &&
         days * kDaySeconds + seconds >= kValiditySeconds / 2;
}

std::vector<std::uint8_t> Certificate::to_der() const {
  const int certificate_bytes = i2d_X509(x509_.get(), nullptr);
  const int key_bytes = i2d_PrivateKey(key_.get(), nullptr);
  if (certificate_bytes <= 0 || key_bytes <= 0) return {};
  std::vector<std::uint8_t> der(static_cast<std::size_t>(certificate_bytes + key_bytes));
  unsigned char* at = der.data();
  return i2d_X509(x509_.get(), &at) > 0 && i2d_PrivateKey(key_.get(), &at) > 0 ? der : std::vector<std::uint8_t>{};
}

sip::Fingerprint fingerprint_of(const X509& certificate, sip::FingerprintHash hash) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest;
  unsigned bytes = 0;
  const EVP_MD* algorithm = message_digest(hash);
  WEIR_ASSERT(algorithm != nullptr && X509_digest(&certificate, algorithm, digest.data(), &bytes) == 1);
  return sip::make_fingerprint(hash, {digest.data(), bytes});
}

FingerprintVerdict verify_certificate(const X509& certificate, const std::vector<sip::Fingerprint>& promised) {
  const std::vector<sip::Fingerprint> candidates = sip::fingerprints_to_match(promised);
  if (candidates.empty()) return {.matched = false, .text = "the SDP has no usable fingerprint"};
  const std::string hash(sip::to_string(candidates.front().hash));
  const bool matched = std::any_of(candidates.begin(), candidates.end(), [&](const sip::Fingerprint& candidate) {
    return candidate == fingerprint_of(certificate, candidate.hash);
  });
  return {.matched = matched, .text = (matched ? "matches the SDP (" : "does not match the SDP (") + hash + ")"};
}

}  // namespace weir::controlplane
