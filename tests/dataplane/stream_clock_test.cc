#include "dataplane/stream_clock.h"

#include <gtest/gtest.h>

namespace weir::dataplane {
namespace {

using proto::TimestampScale;

TEST(StreamClock, A48kStreamGoesOnAt8kWhereItsTimestampsWrap) {
  StreamClock clock{};
  std::uint32_t in = 0xffffffff - 10 * 960;
  std::uint32_t last = advance_clock(clock, in, TimestampScale::kBy6);
  for (int packet = 0; packet < 100; ++packet) {
    in += 960;
    const std::uint32_t out = advance_clock(clock, in, TimestampScale::kBy6);
    ASSERT_EQ(out - last, 160u) << packet;
    last = out;
  }
}

TEST(StreamClock, An8kStreamIsSixTimesAsFastAt48k) {
  StreamClock clock{};
  EXPECT_EQ(advance_clock(clock, 1'000'000'000, TimestampScale::kTimes6), 1'000'000'000u * 6);
  EXPECT_EQ(advance_clock(clock, 1'000'000'160, TimestampScale::kTimes6), 1'000'000'000u * 6 + 960);
  EXPECT_EQ(advance_clock(clock, 999'999'840, TimestampScale::kTimes6), 1'000'000'000u * 6 - 960) << "one that is late";
}

TEST(StreamClock, ItGoesOn20MsLaterWhenTheSenderTurnsToAnotherClock) {
  StreamClock clock{};
  const std::uint32_t last = advance_clock(clock, 4'800'000, TimestampScale::kBy6);
  EXPECT_EQ(advance_clock(clock, 77, TimestampScale::kSame), last + 160);
  EXPECT_EQ(advance_clock(clock, 237, TimestampScale::kSame), last + 320);
}

TEST(StreamClock, AReportNamesTheMomentThatThePacketsName) {
  StreamClock clock{};
  (void)advance_clock(clock, 0xfffffff0, TimestampScale::kBy6);
  const std::uint32_t at = advance_clock(clock, 960 - 0x10, TimestampScale::kBy6);
  EXPECT_EQ(read_clock(clock, 960 - 0x10), at);
  EXPECT_EQ(read_clock(clock, 960 - 0x10 + 480), at + 80);
}

struct EventRow {
  TimestampScale scale;
  std::uint16_t duration;
  std::uint16_t leaves_as;
  std::uint32_t later;
};

TEST(TelephoneEvent, DurationsFollowTheClockAndLongOnesBeginASegment) {
  const EventRow rows[] = {
      {TimestampScale::kTimes6, 0, 0, 0},
      {TimestampScale::kTimes6, 160, 960, 0},
      {TimestampScale::kTimes6, 10922, 65532, 0},
      {TimestampScale::kTimes6, 11200, 67200 - 65535, 65535},
      {TimestampScale::kTimes6, 65535, 65535, 5 * 65535},
      {TimestampScale::kBy6, 960, 160, 0},
      {TimestampScale::kBy6, 65535, 10922, 0},
  };
  for (const EventRow& row : rows) {
    std::array<std::uint8_t, 4> payload = {5, 0x8a, 0, 0};
    proto::store_be16(payload.data() + 2, row.duration);
    std::uint32_t later = 1;
    ASSERT_TRUE(scale_event(payload, row.scale, later));
    EXPECT_EQ(proto::load_be16(payload.data() + 2), row.leaves_as) << row.duration;
    EXPECT_EQ(later, row.later) << row.duration;
    EXPECT_EQ(payload[0], 5);
    EXPECT_EQ(payload[1], 0x8a);
  }
  std::array<std::uint8_t, 3> cut{};
  std::uint32_t later = 0;
  EXPECT_FALSE(scale_event(cut, TimestampScale::kBy6, later));
}

}  // namespace
}  // namespace weir::dataplane
