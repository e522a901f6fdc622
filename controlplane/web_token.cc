#include "controlplane/web_token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

#include "controlplane/base64url.h"
#include "controlplane/es256.h"
#include "controlplane/token_json.h"
#include "sip/text.h"

namespace weir::controlplane {

namespace json = boost::json;

namespace {

constexpr std::size_t kSecretBytesMin = 32;
constexpr int kRsaBitsMin = 2048;
constexpr std::size_t kKeyFileBytesMax = 65'536;

const std::uint8_t* as_bytes(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

/// RFC 7519 section 2, NumericDate: whole or not. nullopt: absent, or no time that anybody means.
std::optional<double> time_of(const json::object& claims, std::string_view name) {
  const json::value* const value = claims.if_contains(name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const double seconds = value->to_number<double>();
  constexpr double kLatest = 253'402'300'799.0;  // the end of the year 9999
  return std::isfinite(seconds) && seconds >= 0 && seconds <= kLatest ? std::optional(seconds) : std::nullopt;
}

/// RFC 7519 section 4.1.3: one, or a list.
bool is_for(const json::object& claims, std::string_view audience) {
  const json::value* const value = claims.if_contains("aud");
  if (audience.empty()) return true;
  if (value == nullptr) return false;
  const auto same = [audience](const json::value& one) { return one.is_string() && one.as_string() == audience; };
  if (const json::array* const list = value->if_array()) return std::any_of(list->begin(), list->end(), same);
  return same(*value);
}

std::string subject_of(const json::object& claims) {
  const json::value* const value = claims.if_contains("sub");
  if (value == nullptr || !value->is_string() || value->as_string().size() > kTokenSubjectBytesMax) return "";
  const std::string text(value->as_string());
  const bool control =
      std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return control ? "" : text;
}

std::variant<TokenClaims, TokenFault> read_claims(const json::object& claims, std::string_view audience,
                                                  std::int64_t now_s) {
  const auto now = static_cast<double>(now_s);
  const std::optional<double> expires = time_of(claims, "exp");
  if (!expires || now >= *expires) return TokenFault::kExpired;
  if (claims.contains("nbf")) {
    const std::optional<double> from = time_of(claims, "nbf");
    if (!from || now < *from) return TokenFault::kNotYet;
  }
  if (!is_for(claims, audience)) return TokenFault::kElsewhere;
  TokenClaims read{subject_of(claims), static_cast<std::int64_t>(*expires)};
  if (read.subject.empty()) return TokenFault::kNobody;
  return read;
}

}  // namespace

std::string_view to_string(TokenAlgorithm algorithm) {
  switch (algorithm) {
    case TokenAlgorithm::kHs256:
      return "HS256";
    case TokenAlgorithm::kRs256:
      return "RS256";
    case TokenAlgorithm::kEs256:
      return "ES256";
  }
  return "";
}

std::string_view to_string(TokenFault fault) {
  switch (fault) {
    case TokenFault::kMalformed:
      return "a malformed token";
    case TokenFault::kForged:
      return "a token that the key has not signed";
    case TokenFault::kExpired:
      return "a token that has expired";
    case TokenFault::kNotYet:
      return "a token that is not good yet";
    case TokenFault::kElsewhere:
      return "a token for another audience";
    case TokenFault::kNobody:
      return "a token without a subject";
  }
  return "";
}

proto::Result<TokenKey> TokenKey::parse(std::string_view text) {
  TokenKey key;
  if (text.find("-----BEGIN") != std::string_view::npos) {
    const BioHandle bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    key.public_key_.reset(bio ? PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr) : nullptr);
    if (!key.public_key_) return proto::Error{openssl_error("no public key") + " (a PEM public key is wanted)"};
    const int kind = EVP_PKEY_get_base_id(key.public_key_.get());
    if (kind == EVP_PKEY_EC && is_p256(key.public_key_.get())) {
      key.algorithm_ = TokenAlgorithm::kEs256;
    } else if (kind == EVP_PKEY_RSA && EVP_PKEY_get_bits(key.public_key_.get()) >= kRsaBitsMin) {
      key.algorithm_ = TokenAlgorithm::kRs256;
    } else {
      return proto::Error{"neither a key of P-256 nor one of RSA with 2048 bits or more"};
    }
    return key;
  }
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  if (text.size() < kSecretBytesMin || text.size() > kSecretBytesMax) {
    return proto::Error{"a shared secret has 32 to 512 bytes"};
  }
  std::copy(text.begin(), text.end(), key.shared_->bytes);
  key.shared_->size = text.size();
  return key;
}

proto::Result<TokenKey> TokenKey::load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file || text.size() > kKeyFileBytesMax) return proto::Error{path + ": cannot be read, or is no key"};
  proto::Result<TokenKey> key = parse(text);
  proto::wipe(text.data(), text.size());
  if (!key) return proto::Error{path + ": " + key.error()};
  return key;
}

bool TokenKey::verifies(std::string_view signed_text, proto::Bytes signature) const {
  if (algorithm_ == TokenAlgorithm::kHs256) {
    std::uint8_t mac[32];
    unsigned bytes = 0;
    if (signature.size() != sizeof mac) return false;
    return HMAC(EVP_sha256(), shared_->bytes, static_cast<int>(shared_->size), as_bytes(signed_text),
                signed_text.size(), mac, &bytes) != nullptr &&
           CRYPTO_memcmp(mac, signature.data(), sizeof mac) == 0;
  }
  if (algorithm_ == TokenAlgorithm::kEs256) {
    return es256_verifies(public_key_.get(), {as_bytes(signed_text), signed_text.size()}, signature);
  }
  const DigestContextHandle context(EVP_MD_CTX_new());
  const bool right =
      context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, public_key_.get()) == 1 &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), as_bytes(signed_text), signed_text.size()) ==
          1;
  if (!right) (void)openssl_error("");  // whose queue they would stay in
  return right;
}

std::variant<TokenClaims, TokenFault> check_token(std::string_view token, const TokenKey& key,
                                                  std::string_view audience, std::int64_t now_s) {
  if (token.size() > kWebTokenBytesMax || std::count(token.begin(), token.end(), '.') != 2) {
    return TokenFault::kMalformed;
  }
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  const std::optional<std::string> signature = decode_base64url(token.substr(last + 1));
  if (!signature) return TokenFault::kMalformed;
  if (!key.verifies(token.substr(0, last), {as_bytes(*signature), signature->size()})) return TokenFault::kForged;
  const proto::Result<json::object> header = read_token_object(token.substr(0, first));
  const proto::Result<json::object> claims = read_token_object(token.substr(first + 1, last - first - 1));
  if (!header || !claims || header->contains("crit")) return TokenFault::kMalformed;
  const json::value* const algorithm = header->if_contains("alg");
  const bool pinned =
      algorithm != nullptr && algorithm->is_string() && algorithm->as_string() == to_string(key.algorithm());
  if (!pinned) return TokenFault::kForged;
  return read_claims(*claims, audience, now_s);
}

}  // namespace weir::controlplane
