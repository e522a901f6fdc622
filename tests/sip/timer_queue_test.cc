#include "sip/timer_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace weir::sip {
namespace {

TEST(TimerQueue, GivesSlotsInTheOrderOfTheirDeadlines) {
  TimerQueue queue;
  queue.set(7, 30);
  queue.set(1, 10);
  queue.set(3, 20);
  EXPECT_EQ(queue.next_deadline_ns(), 10u);
  EXPECT_EQ(queue.pop_due(9), std::nullopt);
  EXPECT_EQ(queue.pop_due(25), 1u);
  EXPECT_EQ(queue.pop_due(25), 3u);
  EXPECT_EQ(queue.pop_due(25), std::nullopt);
  EXPECT_EQ(queue.size(), 1u);
}

TEST(TimerQueue, GivesEqualDeadlinesInTheOrderTheyWereSet) {
  TimerQueue queue;
  for (TimerQueue::Slot slot : {5u, 2u, 9u, 0u}) queue.set(slot, 10);
  queue.set(2, 10);
  for (TimerQueue::Slot slot : {5u, 9u, 0u, 2u}) EXPECT_EQ(queue.pop_due(10), slot);
}

TEST(TimerQueue, SettingMovesAndStoppingLeavesNothing) {
  TimerQueue queue;
  queue.set(1, 10);
  queue.set(1, 50);
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_EQ(queue.next_deadline_ns(), 50u);
  queue.stop(1);
  queue.stop(1);
  queue.stop(1000);
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(queue.next_deadline_ns(), std::nullopt);
}

TEST(TimerQueue, AgreesWithAnOrderedMapOverRandomOperations) {
  std::mt19937 random(1);
  TimerQueue queue;
  std::map<TimerQueue::Slot, std::uint64_t> model;
  std::uint64_t now = 0;
  for (int step = 0; step < 100'000; ++step) {
    const auto slot = static_cast<TimerQueue::Slot>(random() % 50);
    switch (random() % 4) {
      case 0:
      case 1:
        queue.set(slot, model[slot] = now + random() % 1000);
        break;
      case 2:
        queue.stop(slot);
        model.erase(slot);
        break;
      case 3:
        now += random() % 100;
        while (const auto due = queue.pop_due(now)) {
          ASSERT_TRUE(model.contains(*due));
          for (const auto& [other, deadline] : model) ASSERT_LE(model[*due], deadline) << other;
          model.erase(*due);
        }
        break;
    }
    ASSERT_EQ(queue.size(), model.size());
    for (const auto& [other, deadline] : model) ASSERT_GE(deadline, *queue.next_deadline_ns()) << other;
  }
}

}  // namespace
}  // namespace weir::sip
