#include "dataplane/idle.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/media_plane.h"

namespace weir::dataplane {
namespace {

using tests::MediaPlane;
using tests::rtp_packet;

TEST(IdlePacer, NeverSleepsUnlessAskedTo) {
  IdlePacer pacer(0);
  for (int pass = 0; pass < 100'000; ++pass) ASSERT_EQ(pacer.after_pass(false), 0u);
}

TEST(IdlePacer, SleepsLongerAndLongerButNeverLongerThanItMay) {
  IdlePacer pacer(50);
  for (std::uint32_t pass = 0; pass < kIdlePassesBeforeSleep; ++pass) ASSERT_EQ(pacer.after_pass(false), 0u);
  for (const std::uint32_t us : {1u, 2u, 4u, 8u, 16u, 32u, 50u, 50u}) EXPECT_EQ(pacer.after_pass(false), us);
}

TEST(IdlePacer, IsWideAwakeOnceThereIsSomethingToDo) {
  IdlePacer pacer(50);
  for (std::uint32_t pass = 0; pass <= kIdlePassesBeforeSleep; ++pass) pacer.after_pass(false);
  EXPECT_EQ(pacer.after_pass(true), 0u);
  for (std::uint32_t pass = 0; pass < kIdlePassesBeforeSleep; ++pass) ASSERT_EQ(pacer.after_pass(false), 0u);
  EXPECT_EQ(pacer.after_pass(false), 1u);
}

/// A worker in a thread of its own.
class Running {
 public:
  explicit Running(MediaPlane& plane) : thread_([this, &plane] { plane.engine().worker(0).run(stop_); }) {}
  ~Running() { stop_ = true; }

 private:
  std::atomic<bool> stop_ = false;
  std::jthread thread_;
};

/// The test's time limit ends what never comes.
template <typename Condition>
void wait_for(Condition condition) {
  while (!condition()) std::this_thread::yield();
}

TEST(IdleWorker, ThatSleepsStillForwardsAndCarriesOutCommands) {
  MediaPlane plane({.idle_sleep_us_max = 50});
  ASSERT_EQ(plane.command(MediaPlane::install(0, 0, 20000, 20002)).kind, proto::EventKind::kInstalled);
  const auto sleeps = [&] { return plane.control().worker_counters(0).idle_sleeps; };
  ASSERT_EQ(sleeps(), 0u) << "passes by hand";
  auto commands = plane.control().command_producer(0);
  auto events = plane.control().event_consumer(0);
  const Running running(plane);
  for (std::uint16_t round = 0; round < 3; ++round) {
    wait_for([&, before = sleeps()] { return sleeps() > before; });
    plane.arrive(0, 4000, 20000, rtp_packet(round, 7, 20));
    wait_for([&] { return plane.departed(1).size() == 1; });
    wait_for([&, before = sleeps()] { return sleeps() > before; });
    proto::Command command = MediaPlane::install(1u + round, 0, static_cast<std::uint16_t>(20010 + 2 * round), 20002);
    command.request = 77;
    ASSERT_EQ(commands.push(command), proto::RingState::kOk);
    proto::Event answer{};
    wait_for([&] { return events.pop(answer) == proto::RingState::kOk && answer.request == 77; });
    EXPECT_EQ(answer.kind, proto::EventKind::kInstalled);
  }
}

TEST(IdleWorker, DoesNotSleepByDefault) {
  MediaPlane plane;
  {
    const Running running(plane);
    // It lives: long enough for an idle one to have slept many times.
    const auto alive_ns = [&] { return plane.control().worker_status(0).alive_ns.load(); };
    for (std::uint32_t pass = 0; pass < 4 * kIdlePassesBeforeSleep; ++pass) {
      wait_for([&, before = alive_ns()] { return alive_ns() != before; });
    }
  }
  EXPECT_EQ(plane.totals().idle_sleeps, 0u);
}

}  // namespace
}  // namespace weir::dataplane
