#include "controlplane/digest_response.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <initializer_list>

#include "sip/text.h"

namespace weir::controlplane {

using sip::DigestAlgorithm;
using sip::DigestQop;

namespace {

const EVP_MD* hash_of(DigestAlgorithm algorithm) {
  switch (algorithm) {
    case DigestAlgorithm::kMd5:
    case DigestAlgorithm::kMd5Sess:
      return EVP_md5();
    case DigestAlgorithm::kSha256:
    case DigestAlgorithm::kSha256Sess:
      return EVP_sha256();
    case DigestAlgorithm::kSha512_256:
    case DigestAlgorithm::kSha512_256Sess:
      return EVP_sha512_256();
  }
  return nullptr;
}

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view& part : parts) {
    if (&part != parts.begin()) out += ':';
    out += part;
  }
  return out;
}

std::string_view qop_text(DigestQop qop) {
  return qop == DigestQop::kAuthInt ? "auth-int" : "auth";
}

}  // namespace

std::string digest_hash(DigestAlgorithm algorithm, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned bytes = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &bytes, hash_of(algorithm), nullptr) != 1) return {};
  static constexpr char kHex[] = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < bytes; ++i) {
    hex += kHex[digest[i] >> 4];
    hex += kHex[digest[i] & 15];
  }
  return hex;
}

std::string digest_ha1(DigestAlgorithm algorithm, std::string_view user, std::string_view realm,
                       std::string_view password) {
  std::string secret = joined({user, realm, password});
  const std::string ha1 = digest_hash(algorithm, secret);
  OPENSSL_cleanse(secret.data(), secret.size());
  return ha1;
}

std::string digest_response(const sip::DigestCredentials& credentials, std::string_view ha1,
                            const DigestSubject& subject) {
  if (!credentials.algorithm) return {};
  const DigestAlgorithm algorithm = *credentials.algorithm;
  const auto hash = [algorithm](std::initializer_list<std::string_view> parts) {
    return digest_hash(algorithm, joined(parts));
  };
  const std::string a1 = is_session(algorithm) ? hash({ha1, credentials.nonce, credentials.cnonce}) : std::string(ha1);
  const std::string a2 = credentials.qop == DigestQop::kAuthInt
                             ? hash({subject.method, credentials.uri, digest_hash(algorithm, subject.body)})
                             : hash({subject.method, credentials.uri});
  if (credentials.qop == DigestQop::kNone) return hash({a1, credentials.nonce, a2});
  return hash({a1, credentials.nonce, credentials.nc, credentials.cnonce, qop_text(credentials.qop), a2});
}

bool digest_matches(const sip::DigestCredentials& credentials, std::string_view ha1, const DigestSubject& subject) {
  const std::string expected = digest_response(credentials, ha1, subject);
  std::string given = credentials.response;
  for (char& c : given) c = sip::lowered(c);
  if (expected.empty() || given.size() != expected.size()) return false;
  return CRYPTO_memcmp(given.data(), expected.data(), expected.size()) == 0;
}

const sip::DigestChallenge* answerable(const std::vector<sip::DigestChallenge>& challenges) {
  for (const sip::DigestChallenge& challenge : challenges) {
    const bool qop_known = !challenge.has_qop || challenge.qop_auth || challenge.qop_auth_int;
    if (challenge.algorithm && qop_known && !digest_hash(*challenge.algorithm, "").empty()) return &challenge;
  }
  return nullptr;
}

sip::DigestCredentials answer_challenge(const sip::DigestChallenge& challenge, const DigestIdentity& identity,
                                        std::string_view uri, const DigestSubject& subject, std::string_view cnonce,
                                        std::uint32_t nonce_count) {
  sip::DigestCredentials credentials;
  credentials.username = sip::quoted_text(identity.user);
  credentials.realm = challenge.realm;
  credentials.nonce = challenge.nonce;
  credentials.uri = uri;
  credentials.opaque = challenge.opaque;
  credentials.algorithm = challenge.algorithm;
  credentials.algorithm_written = challenge.algorithm_written;
  if (challenge.qop_auth || challenge.qop_auth_int) {
    credentials.qop = challenge.qop_auth ? DigestQop::kAuth : DigestQop::kAuthInt;
    credentials.set_nonce_count(nonce_count);
  }
  // A session's key is made of the cnonce, so it goes out even without qop (RFC 7616 section 3.4.2).
  const DigestAlgorithm algorithm = challenge.algorithm.value_or(DigestAlgorithm::kMd5);
  if (credentials.qop != DigestQop::kNone || is_session(algorithm)) credentials.cnonce = cnonce;
  std::string ha1 = digest_ha1(algorithm, credentials.username, credentials.realm, identity.password);
  credentials.response = digest_response(credentials, ha1, subject);
  OPENSSL_cleanse(ha1.data(), ha1.size());
  return credentials;
}

}  // namespace weir::controlplane
