#include "proto/demux.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/guarded_bytes.h"

namespace weir::proto {
namespace {

PacketKind rfc7983_kind(unsigned first, unsigned second) {
  if (first <= 3) return PacketKind::kStun;
  if (first >= 16 && first <= 19) return PacketKind::kZrtp;
  if (first >= 20 && first <= 63) return PacketKind::kDtls;
  if (first >= 64 && first <= 79) return PacketKind::kTurnChannel;
  if (first < 128 || first > 191) return PacketKind::kUnknown;
  // RFC 5761 section 4: RTCP packet types 192..223, the payload type field with the marker bit.
  return second >= 192 && second <= 223 ? PacketKind::kRtcp : PacketKind::kRtp;
}

TEST(Demux, ClassifiesEveryFirstAndSecondByteAsRfc7983AndRfc5761Say) {
  tests::GuardedBytes guarded;
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned second = 0; second < 256; ++second) {
      const std::uint8_t bytes[2] = {static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(second)};
      EXPECT_EQ(classify(guarded.copy(bytes)), rfc7983_kind(first, second)) << first << " " << second;
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
