#include "dataplane/silence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/support/accounting.h"
#include "tests/support/frames.h"
#include "tests/support/media_plane.h"

namespace weir::dataplane {
namespace {

using proto::EventKind;
using tests::kinds;
using tests::MediaPlane;
using tests::rtp_packet;

constexpr std::uint16_t kPort = 20000;
constexpr std::uint16_t kExit = 20002;

TEST(SilenceWatch, SaysOnceThatMediaFellSilentAndAgainWhenItDoesSoAgain) {
  MediaPlane plane;
  proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
  command.spec.media_timeout_ms = 500;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  for (std::uint16_t round = 0; round < 2; ++round) {
    plane.arrive(0, 4000, kPort, rtp_packet(round, 1, 20));
    plane.run(400);
    EXPECT_TRUE(std::ranges::count(kinds(plane.events()), EventKind::kMediaTimeout) == 0);
    EXPECT_NE(plane.control().flow_status(1).media_last_ns, 0u);
    plane.run(2000);
    EXPECT_EQ(kinds(plane.events()), std::vector{EventKind::kMediaTimeout});
  }
}

TEST(SilenceWatch, AFlowThatNeverHeardMediaTimesOutToo) {
  MediaPlane plane;
  proto::Command command = MediaPlane::install(1, 0, kPort, kExit);
  command.spec.media_timeout_ms = 500;
  ASSERT_EQ(plane.command(command).kind, EventKind::kInstalled);
  plane.run(2000);
  EXPECT_EQ(kinds(plane.events()), std::vector{EventKind::kMediaTimeout});
  EXPECT_EQ(plane.control().flow_status(1).media_last_ns, 0u);
}

}  // namespace
}  // namespace weir::dataplane
