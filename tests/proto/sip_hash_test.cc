#include "proto/sip_hash.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstring>
#include <string>

namespace weir::proto {
namespace {

constexpr SipHashKey kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

/// OpenSSL's, with one compression round and three at the end.
std::uint64_t openssl_sip_hash(const std::string& bytes) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "SIPHASH", nullptr);
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);
  unsigned rounds = 1;
  unsigned rounds_last = 3;
  unsigned size = 8;
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &rounds),
                                   OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &rounds_last),
                                   OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
  unsigned char key[16];
  for (unsigned char i = 0; i < sizeof key; ++i) key[i] = i;
  std::uint64_t hash = 0;
  std::size_t length = 0;
  EXPECT_EQ(EVP_MAC_init(context, key, sizeof key, parameters), 1);
  EXPECT_EQ(EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()), 1);
  EXPECT_EQ(EVP_MAC_final(context, reinterpret_cast<unsigned char*>(&hash), &length, sizeof hash), 1);
  EXPECT_EQ(length, sizeof hash);
  EVP_MAC_CTX_free(context);
  EVP_MAC_free(mac);
  return hash;
}

TEST(SipHash, IsWhatOpenSslMakesOfEveryLength) {
  std::string bytes;
  for (int length = 0; length < 100; ++length) {
    EXPECT_EQ(sip_hash(kKey, bytes), openssl_sip_hash(bytes)) << length << " bytes";
    bytes += static_cast<char>(length * 7 + 200);
  }
}

TEST(SipHash, KeysOfOtherTokensAreOthers) {
  const SipHashKey one = make_sip_hash_key("one");
  const SipHashKey other = make_sip_hash_key("other");
  EXPECT_NE(one.low, other.low);
  EXPECT_NE(one.high, other.high);
  EXPECT_NE(one.low, one.high);
}

}  // namespace
}  // namespace weir::proto
