#include "proto/demux.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/guarded_bytes.h"
#include "tests/support/rfc7983.h"

namespace weir::proto {
namespace {

TEST(Demux, ClassifiesEveryFirstAndSecondByteAsRfc7983AndRfc5761Say) {
  tests::GuardedBytes guarded;
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned second = 0; second < 256; ++second) {
      const std::uint8_t bytes[2] = {static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(second)};
      EXPECT_EQ(classify(guarded.copy(bytes)), tests::rfc7983_kind(bytes)) << first << " " << second;
    }
  }
}

TEST(Demux, AnEmptyPayloadIsUnknown) {
  EXPECT_EQ(classify({}), PacketKind::kUnknown);
}

TEST(Demux, OneByteOfTheRtpRangeIsUnknownBecauseItCanBeNeither) {
  tests::GuardedBytes guarded;
  for (unsigned first = 128; first <= 191; ++first) {
    const std::uint8_t byte[1] = {static_cast<std::uint8_t>(first)};
    EXPECT_EQ(classify(guarded.copy(byte)), PacketKind::kUnknown);
  }
}

}  // namespace
}  // namespace weir::proto
