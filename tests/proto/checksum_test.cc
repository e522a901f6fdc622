#include "proto/checksum.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/support/frames.h"

namespace weir::proto {
namespace {

// RFC 1071 section 3's worked example: 0001 f203 f4f5 f6f7 sums to ddf2.
TEST(Checksum, Rfc1071sExample) {
  const std::uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(checksum_word(checksum_fold(checksum_words(bytes))), static_cast<std::uint16_t>(~0xddf2));
}

TEST(Checksum, AnIpv4HeaderCapturedFromALinuxKernel) {
  std::vector<std::uint8_t> header = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                      0x00, 0x00, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
  EXPECT_EQ(checksum_word(checksum_fold(checksum_words(header))), 0xb861);
  EXPECT_FALSE(ipv4_checksum_holds(header.data()));
  store_be16(&header[10], 0xb861);
  EXPECT_TRUE(ipv4_checksum_holds(header.data()));
}

TEST(Checksum, IsTheSumOfThe16BitWordsAtEveryLengthAndAlignment) {
  std::mt19937 random(3);
  for (std::size_t bytes = 0; bytes < 300; ++bytes) {
    for (std::size_t offset = 0; offset < 9; ++offset) {
      std::vector<std::uint8_t> memory(offset + bytes);
      for (std::uint8_t& byte : memory) byte = static_cast<std::uint8_t>(random());
      const Bytes part = Bytes(memory).subspan(offset);
      const auto word = static_cast<std::uint16_t>(random());
      EXPECT_EQ(checksum_word(checksum_fold(checksum_words(part) + checksum_word(word))),
                tests::internet_checksum({part}, word))
          << bytes << " bytes from " << offset;
    }
  }
}

TEST(Checksum, CarriesGoRound) {
  for (std::size_t bytes = 0; bytes < 100; ++bytes) {
    const std::vector<std::uint8_t> ones(bytes, 0xff);
    EXPECT_EQ(checksum_word(checksum_fold(checksum_words(ones) + 0xffff)), tests::internet_checksum({ones}, 0xffff))
        << bytes;
  }
}

}  // namespace
}  // namespace weir::proto
