#include "proto/ring.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

namespace weir::proto {
namespace {

struct Slot {
  std::uint64_t number;
  std::uint64_t copy;
};

constexpr std::uint32_t kCapacity = 8;

struct Ring {
  std::array<Slot, kCapacity> slots{};
  RingIndex tail{};
  RingIndex head{};
  RingProducer<Slot> producer() { return {slots.data(), kCapacity, &tail, &head}; }
  RingConsumer<Slot> consumer() { return {slots.data(), kCapacity, &tail, &head}; }
};

TEST(Ring, GivesBackWhatWasPutInThroughEveryFillLevelAndWrap) {
  Ring ring;
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  std::uint64_t in = 0;
  std::uint64_t out = 0;
  for (std::uint32_t level = 1; level <= kCapacity; ++level) {
    for (int round = 0; round < 20; ++round) {
      for (std::uint32_t i = 0; i < level; ++i, ++in) ASSERT_EQ(producer.push({in, ~in}), RingState::kOk);
      for (std::uint32_t i = 0; i < level; ++i, ++out) {
        Slot slot;
        ASSERT_EQ(consumer.pop(slot), RingState::kOk);
        ASSERT_EQ(slot.number, out);
        ASSERT_EQ(slot.copy, ~out);
      }
    }
  }
}

TEST(Ring, AFullRingRefusesAndAnEmptyOneSaysSo) {
  Ring ring;
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  Slot slot;
  EXPECT_EQ(consumer.pop(slot), RingState::kEmpty);
  for (std::uint64_t i = 0; i < kCapacity; ++i) EXPECT_EQ(producer.push({i, i}), RingState::kOk);
  EXPECT_EQ(producer.push({99, 99}), RingState::kFull);
  EXPECT_EQ(consumer.pop(slot), RingState::kOk);
  EXPECT_EQ(slot.number, 0u);
  EXPECT_EQ(producer.push({8, 8}), RingState::kOk);
}

TEST(Ring, AnUnpublishedSlotIsInvisible) {
  Ring ring;
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  RingState state;
  Slot* place = producer.claim(state);
  ASSERT_NE(place, nullptr);
  *place = {7, 7};
  Slot slot;
  EXPECT_EQ(consumer.pop(slot), RingState::kEmpty);
  producer.publish();
  EXPECT_EQ(consumer.pop(slot), RingState::kOk);
}

TEST(Ring, IndexesThatMakeNoSenseAreCorruptAndNothingIsReadOrWritten) {
  for (const std::uint64_t lie : {std::uint64_t{kCapacity + 1}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    Ring ring;
    auto consumer = ring.consumer();
    ring.tail.value = lie;
    Slot slot{5, 5};
    EXPECT_EQ(consumer.pop(slot), RingState::kCorrupt);
    EXPECT_EQ(slot.number, 5u);
    EXPECT_EQ(ring.head.value, 0u);
  }
  // A head ahead of the tail, or further behind it than the ring is long.
  for (const std::uint64_t lie : {std::uint64_t{1}, std::uint64_t{1} << 63}) {
    Ring ring;
    auto producer = ring.producer();
    ring.head.value = lie;
    RingState state;
    EXPECT_EQ(producer.claim(state), nullptr);
    EXPECT_EQ(state, RingState::kCorrupt);
  }
}

TEST(Ring, EndsMadeAnewGoOnWhereTheOldOnesWere) {
  Ring ring;
  {
    auto producer = ring.producer();
    for (std::uint64_t i = 0; i < 5; ++i) ASSERT_EQ(producer.push({i, i}), RingState::kOk);
    auto consumer = ring.consumer();
    Slot slot;
    ASSERT_EQ(consumer.pop(slot), RingState::kOk);
  }
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  ASSERT_EQ(producer.push({5, 5}), RingState::kOk);
  for (std::uint64_t i = 1; i <= 5; ++i) {
    Slot slot;
    ASSERT_EQ(consumer.pop(slot), RingState::kOk);
    EXPECT_EQ(slot.number, i);
  }
}

TEST(Ring, ConsumedSlotsAreWipedAndWaitingOnesAreNot) {
  Ring ring;
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  for (std::uint64_t i = 1; i <= 6; ++i) ASSERT_EQ(producer.push({i, i}), RingState::kOk);
  Slot slot;
  for (int i = 0; i < 4; ++i) ASSERT_EQ(consumer.pop(slot), RingState::kOk);
  producer.wipe_consumed();
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(ring.slots[i].number, i < 4 ? 0 : i + 1) << i;
}

TEST(Ring, TwoThreadsLoseAndRepeatNothing) {
  Ring ring;
  constexpr std::uint64_t kCount = 200'000;
  std::thread writer([&ring] {
    auto producer = ring.producer();
    for (std::uint64_t i = 0; i < kCount;) {
      if (producer.push({i, ~i}) == RingState::kOk) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  auto consumer = ring.consumer();
  bool whole = true;
  for (std::uint64_t expected = 0; expected < kCount;) {
    Slot slot;
    if (consumer.pop(slot) == RingState::kOk) {
      whole = whole && slot.number == expected && slot.copy == ~expected;
      ++expected;
    } else {
      std::this_thread::yield();
    }
  }
  writer.join();
  EXPECT_TRUE(whole);
}

}  // namespace
}  // namespace weir::proto
