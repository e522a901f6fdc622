// JSON Web Tokens: RFC 7515's own, those that OpenSSL signs here, and what attackers make of them (RFC 8725 section 2).
#include "controlplane/web_token.h"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <memory>
#include <vector>

#include "controlplane/base64url.h"

namespace weir::controlplane {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;

std::string encode(std::string_view bytes) {
  std::string text(4 * (bytes.size() / 3 + 1) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text.substr(0, text.find('='));
}

std::string said(const std::variant<TokenClaims, TokenFault>& result) {
  if (const auto* fault = std::get_if<TokenFault>(&result)) return std::string(to_string(*fault));
  return std::get<TokenClaims>(result).subject;
}

// RFC 7515 appendix A: these name no subject, and were good until 2011.
constexpr std::string_view kRfcClaims =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
constexpr std::int64_t kRfcNow = 1'300'819'379;

TEST(WebTokenRfc, AppendixA1IsSigned) {
  const auto secret =
      decode_base64url("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
  const TokenKey key = TokenKey::parse(*secret).value();
  EXPECT_EQ(key.algorithm(), TokenAlgorithm::kHs256);
  const std::string token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + std::string(kRfcClaims) +
                            ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  EXPECT_EQ(said(check_token(token, key, "", kRfcNow)), "a token without a subject");
  EXPECT_EQ(said(check_token(token, key, "", kRfcNow + 1)), "a token that has expired");
}

TEST(WebTokenRfc, AppendixA3IsSigned) {
  const TokenKey key = TokenKey::parse(
                           "-----BEGIN PUBLIC KEY-----\n"
                           "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
                           "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
                           "-----END PUBLIC KEY-----\n")
                           .value();
  EXPECT_EQ(key.algorithm(), TokenAlgorithm::kEs256);
  const std::string token = "eyJhbGciOiJFUzI1NiJ9." + std::string(kRfcClaims) +
                            ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
  EXPECT_EQ(said(check_token(token, key, "", kRfcNow)), "a token without a subject");
  std::string changed = token;
  changed[30] = changed[30] == 'x' ? 'y' : 'x';
  EXPECT_EQ(said(check_token(changed, key, "", kRfcNow)), "a token that the key has not signed");
}

/// Signs as its name says; RSA and P-256 with keys of this process.
struct Signer {
  TokenAlgorithm algorithm;
  KeyHandle pair;
  std::string text;  ///< what check_token's side has: PEM, or the secret

  explicit Signer(TokenAlgorithm one) : algorithm(one), text("0123456789abcdef0123456789abcdef") {
    if (one == TokenAlgorithm::kHs256) return;
    pair.reset(one == TokenAlgorithm::kRs256 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
    BIO* const bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, pair.get());
    char* data = nullptr;
    const long bytes = BIO_get_mem_data(bio, &data);
    text.assign(data, static_cast<std::size_t>(bytes));
    BIO_free(bio);
  }
  [[nodiscard]] TokenKey key() const { return TokenKey::parse(text).value(); }

  [[nodiscard]] std::string sign(const std::string& body) const {
    if (algorithm == TokenAlgorithm::kHs256) return hmac(body, text);
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    std::size_t bytes = 512;
    std::string signature(bytes, '\0');
    EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, pair.get());
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &bytes,
                   reinterpret_cast<const unsigned char*>(body.data()), body.size());
    EVP_MD_CTX_free(context);
    signature.resize(bytes);
    return algorithm == TokenAlgorithm::kEs256 ? halves(signature) : signature;
  }
  static std::string hmac(const std::string& body, const std::string& secret) {
    std::string mac(32, '\0');
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(body.data()), body.size(), reinterpret_cast<unsigned char*>(mac.data()),
         nullptr);
    return mac;
  }
  static std::string halves(const std::string& der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* const pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    std::string out(64, '\0');
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), reinterpret_cast<unsigned char*>(out.data()), 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), reinterpret_cast<unsigned char*>(out.data()) + 32, 32);
    ECDSA_SIG_free(pair);
    return out;
  }
  [[nodiscard]] std::string token(const std::string& claims, const std::string& header) const {
    const std::string body = encode(header) + "." + encode(claims);
    return body + "." + encode(sign(body));
  }
  [[nodiscard]] std::string token(const std::string& claims) const {
    return token(claims, R"({"typ":"JWT","alg":")" + std::string(to_string(algorithm)) + "\"}");
  }
};

constexpr const char* kGood = R"({"sub":"alice","aud":"sip","exp":1700000600,"nbf":1700000000})";

class WebToken : public testing::TestWithParam<TokenAlgorithm> {
 protected:
  std::string judged(const std::string& token, std::string_view audience = "sip") {
    return said(check_token(token, signer.key(), audience, kNow));
  }
  Signer signer{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Algorithms, WebToken,
                         testing::Values(TokenAlgorithm::kHs256, TokenAlgorithm::kRs256, TokenAlgorithm::kEs256),
                         [](const auto& row) { return std::string(to_string(row.param)); });

TEST_P(WebToken, SaysWhoHoldsIt) {
  EXPECT_EQ(signer.key().algorithm(), GetParam());
  EXPECT_EQ(judged(signer.token(kGood)), "alice");
  EXPECT_EQ(judged(signer.token(R"({"sub":"alice","aud":["x","sip"],"exp":1700000000.5})")), "alice");
  EXPECT_EQ(judged(signer.token(R"({"sub":"alice","exp":1700000001})"), ""), "alice") << "no audience is asked for";
}

TEST_P(WebToken, IsGoodForItsTimeAndItsAudienceAlone) {
  const std::vector<std::pair<const char*, const char*>> rows = {
      {R"({"sub":"alice","aud":"sip","exp":1700000000})", "a token that has expired"},
      {R"({"sub":"alice","aud":"sip"})", "a token that has expired"},
      {R"({"sub":"alice","aud":"sip","exp":"1700000600"})", "a token that has expired"},
      {R"({"sub":"alice","aud":"sip","exp":1e300})", "a token that has expired"},
      {R"({"sub":"alice","aud":"sip","exp":-1})", "a token that has expired"},
      {R"({"sub":"alice","aud":"sip","exp":1700000600,"nbf":1700000001})", "a token that is not good yet"},
      {R"({"sub":"alice","aud":"sip","exp":1700000600,"nbf":"now"})", "a token that is not good yet"},
      {R"({"sub":"alice","aud":"http","exp":1700000600})", "a token for another audience"},
      {R"({"sub":"alice","aud":["http"],"exp":1700000600})", "a token for another audience"},
      {R"({"sub":"alice","aud":7,"exp":1700000600})", "a token for another audience"},
      {R"({"sub":"alice","exp":1700000600})", "a token for another audience"},
      {R"({"aud":"sip","exp":1700000600})", "a token without a subject"},
      {R"({"sub":"","aud":"sip","exp":1700000600})", "a token without a subject"},
      {R"({"sub":7,"aud":"sip","exp":1700000600})", "a token without a subject"},
      {R"({"sub":"a\r\nb","aud":"sip","exp":1700000600})", "a token without a subject"},
      {"[1]", "a malformed token"},
      {"{", "a malformed token"},
      {"", "a malformed token"},
  };
  for (const auto& [claims, verdict] : rows) EXPECT_EQ(judged(signer.token(claims)), verdict) << claims;
  EXPECT_EQ(judged(signer.token(std::string(kTokenSubjectBytesMax, '['))), "a malformed token") << "nested";
}

TEST_P(WebToken, AnotherAlgorithmIsAForgery) {
  const std::string forged = "a token that the key has not signed";
  const std::string none = encode(R"({"alg":"none"})") + "." + encode(kGood) + ".";
  EXPECT_EQ(judged(none), forged);
  for (const char* const header :
       {R"({"alg":"none"})", R"({"alg":"HS512"})", R"({"alg":7})", "{}", R"({"alg":"hs256"})"}) {
    EXPECT_EQ(judged(signer.token(kGood, header)), forged) << header;
  }
  // What the key file holds is public but for HS256: it is no secret to be signed with.
  const std::string body = encode(R"({"alg":"HS256"})") + "." + encode(kGood);
  if (GetParam() != TokenAlgorithm::kHs256) {
    EXPECT_EQ(judged(body + "." + encode(Signer::hmac(body, signer.text))), forged);
  }
  for (const TokenAlgorithm other : {TokenAlgorithm::kHs256, TokenAlgorithm::kRs256, TokenAlgorithm::kEs256}) {
    Signer stranger(other);
    if (other == TokenAlgorithm::kHs256) stranger.text[0] = 'x';
    EXPECT_EQ(judged(stranger.token(kGood)), forged);
  }
}

TEST_P(WebToken, WhatIsChangedIsNone) {
  const std::string token = signer.token(kGood);
  for (std::size_t at = 0; at < token.size(); ++at) {
    std::string changed = token;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_NE(judged(changed), "alice") << at;
    EXPECT_NE(judged(token.substr(0, at)), "alice") << at;
  }
  const std::string malformed = "a malformed token";
  EXPECT_EQ(judged(token + "="), malformed);
  EXPECT_EQ(judged(token + " "), malformed);
  EXPECT_EQ(judged(token + ".x"), malformed);
  EXPECT_EQ(judged(signer.token(kGood, R"({"alg":")" + std::string(to_string(GetParam())) + R"(","crit":["exp"]})")),
            malformed);
  EXPECT_EQ(judged(""), malformed);
  EXPECT_EQ(judged(".."), "a token that the key has not signed");
  EXPECT_EQ(judged(signer.token("{\"x\":\"" + std::string(kWebTokenBytesMax, 'x') + "\"}")), malformed) << "huge";
}

TEST(TokenKey, WhatIsTooWeakIsRefused) {
  const auto refused = [](const std::string& text) { return !TokenKey::parse(text).ok(); };
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused(std::string(31, 'x') + "\n\n"));
  EXPECT_TRUE(refused(std::string(513, 'x')));
  EXPECT_FALSE(refused(std::string(32, 'x') + "\r\n"));
  EXPECT_TRUE(refused("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
  for (EVP_PKEY* const weak : {EVP_RSA_gen(1024), EVP_EC_gen("P-384")}) {
    const KeyHandle key(weak);
    BIO* const bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, weak);
    char* data = nullptr;
    const long bytes = BIO_get_mem_data(bio, &data);
    EXPECT_TRUE(refused(std::string(data, static_cast<std::size_t>(bytes))));
    BIO_free(bio);
  }
  EXPECT_FALSE(TokenKey::load("/nowhere/key.pem").ok());
}

TEST(Base64Url, HasOneTextForEveryBytes) {
  EXPECT_EQ(decode_base64url(""), "");
  EXPECT_EQ(decode_base64url("Zg"), "f");
  EXPECT_EQ(decode_base64url("Zm9v"), "foo");
  EXPECT_EQ(decode_base64url("-_8"), "\xfb\xff");
  for (const char* const bad : {"Z", "Zh", "Zg==", "Zm9vY", "+/8", "Zm 9", "Zm9\n"}) {
    EXPECT_FALSE(decode_base64url(bad)) << bad;
  }
}

}  // namespace
}  // namespace weir::controlplane
