// RFC 5769's responses, verified; and checks of ours, verified by one who has not written them.
#include "controlplane/stun_check.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"
#include "tests/support/stun_peer.h"

namespace weir::controlplane {
namespace {

constexpr std::string_view kPassword = "VOkJxbRl1RmTxUk/WvJxBt";
constexpr std::string_view kIpv4Response =  // section 2.2
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96";
constexpr std::string_view kIpv6Response =  // section 2.3
    "010100482112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004c8fb0b4c";

TEST(StunCheckRfc5769, ItsResponsesAreVerified) {
  for (const std::string_view hex : {kIpv4Response, kIpv6Response}) {
    const tests::Packet response = tests::from_hex(hex);
    ASSERT_TRUE(answered_transaction(response));
    const auto read = read_response(response, kPassword);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->error, 0);
    EXPECT_FALSE(read_response(response, "VOkJxbRl1RmTxUk/WvJxBu"));
  }
}

TEST(StunCheckRfc5769, ABitThatIsAnotherMakesThemNothing) {
  const tests::Packet response = tests::from_hex(kIpv4Response);
  constexpr std::size_t kFingerprintBytes = 8;  // whose type, as another one, makes it nothing that counts
  for (std::size_t at = 0; at < (response.size() - kFingerprintBytes) * 8; ++at) {
    tests::Packet changed = response;
    changed[at / 8] = static_cast<std::uint8_t>(changed[at / 8] ^ (1u << at % 8));
    EXPECT_FALSE(answered_transaction(changed) && read_response(changed, kPassword)) << "bit " << at;
  }
}

TEST(StunCheck, OursAreWhatAPeerExpects) {
  std::array<std::uint8_t, kStunCheckBytesMax> room;
  const StunCheck check{.transaction = make_stun_transaction(),
                        .their_ufrag = "abcd",
                        .our_ufrag = "efgh",
                        .their_password = kPassword,
                        .priority = 1'845'501'695,
                        .role = proto::IceRole::kControlling,
                        .tie_breaker = 0x0102030405060708,
                        .nominates = true};
  const proto::Bytes written = write_check(check, room);
  const auto message = proto::parse_stun(written);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->type, proto::kStunBindingRequest);
  const auto read = proto::read_stun_attributes(*message);
  ASSERT_TRUE(read);
  EXPECT_EQ(std::string(read->username.begin(), read->username.end()), "abcd:efgh");
  EXPECT_EQ(read->priority, check.priority);
  EXPECT_EQ(read->role, check.role);
  EXPECT_EQ(read->tie_breaker, check.tie_breaker);
  EXPECT_TRUE(read->use_candidate);
  EXPECT_TRUE(proto::stun_fingerprint_holds(written, read->fingerprint_offset));
  tests::Packet copy(written.begin(), written.end());
  const proto::Bytes covered = proto::stun_integrity_input(copy, read->integrity_offset);
  const tests::Packet expected = tests::openssl_hmac_sha1(kPassword, {covered.begin(), covered.end()});
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), written.begin() + read->integrity_offset + 4));
}

TEST(StunCheck, WithTheLongestNamesItFits) {
  std::array<std::uint8_t, kStunCheckBytesMax> room;
  const std::string name(256, 'u');
  const StunCheck check{
      .transaction = {}, .their_ufrag = name, .our_ufrag = name, .their_password = name, .nominates = true};
  EXPECT_LE(write_check(check, room).size(), room.size());
}

}  // namespace
}  // namespace weir::controlplane
