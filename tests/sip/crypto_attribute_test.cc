// a=crypto lines: RFC 4568's own examples, every suite, and what is refused.
#include "sip/crypto_attribute.h"

#include <gtest/gtest.h>

#include <string>

#include "sip/base64.h"
#include "tests/support/hex.h"

namespace weir::sip {
namespace {

using proto::SrtpProfile;
using Kind = CryptoFault::Kind;

CryptoAttribute parsed(std::string_view value) {
  auto read = parse_crypto(value);
  if (const auto* fault = std::get_if<CryptoFault>(&read)) {
    ADD_FAILURE() << fault->reason;
    return {};
  }
  return std::get<CryptoAttribute>(std::move(read));
}

CryptoFault refused(std::string_view value) {
  auto read = parse_crypto(value);
  if (std::holds_alternative<CryptoAttribute>(read)) {
    ADD_FAILURE() << "was taken: " << value;
    return {Kind::kSyntax, ""};
  }
  return std::get<CryptoFault>(std::move(read));
}

TEST(Base64, Rfc4648Section10) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [plain, text] : rows) {
    EXPECT_EQ(encode_base64({reinterpret_cast<const std::uint8_t*>(plain.data()), plain.size()}), text);
    for (std::string_view given = text;; given.remove_suffix(1)) {
      std::array<std::uint8_t, 8> bytes{};
      const auto count = decode_base64(given, bytes);
      const bool half = given.ends_with('=') && given != text;
      ASSERT_EQ(count.has_value(), !half) << given;
      if (count) {
        EXPECT_EQ(std::string(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(*count)), plain);
      }
      if (given.empty() || given.back() != '=') break;
    }
  }
}

TEST(Base64, WhatIsNoneIsRefused) {
  std::array<std::uint8_t, 6> bytes{};
  for (const std::string_view text :
       {"A", "AAAAA", "A===", "AA=A", "====", "=", "AB C", "AB-_", "AA\n=", "AAAAAAAAAAAA"}) {
    EXPECT_FALSE(decode_base64(text, bytes)) << text;
  }
}

/// RFC 4568 section 4 and section 5.1.1: the key behind "inline:" is 30 bytes.
TEST(Crypto, Rfc4568TheExampleOfSection4) {
  const CryptoAttribute crypto =
      parsed("1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:4");
  EXPECT_EQ(crypto.tag, 1u);
  EXPECT_EQ(crypto.suite, SrtpProfile::kAesCm128HmacSha1_80);
  ASSERT_EQ(crypto.keys.size(), 1u);
  const CryptoKey& key = *crypto.keys[0];
  // "=-n@%^x!Bjufr9)?,#5h\\`=&]{qiPQ" in base64.
  EXPECT_EQ(std::string(key.key.begin(), key.key.begin() + 16), "=-n@%^x!Bjufr9)?");
  EXPECT_EQ(std::string(key.salt.begin(), key.salt.begin() + 14), ",#5h\\`=&]{qiPQ");
  EXPECT_EQ(key.lifetime_log2, 20);
  EXPECT_EQ(key.mki_bytes, 4);
  EXPECT_EQ(key.mki, (std::array<std::uint8_t, 4>{0, 0, 0, 1}));
}

TEST(Crypto, Rfc4568SeveralKeysWithTheirMkis) {
  const CryptoAttribute crypto = parsed(
      "2 AES_CM_128_HMAC_SHA1_32 "
      "inline:YUJDZGVmZ2hpSktMbU9QUXJzVHVWd3l6MTIzNDU2|2^20|1:4;"
      "inline:QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5|2^20|2:4");
  ASSERT_EQ(crypto.keys.size(), 2u);
  EXPECT_EQ(crypto.keys[0]->mki[3], 1);
  EXPECT_EQ(crypto.keys[1]->mki[3], 2);
  EXPECT_EQ(parsed(write_crypto(crypto)).keys[1]->key, crypto.keys[1]->key);
}

TEST(Crypto, EverySuiteReadsWhatItWritesWithAndWithoutPadding) {
  for (const proto::SrtpProfileInfo& info : proto::kSrtpProfiles) {
    if (!proto::is_srtp(info.profile)) continue;
    CryptoAttribute crypto;
    crypto.tag = 7;
    crypto.suite = info.profile;
    CryptoKey& key = *crypto.keys.emplace_back();
    for (std::size_t i = 0; i < info.key_bytes; ++i) key.key[i] = static_cast<std::uint8_t>(200 + i);
    for (std::size_t i = 0; i < info.salt_bytes; ++i) key.salt[i] = static_cast<std::uint8_t>(17 * i);
    std::string text = write_crypto(crypto);
    EXPECT_EQ((text.size() - text.find(':') - 1) % 4, 0u) << text;
    EXPECT_EQ(*parsed(text).keys[0], key);
    text.erase(std::min(text.find('=', text.find(':')), text.size()));
    const CryptoAttribute bare = parsed(text);
    EXPECT_EQ(bare.suite, info.profile);
    EXPECT_EQ(*bare.keys[0], key);
  }
}

constexpr std::string_view kKey = "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

struct Taken {
  std::string_view rest;  ///< behind the key
  std::uint8_t lifetime_log2;
  std::uint8_t mki_bytes;
};
TEST(Crypto, LifetimeMkiAndHints) {
  const Taken rows[] = {
      {"", 0, 0},
      {"|2^31", 31, 0},
      {"|2^48", 48, 0},
      {"|1048576", 20, 0},
      {"|1048577", 20, 0},
      {"|2097151", 20, 0},
      {"|1:1", 0, 1},
      {"|65535:2", 0, 2},
      {"|2^20|4294967295:4", 20, 4},
      {" WSH=64", 0, 0},
      {" WSH=1024 -unknown=1 -x", 0, 0},
      {"|2^20|1:4 WSH=128", 20, 4},
  };
  for (const Taken& row : rows) {
    SCOPED_TRACE(row.rest);
    const CryptoAttribute crypto = parsed("1 AES_CM_128_HMAC_SHA1_80 " + std::string(kKey) + std::string(row.rest));
    ASSERT_EQ(crypto.keys.size(), 1u);
    EXPECT_EQ(crypto.keys[0]->lifetime_log2, row.lifetime_log2);
    EXPECT_EQ(crypto.keys[0]->mki_bytes, row.mki_bytes);
  }
  EXPECT_EQ(parsed("000000001\t AES_CM_128_HMAC_SHA1_80  INLINE:" + std::string(kKey.substr(7)) + "\t").tag, 1u);
}

TEST(Crypto, WhatIsNoneOrIsNotDoneIsRefusedWithoutAWordOfTheKey) {
  const std::string head = "1 AES_CM_128_HMAC_SHA1_80 ";
  const std::string line = head + std::string(kKey);
  const std::pair<std::string, Kind> rows[] = {
      {"", Kind::kSyntax},
      {"1", Kind::kSyntax},
      {"x AES_CM_128_HMAC_SHA1_80 " + std::string(kKey), Kind::kSyntax},
      {"-1 AES_CM_128_HMAC_SHA1_80 " + std::string(kKey), Kind::kSyntax},
      {"1000000000 AES_CM_128_HMAC_SHA1_80 " + std::string(kKey), Kind::kSyntax},
      {"1 AES_CM_128", Kind::kNotUsable},
      {"1 F8_128_HMAC_SHA1_80 " + std::string(kKey), Kind::kNotUsable},
      {"1 none " + std::string(kKey), Kind::kNotUsable},
      {"1 AES-CM " + std::string(kKey), Kind::kSyntax},
      {head, Kind::kSyntax},
      {head + "inline:", Kind::kSyntax},
      {head + "inline", Kind::kSyntax},
      {head + "uri:https://keys.example/", Kind::kNotUsable},
      {head + "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubG", Kind::kSyntax},
      {head + "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVzAAAA", Kind::kSyntax},
      {head + "inline:WVNfX19zZW1jdGwg!CkgewkyMjA7fQp9CnVubGVz", Kind::kSyntax},
      {line + "|", Kind::kSyntax},
      {line + "||", Kind::kSyntax},
      {line + ";", Kind::kSyntax},
      {line + "|2^", Kind::kSyntax},
      {line + "|2^49", Kind::kSyntax},
      {line + "|2^300", Kind::kSyntax},
      {line + "|0", Kind::kSyntax},
      {line + "|99999999999999999999", Kind::kSyntax},
      {line + "|2^9", Kind::kNotUsable},
      {line + "|1023", Kind::kNotUsable},
      {line + "|1:0", Kind::kSyntax},
      {line + "|1:129", Kind::kSyntax},
      {line + "|1:5", Kind::kNotUsable},
      {line + "|256:1", Kind::kSyntax},
      {line + "|:1", Kind::kSyntax},
      {line + "|x:1", Kind::kSyntax},
      {line + "|99999999999999999999:4", Kind::kSyntax},
      {line + "|1:4|2^20", Kind::kSyntax},
      {line + "|2^20|1:4|1:4", Kind::kSyntax},
      {line + ";" + std::string(kKey), Kind::kSyntax},
      {line + "|1:4;" + std::string(kKey) + "|1:4", Kind::kSyntax},
      {line + "|1:4;" + std::string(kKey) + "|2:2", Kind::kSyntax},
      {line + "|1:1;" + std::string(kKey) + "|2:1;" + std::string(kKey) + "|3:1;" + std::string(kKey) + "|4:1;" +
           std::string(kKey) + "|5:1",
       Kind::kNotUsable},
      {line + " KDR=1", Kind::kNotUsable},
      {line + " UNENCRYPTED_SRTP", Kind::kNotUsable},
      {line + " UNENCRYPTED_SRTCP", Kind::kNotUsable},
      {line + " UNAUTHENTICATED_SRTP", Kind::kNotUsable},
      {line + " FEC_ORDER=FEC_SRTP", Kind::kNotUsable},
      {line + " FEC_KEY=" + std::string(kKey), Kind::kNotUsable},
      {line + " mandatory=1", Kind::kNotUsable},
      {line + " WSH", Kind::kSyntax},
      {line + " WSH=", Kind::kSyntax},
      {line + " WSH=63", Kind::kSyntax},
  };
  for (const auto& [text, kind] : rows) {
    SCOPED_TRACE(text);
    const CryptoFault fault = refused(text);
    EXPECT_EQ(fault.kind, kind) << fault.reason;
    EXPECT_EQ(fault.reason.find("WVNf"), std::string::npos);
  }
}

MediaSection section(std::initializer_list<std::string> lines) {
  MediaSection out;
  for (const std::string& line : lines) out.attributes.push_back({"crypto", line});
  return out;
}

TEST(ChooseCrypto, TakesThePeersFirstThatPolicyAllows) {
  constexpr SrtpProfile kSuites[] = {SrtpProfile::kAesCm128HmacSha1_32, SrtpProfile::kAesCm128HmacSha1_80};
  const std::string key(kKey);
  const auto chosen = [&](const MediaSection& from) {
    auto found = choose_crypto(from, kSuites);
    return std::holds_alternative<CryptoAttribute>(found) ? std::get<CryptoAttribute>(found).tag : 0;
  };
  EXPECT_EQ(chosen(section({"1 NULL_HMAC_SHA1_80 " + key, "2 AES_CM_128_HMAC_SHA1_80 " + key + " KDR=2",
                            "3 AES_CM_128_HMAC_SHA1_80 " + key, "4 AES_CM_128_HMAC_SHA1_32 " + key})),
            3u)
      << "the offerer's order counts (RFC 4568 section 5.1.2)";
  EXPECT_EQ(chosen(section({"1 NULL_HMAC_SHA1_80 " + key, "1 AES_CM_128_HMAC_SHA1_80 " + key})), 0u)
      << "a tag stands once";
  EXPECT_EQ(chosen(section({"nonsense", "9 AES_CM_128_HMAC_SHA1_32 " + key})), 9u);
  EXPECT_EQ(chosen(section({})), 0u);
}

TEST(CryptoKey, IsWipedWhenItGoes) {
  alignas(proto::Secret<CryptoKey>) std::array<std::uint8_t, sizeof(proto::Secret<CryptoKey>)> place{};
  auto* key = new (place.data()) proto::Secret<CryptoKey>();
  (*key)->key.fill(0xaa);
  key->~Secret();
  EXPECT_EQ(place, decltype(place){});
}

}  // namespace
}  // namespace weir::sip
