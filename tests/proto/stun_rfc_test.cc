// RFC 5769's test vectors: what the reader finds in them, and what the writer makes of it again, byte for byte where
// the vectors pad with zeros. OpenSSL says that the integrity is right.
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <string_view>

#include "proto/stun.h"
#include "tests/support/hex.h"
#include "tests/support/stun_peer.h"

namespace weir::proto {
namespace {

using tests::Packet;

constexpr std::string_view kPassword = "VOkJxbRl1RmTxUk/WvJxBt";

constexpr std::string_view kRequest =
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff"
    "80290008932ff9b151263b36"
    "000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf";

constexpr std::string_view kIpv4Response =
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96";

constexpr std::string_view kIpv6Response =
    "010100482112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004c8fb0b4c";

constexpr std::string_view kLongTermRequest =
    "000100602112a44278ad3433c6ad72c029da412e"
    "00060012e3839ee38388e383aae38383e382afe382b90000"
    "0015001c662f2f3439396b39353464364f4c33346f4c39465354767936347341"
    "0014000b6578616d706c652e6f726700"
    "00080014f67024656dd64a3e02b8e0712e85c9a28ca89666";

/// Reads the message and checks its integrity with the key.
StunAttributes read(Packet& message, std::string_view key) {
  const std::optional<StunView> view = parse_stun(message);
  EXPECT_TRUE(view);
  const std::optional<StunAttributes> attributes = read_stun_attributes(*view);
  EXPECT_TRUE(attributes);
  if (attributes->fingerprint_offset != 0) {
    EXPECT_TRUE(stun_fingerprint_holds(message, attributes->fingerprint_offset));
  }
  Packet copy = message;
  const Bytes input = stun_integrity_input(copy, attributes->integrity_offset);
  const Packet right = tests::openssl_hmac_sha1(key, Packet(input.begin(), input.end()));
  EXPECT_TRUE(std::equal(right.begin(), right.end(), message.begin() + attributes->integrity_offset + 4));
  return *attributes;
}

TEST(StunRfc5769, Section2_1SampleRequest) {
  Packet message = tests::from_hex(kRequest);
  const StunAttributes attributes = read(message, kPassword);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(attributes.username.data()), attributes.username.size()),
            "evtj:h6vY");
  EXPECT_EQ(attributes.priority, 0x6e0001ffu);
  EXPECT_EQ(attributes.role, IceRole::kControlled);
  EXPECT_EQ(attributes.tie_breaker, 0x932ff9b151263b36u);
  EXPECT_FALSE(attributes.use_candidate);
  EXPECT_EQ(attributes.unknown_count, 0);
}

TEST(StunRfc5769, Section2_2SampleIpv4Response) {
  Packet message = tests::from_hex(kIpv4Response);
  EXPECT_EQ(to_string(read(message, kPassword).mapped), "192.0.2.1:32853");
}

TEST(StunRfc5769, Section2_3SampleIpv6Response) {
  Packet message = tests::from_hex(kIpv6Response);
  EXPECT_EQ(to_string(read(message, kPassword).mapped), "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
}

TEST(StunRfc5769, Section2_4SampleRequestWithLongTermAuthentication) {
  Packet message = tests::from_hex(kLongTermRequest);
  constexpr std::string_view kKeyText = "\u30DE\u30C8\u30EA\u30C3\u30AF\u30B9:example.org:TheMatrIX";
  std::array<unsigned char, 16> key;
  ASSERT_EQ(EVP_Digest(kKeyText.data(), kKeyText.size(), key.data(), nullptr, EVP_md5(), nullptr), 1);
  const StunAttributes attributes = read(message, {reinterpret_cast<const char*>(key.data()), key.size()});
  EXPECT_EQ(attributes.username.size(), 18u);
  EXPECT_EQ(attributes.fingerprint_offset, 0u);
}

/// The vectors pad with blanks; what the RFC says about padding is that its value is of no account.
TEST(StunRfc5769, TheWriterMakesTheResponsesAgain) {
  for (const std::string_view vector : {kIpv4Response, kIpv6Response}) {
    Packet wanted = tests::from_hex(vector);
    const StunAttributes attributes = read(wanted, kPassword);
    Packet room(256, 0xee);
    StunWriter writer(room, kStunBindingSuccess, parse_stun(wanted)->transaction_id);
    writer.attribute(StunAttribute::kSoftware, Bytes(wanted).subspan(24, 11));
    writer.xor_mapped_address(attributes.mapped);
    const std::size_t protected_bytes = writer.message().size();
    EXPECT_TRUE(std::equal(wanted.begin() + 36, wanted.begin() + static_cast<std::ptrdiff_t>(protected_bytes),
                           room.begin() + 36));
    const Bytes input = writer.begin_integrity();
    const Packet integrity = tests::openssl_hmac_sha1(kPassword, Packet(input.begin(), input.end()));
    writer.integrity(std::span<const std::uint8_t, kStunIntegrityBytes>(integrity));
    writer.fingerprint();
    Packet written(writer.message().begin(), writer.message().end());
    EXPECT_EQ(written.size(), wanted.size());
    const StunAttributes again = read(written, kPassword);
    EXPECT_EQ(again.mapped, attributes.mapped);
  }
}

}  // namespace
}  // namespace weir::proto
