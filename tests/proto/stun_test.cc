#include "proto/stun.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/guarded_bytes.h"

namespace weir::proto {
namespace {

// The first 20 bytes and the length of RFC 5769 section 2.1's sample request; its attributes are zeroed here.
std::vector<std::uint8_t> sample_request() {
  std::vector<std::uint8_t> packet = {0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7,
                                      0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};
  packet.resize(20 + 0x58);
  return packet;
}

TEST(Stun, ReadsTheHeader) {
  const std::vector<std::uint8_t> packet = sample_request();
  const std::optional<StunView> view = parse_stun(packet);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->type, kStunBindingRequest);
  EXPECT_EQ(view->transaction_id[0], 0xb7);
  EXPECT_EQ(view->transaction_id[11], 0xae);
  EXPECT_EQ(view->attributes.size(), 0x58u);
}

TEST(Stun, RefusesEveryLengthButItsOwn) {
  tests::GuardedBytes guarded;
  std::vector<std::uint8_t> packet = sample_request();
  for (std::size_t bytes = 0; bytes < packet.size(); ++bytes) {
    EXPECT_FALSE(parse_stun(guarded.copy(Bytes(packet).first(bytes)))) << bytes;
  }
  packet.push_back(0);
  EXPECT_FALSE(parse_stun(guarded.copy(packet)));
}

TEST(Stun, RefusesAnotherCookieAnUnevenLengthAndTheTwoTopBits) {
  std::vector<std::uint8_t> cookie = sample_request();
  cookie[4] ^= 1;
  EXPECT_FALSE(parse_stun(cookie));
  std::vector<std::uint8_t> uneven = sample_request();
  uneven.pop_back();
  store_be16(&uneven[2], 0x57);
  EXPECT_FALSE(parse_stun(uneven));
  std::vector<std::uint8_t> top = sample_request();
  top[0] = 0x80;
  EXPECT_FALSE(parse_stun(top));
}

}  // namespace
}  // namespace weir::proto
