#include "dataplane/housekeeping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>
#include <utility>

#include "tests/support/media_plane.h"

namespace weir::dataplane {
namespace {

using testing::HasSubstr;
using tests::MediaPlane;

/// What is logged while it lives.
class LogCapture {
 public:
  LogCapture() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_st>(text_)));
  }
  ~LogCapture() { spdlog::set_default_logger(before_); }
  /// Since the last call.
  std::string take() { return std::exchange(text_, std::ostringstream()).str(); }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_;
};

class HousekeepingTest : public testing::Test {
 protected:
  HousekeepingTest() : plane_({.workers = 2}), housekeeping_(plane_.engine(), plane_.region()) { plane_.run(1); }

  /// Worker 0 goes on; worker 1 does nothing.
  void only_worker_0_passes(std::uint64_t ms) {
    plane_.sleep_ms(ms);
    plane_.engine().worker(0).run_once(plane_.now_ns);
  }

  MediaPlane plane_;
  Housekeeping housekeeping_;
  LogCapture log_;
};

TEST_F(HousekeepingTest, AWorkerThatLivesIsNotWorthALine) {
  for (int i = 0; i < 30; ++i) {
    plane_.sleep_ms(100);
    plane_.run(1);
    housekeeping_.run(plane_.now_ns);
  }
  EXPECT_EQ(log_.take(), "");
}

TEST_F(HousekeepingTest, AStalledWorkerIsReportedOnceAndAgainWhenItRuns) {
  const std::uint64_t stalls = plane_.totals().stalls;
  only_worker_0_passes(999);
  housekeeping_.run(plane_.now_ns);
  EXPECT_EQ(log_.take(), "") << "not yet a second";
  only_worker_0_passes(2);
  housekeeping_.run(plane_.now_ns);
  const std::string said = log_.take();
  EXPECT_THAT(said, HasSubstr("worker 1 on core 1 has stalled"));
  EXPECT_THAT(said, Not(HasSubstr("worker 0")));
  only_worker_0_passes(500);
  housekeeping_.run(plane_.now_ns);
  EXPECT_EQ(log_.take(), "") << "said already";
  EXPECT_EQ(plane_.totals().stalls, stalls) << "a worker counts its own, once it is back";
  plane_.run(1);
  housekeeping_.run(plane_.now_ns);
  EXPECT_THAT(log_.take(), HasSubstr("worker 1 on core 1 runs again"));
  EXPECT_EQ(plane_.totals().stalls, stalls + 1);
}

}  // namespace
}  // namespace weir::dataplane
