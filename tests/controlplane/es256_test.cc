// ES256 and RSA-SHA1 beside OpenSSL's own commands; RFC 4474's examples.
#include "controlplane/es256.h"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <cstdlib>

#include "controlplane/rsa_sha1.h"
#include "sip/base64.h"
#include "tests/support/rfc4474.h"
#include "tests/support/stir_lab.h"
#include "tests/support/tls_files.h"

namespace weir::controlplane {
namespace {

proto::Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

SigningKey new_key() {
  return SigningKey::make(KeyHandle(EVP_EC_gen("P-256"))).value();
}

TEST(Es256, WhatIsSignedVerifiesAndNothingElseDoes) {
  const SigningKey key = new_key();
  const SigningKey other = new_key();
  const Es256Signature signature = key.sign(bytes_of("text")).value();
  EXPECT_TRUE(es256_verifies(key.key(), bytes_of("text"), signature));
  EXPECT_FALSE(es256_verifies(key.key(), bytes_of("texT"), signature));
  EXPECT_FALSE(es256_verifies(other.key(), bytes_of("text"), signature));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    Es256Signature changed = signature;
    changed[i] ^= 1;
    EXPECT_FALSE(es256_verifies(key.key(), bytes_of("text"), changed)) << i;
  }
  EXPECT_FALSE(es256_verifies(key.key(), bytes_of("text"), proto::Bytes(signature).first(63)));
  EXPECT_FALSE(es256_verifies(key.key(), bytes_of("text"), {}));
}

TEST(Es256, NumbersOutOfRangeAreRefused) {
  const SigningKey key = new_key();
  const Es256Signature signature = key.sign(bytes_of("text")).value();
  // The order of P-256 (FIPS 186-4, D.1.2.3).
  constexpr std::array<std::uint8_t, 32> kOrder{0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0xff, 0xff, 0xff,
                                                0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                                0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
  for (const std::size_t half : {0, 32}) {
    Es256Signature changed = signature;
    std::fill_n(changed.begin() + static_cast<std::ptrdiff_t>(half), 32, 0);
    EXPECT_FALSE(es256_verifies(key.key(), bytes_of("text"), changed));
    std::copy(kOrder.begin(), kOrder.end(), changed.begin() + static_cast<std::ptrdiff_t>(half));
    EXPECT_FALSE(es256_verifies(key.key(), bytes_of("text"), changed));
    std::fill_n(changed.begin() + static_cast<std::ptrdiff_t>(half), 32, 0xff);
    EXPECT_FALSE(es256_verifies(key.key(), bytes_of("text"), changed));
  }
  EXPECT_FALSE(es256_verifies(key.key(), bytes_of("text"), Es256Signature{}));
}

TEST(Es256, KeysOfOtherKindsAreRefused) {
  EXPECT_FALSE(SigningKey::make(nullptr));
  EXPECT_FALSE(SigningKey::make(KeyHandle(EVP_EC_gen("P-384"))));
  EXPECT_FALSE(SigningKey::make(KeyHandle(EVP_EC_gen("secp256k1"))));
  EXPECT_FALSE(SigningKey::make(KeyHandle(EVP_RSA_gen(2048))));
  EXPECT_FALSE(SigningKey::parse("nonsense"));
  const KeyHandle curve(EVP_EC_gen("secp256k1"));
  EXPECT_FALSE(es256_verifies(curve.get(), bytes_of("text"), new_key().sign(bytes_of("text")).value()));
}

TEST(Es256, SignaturesWithLeadingZerosAreWholeToo) {
  const SigningKey key = new_key();
  int short_ones = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string text = std::to_string(i);
    const Es256Signature signature = key.sign(bytes_of(text)).value();
    short_ones += signature[0] == 0 || signature[32] == 0 ? 1 : 0;
    ASSERT_TRUE(es256_verifies(key.key(), bytes_of(text), signature)) << i;
  }
  EXPECT_GT(short_ones, 0);
}

TEST(Es256, OpensslsCommandVerifiesWhatIsSigned) {
  const tests::StirCredential credential = tests::StirLab().issue();
  const SigningKey key = credential.signing_key();
  const Es256Signature signature = key.sign(bytes_of("header.claims")).value();
  ECDSA_SIG* const pair = ECDSA_SIG_new();
  ECDSA_SIG_set0(pair, BN_bin2bn(signature.data(), 32, nullptr), BN_bin2bn(signature.data() + 32, 32, nullptr));
  unsigned char* der = nullptr;
  const int bytes = i2d_ECDSA_SIG(pair, &der);
  tests::TlsFiles files;
  files.write("key.pem", credential.key);
  files.write("text", "header.claims");
  files.write("signature", std::string(reinterpret_cast<char*>(der), static_cast<std::size_t>(bytes)));
  OPENSSL_free(der);
  ECDSA_SIG_free(pair);
  const std::string command = "openssl dgst -sha256 -prverify " + files.path("key.pem") + " -signature " +
                              files.path("signature") + " " + files.path("text") + " > " + files.path("out");
  EXPECT_EQ(std::system(command.c_str()), 0);
}

KeyHandle public_key(std::string_view pem) {
  const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return KeyHandle(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
}

KeyHandle private_key(std::string_view pem) {
  const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return KeyHandle(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}

bool rsa_verifies(EVP_PKEY* key, std::string_view text, std::string_view base64) {
  std::array<std::uint8_t, 512> signature;
  const auto bytes = sip::decode_base64(base64, signature);
  return bytes && rsa_sha1_verifies(key, text, {signature.data(), *bytes});
}

TEST(RsaSha1Rfc, TheInviteOfRfc4474IsSignedToTheByte) {
  const KeyHandle key = private_key(tests::kRfc4474AtlantaKey);
  const auto signature = rsa_sha1_sign(key.get(), tests::rfc4474_invite_string());
  ASSERT_TRUE(signature) << signature.error();
  EXPECT_EQ(sip::encode_base64(bytes_of(*signature)), tests::kRfc4474InviteSignature);
  EXPECT_TRUE(rsa_verifies(key.get(), tests::rfc4474_invite_string(), tests::kRfc4474InviteSignature));
  EXPECT_FALSE(rsa_verifies(key.get(), tests::rfc4474_invite_string() + " ", tests::kRfc4474InviteSignature));
}

TEST(RsaSha1Rfc, TheByeOfRfc4474Verifies) {
  const KeyHandle key = public_key(tests::kRfc4474BiloxiKey);
  EXPECT_TRUE(rsa_verifies(key.get(), tests::kRfc4474ByeString, tests::kRfc4474ByeSignature));
  EXPECT_FALSE(rsa_verifies(key.get(), tests::kRfc4474ByeString, tests::kRfc4474InviteSignature));
}

TEST(RsaSha1, KeysOfOtherKindsAndShortOnesAreRefused) {
  const KeyHandle elliptic(EVP_EC_gen("P-256"));
  const KeyHandle brief(EVP_RSA_gen(512));
  EXPECT_FALSE(rsa_sha1_sign(elliptic.get(), "x"));
  EXPECT_FALSE(rsa_sha1_sign(brief.get(), "x"));
  EXPECT_FALSE(rsa_sha1_sign(nullptr, "x"));
  EXPECT_FALSE(rsa_sha1_verifies(elliptic.get(), "x", {}));
}

}  // namespace
}  // namespace weir::controlplane
