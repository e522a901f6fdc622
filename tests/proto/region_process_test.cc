// Ring and region between two real processes, one of which is killed in the middle of what it does.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "proto/region.h"
#include "tests/support/region_shape.h"
#include "tests/support/temporary_directory.h"

namespace weir::proto {
namespace {

using tests::small_region;
using tests::TemporaryDirectory;

constexpr auto kPatience = std::chrono::seconds(60);

/// A command whose every byte follows from its number: a torn one shows.
Command numbered(std::uint32_t request) {
  Command command{};
  command.kind = CommandKind::kOpen;
  command.request = request;
  command.flow = {request, ~request};
  auto* bytes = reinterpret_cast<std::uint8_t*>(&command.spec);
  for (std::size_t i = 0; i < sizeof command.spec; ++i) bytes[i] = static_cast<std::uint8_t>(request + i);
  return command;
}

bool whole(const Command& command) {
  const Command expected = numbered(command.request);
  return std::memcmp(&command.spec, &expected.spec, sizeof command.spec) == 0 && command.flow == expected.flow;
}

/// weir-control's part: attaches and pushes commands from `first` on, for ever.
[[noreturn]] void write_commands(const std::string& directory, std::uint32_t first) {
  Result<Region> region = Region::attach(directory);
  if (!region) _exit(3);
  auto producer = region->command_producer(0);
  for (std::uint32_t request = first;;) {
    RingState state;
    Command* slot = producer.claim(state);
    if (slot == nullptr) continue;
    // In two halves, so that a kill finds slots half written.
    const Command command = numbered(request);
    std::memcpy(static_cast<void*>(slot), &command, sizeof command / 2);
    asm volatile("" ::: "memory");
    std::memcpy(reinterpret_cast<std::uint8_t*>(slot) + sizeof command / 2,
                reinterpret_cast<const std::uint8_t*>(&command) + sizeof command / 2,
                sizeof command - sizeof command / 2);
    producer.publish();
    ++request;
  }
}

template <typename Body>
pid_t start(Body body) {
  const pid_t pid = fork();
  if (pid == 0) {
    body();
    _exit(0);
  }
  return pid;
}

void kill_and_reap(pid_t pid) {
  kill(pid, SIGKILL);
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the process ended by itself: " << WEXITSTATUS(status);
}

TEST(RegionProcess, AWriterKilledInTheMiddleOfWritingLosesAndTearsNothingThatItPublished) {
  const TemporaryDirectory directory;
  Result<Region> media = Region::create(small_region(directory.path()));
  ASSERT_TRUE(media.ok()) << media.error();
  auto consumer = media->command_consumer(0);
  std::uint32_t expected = 0;
  for (int life = 0; life < 25; ++life) {
    const pid_t writer = start([&] { write_commands(directory.path(), expected); });
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    const std::uint32_t goal = expected + 500 + static_cast<std::uint32_t>(life) * 37;
    Command command;
    while (expected < goal && std::chrono::steady_clock::now() < deadline) {
      if (consumer.pop(command) != RingState::kOk) continue;
      ASSERT_EQ(command.request, expected);
      ASSERT_TRUE(whole(command)) << expected;
      ++expected;
    }
    ASSERT_EQ(expected, goal) << "the writer made no progress";
    kill_and_reap(writer);
    // What was published before the kill is still there, whole; what was half written is not.
    RingState state;
    while ((state = consumer.pop(command)) == RingState::kOk) {
      ASSERT_EQ(command.request, expected);
      ASSERT_TRUE(whole(command)) << expected;
      ++expected;
    }
    ASSERT_EQ(state, RingState::kEmpty);
  }
}

TEST(RegionProcess, AReaderKilledInTheMiddleOfReadingLosesAtMostTheOneItHadTaken) {
  const TemporaryDirectory directory;
  Result<Region> media = Region::create(small_region(directory.path()));
  ASSERT_TRUE(media.ok());
  auto events = media->event_producer(0);
  std::uint32_t request = 0;
  for (int life = 0; life < 10; ++life) {
    int done[2];
    ASSERT_EQ(pipe(done), 0);
    const pid_t reader = start([&] {
      Result<Region> control = Region::attach(directory.path());
      if (!control) _exit(3);
      auto consumer = control->event_consumer(0);
      Event event;
      for (;;) {
        if (consumer.pop(event) == RingState::kOk && write(done[1], &event.request, sizeof event.request) < 0) _exit(4);
      }
    });
    close(done[1]);
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    const std::uint32_t goal = request + 300;
    while (request < goal && std::chrono::steady_clock::now() < deadline) {
      Event event{};
      event.request = request;
      if (events.push(event) == RingState::kOk) ++request;
    }
    ASSERT_EQ(request, goal) << "the reader made no progress";
    kill_and_reap(reader);
    std::uint32_t last = 0;
    std::uint32_t seen = 0;
    std::uint32_t got;
    bool in_order = true;
    while (read(done[0], &got, sizeof got) == sizeof got) {
      in_order = in_order && (seen == 0 || got == last + 1);
      last = got;
      ++seen;
    }
    close(done[0]);
    EXPECT_TRUE(in_order);
    // The next life starts with the oldest event that was not taken.
    Result<Region> control = Region::attach(directory.path());
    ASSERT_TRUE(control.ok()) << control.error();
    auto consumer = control->event_consumer(0);
    Event event;
    if (consumer.pop(event) == RingState::kOk) {
      EXPECT_GE(event.request, last + 1);
      EXPECT_LE(event.request, last + 2);
      while (consumer.pop(event) == RingState::kOk) {
      }
    }
  }
}

TEST(RegionProcess, WeirMediaKilledLeavesARegionThatItsNextLifeAndWeirControlGoOnWith) {
  const TemporaryDirectory directory;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t first = start([&] {
    Result<Region> media = Region::create(small_region(directory.path()));
    if (!media) _exit(3);
    media->flow_status_mutable(7).generation = 70;
    if (write(ready[1], "x", 1) != 1) _exit(4);
    for (std::uint64_t i = 0;; ++i) media->flow_status_mutable(7).rtp_packets_in = i;
  });
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  Result<Region> control = Region::attach(directory.path());
  ASSERT_TRUE(control.ok()) << control.error();
  auto commands = control->command_producer(1);
  Command command = numbered(11);
  ASSERT_EQ(commands.push(command), RingState::kOk);
  kill_and_reap(first);
  close(ready[0]);
  close(ready[1]);
  EXPECT_EQ(control->flow_status(7).generation, 70u);
  Result<Region> second = Region::create(small_region(directory.path()));
  ASSERT_TRUE(second.ok()) << second.error();
  EXPECT_TRUE(second->resumed());
  EXPECT_EQ(control->media_header().incarnation.load(), 2u);
  Command copy;
  ASSERT_EQ(second->command_consumer(1).pop(copy), RingState::kOk);
  EXPECT_TRUE(whole(copy));
  EXPECT_EQ(second->flow_status(7).generation, 70u);
}

}  // namespace
}  // namespace weir::proto
