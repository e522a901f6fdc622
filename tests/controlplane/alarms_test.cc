#include "controlplane/alarms.h"

#include <gtest/gtest.h>

#include <memory>

namespace weir::controlplane {
namespace {

TEST(Alarms, GoOffOnceInTheOrderOfTheirTimes) {
  Alarms alarms;
  Alarm first(alarms);
  Alarm second(alarms);
  std::string order;
  second.set(200, [&] { order += "2"; });
  first.set(100, [&] { order += "1"; });
  alarms.run(99);
  EXPECT_EQ(order, "");
  EXPECT_EQ(alarms.next_deadline_ns(), 100u);
  alarms.run(300);
  alarms.run(400);
  EXPECT_EQ(order, "12");
  EXPECT_FALSE(first.running());
}

TEST(Alarms, AreStoppedMovedAndForgotten) {
  Alarms alarms;
  int rang = 0;
  auto gone = std::make_unique<Alarm>(alarms);
  gone->set(100, [&] { ++rang; });
  gone.reset();
  Alarm stopped(alarms);
  stopped.set(100, [&] { ++rang; });
  stopped.stop();
  Alarm moved(alarms);
  moved.set(100, [&] { rang += 10; });
  moved.set(500, [&] { rang += 100; });
  alarms.run(200);
  EXPECT_EQ(rang, 0);
  alarms.run(500);
  EXPECT_EQ(rang, 100);
  EXPECT_EQ(alarms.size(), 0u);
}

TEST(Alarms, AnActionMaySetAgainAndDestroyItsOwner) {
  Alarms alarms;
  auto alarm = std::make_unique<Alarm>(alarms);
  int rang = 0;
  alarm->set(100, [&] {
    ++rang;
    alarm->set(100, [&] {
      ++rang;
      alarm.reset();
    });
  });
  alarms.run(100);
  EXPECT_EQ(rang, 1) << "set for a time that is past, it waits for the next run";
  alarms.run(100);
  EXPECT_EQ(rang, 2);
  EXPECT_EQ(alarm, nullptr);
}

}  // namespace
}  // namespace weir::controlplane
