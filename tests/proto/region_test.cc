#include "proto/region.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/region_shape.h"
#include "tests/support/temporary_directory.h"

namespace weir::proto {
namespace {

using tests::small_region;
using tests::TemporaryDirectory;

/// Turns a byte round: whatever it was, it is another one now.
void damage(const std::string& path, std::size_t offset) {
  const int fd = open(path.c_str(), O_RDWR);
  ASSERT_GE(fd, 0);
  std::uint8_t byte = 0;
  ASSERT_EQ(pread(fd, &byte, 1, static_cast<off_t>(offset)), 1);
  byte = static_cast<std::uint8_t>(~byte);
  ASSERT_EQ(pwrite(fd, &byte, 1, static_cast<off_t>(offset)), 1);
  close(fd);
}

TEST(Region, WhatOneProcessPushesTheOtherPops) {
  const TemporaryDirectory directory;
  Result<Region> media = Region::create(small_region(directory.path()));
  ASSERT_TRUE(media.ok()) << media.error();
  EXPECT_FALSE(media->resumed());
  Result<Region> control = Region::attach(directory.path());
  ASSERT_TRUE(control.ok()) << control.error();
  for (std::uint32_t worker = 0; worker < 2; ++worker) {
    auto commands_in = control->command_producer(worker);
    auto commands_out = media->command_consumer(worker);
    Command command{};
    command.request = 40 + worker;
    ASSERT_EQ(commands_in.push(command), RingState::kOk);
    Command copy;
    ASSERT_EQ(commands_out.pop(copy), RingState::kOk);
    EXPECT_EQ(copy.request, 40 + worker);
    auto events_in = media->event_producer(worker);
    auto events_out = control->event_consumer(worker);
    Event event{};
    event.request = 50 + worker;
    ASSERT_EQ(events_in.push(event), RingState::kOk);
    Event event_copy;
    ASSERT_EQ(events_out.pop(event_copy), RingState::kOk);
    EXPECT_EQ(event_copy.request, 50 + worker);
  }
}

TEST(Region, StatusAndCountersAreReadWhereTheyAreWritten) {
  const TemporaryDirectory directory;
  Result<Region> media = Region::create(small_region(directory.path()));
  Result<Region> control = Region::attach(directory.path());
  ASSERT_TRUE(media.ok() && control.ok());
  media->flow_status_mutable(3).generation = 9;
  media->worker_counters_mutable(1).forwarded = 77;
  EXPECT_EQ(control->flow_status(3).generation, 9u);
  EXPECT_EQ(control->worker_counters(1).forwarded, 77u);
}

TEST(RegionDeathTest, TheMmuKeepsEachProcessOutOfTheOthersSegment) {
  const TemporaryDirectory directory;
  Result<Region> media = Region::create(small_region(directory.path()));
  Result<Region> control = Region::attach(directory.path());
  ASSERT_TRUE(media.ok() && control.ok());
  EXPECT_DEATH(const_cast<FlowStatus&>(control->flow_status(0)).generation = 1, "");
  EXPECT_DEATH(const_cast<SegmentHeader&>(media->control_header()).version = 1, "");
}

TEST(Region, BothProcessesStartedAgainFindEverythingWhereItWas) {
  const TemporaryDirectory directory;
  {
    Result<Region> media = Region::create(small_region(directory.path()));
    ASSERT_TRUE(media.ok());
    media->flow_status_mutable(0).generation = 5;
    static_cast<std::uint8_t*>(media->private_memory())[0] = 0xaa;
    Result<Region> control = Region::attach(directory.path());
    ASSERT_TRUE(control.ok());
    EXPECT_FALSE(control->resumed());
    Command command{};
    command.request = 1;
    ASSERT_EQ(control->command_producer(0).push(command), RingState::kOk);
  }
  Result<Region> media = Region::create(small_region(directory.path()));
  ASSERT_TRUE(media.ok()) << media.error();
  EXPECT_TRUE(media->resumed());
  EXPECT_EQ(media->media_header().incarnation.load(), 2u);
  EXPECT_EQ(media->flow_status(0).generation, 5u);
  EXPECT_EQ(static_cast<std::uint8_t*>(media->private_memory())[0], 0xaa);
  Command command;
  ASSERT_EQ(media->command_consumer(0).pop(command), RingState::kOk);
  EXPECT_EQ(command.request, 1u);
  Result<Region> control = Region::attach(directory.path());
  ASSERT_TRUE(control.ok());
  EXPECT_TRUE(control->resumed());
}

TEST(Region, ASecondInstanceOfEitherProcessIsRefused) {
  const TemporaryDirectory directory;
  Result<Region> media = Region::create(small_region(directory.path()));
  ASSERT_TRUE(media.ok());
  Result<Region> second_media = Region::create(small_region(directory.path()));
  ASSERT_FALSE(second_media.ok());
  EXPECT_NE(second_media.error().find("another weir-media"), std::string::npos) << second_media.error();
  Result<Region> control = Region::attach(directory.path());
  ASSERT_TRUE(control.ok());
  Result<Region> second_control = Region::attach(directory.path());
  ASSERT_FALSE(second_control.ok());
  EXPECT_NE(second_control.error().find("another weir-control"), std::string::npos) << second_control.error();
}

TEST(Region, WithoutWeirMediaThereIsNothingToAttachTo) {
  const TemporaryDirectory directory;
  Result<Region> control = Region::attach(directory.path());
  ASSERT_FALSE(control.ok());
  EXPECT_NE(control.error().find("start weir-media first"), std::string::npos) << control.error();
}

TEST(Region, ARegionOfAnotherVersionLayoutOrKindIsRefusedByBoth) {
  struct Row {
    const char* what;
    std::size_t offset;
    const char* reason;
  };
  const Row rows[] = {
      {"version", offsetof(SegmentHeader, version), "another version"},
      {"layout hash", offsetof(SegmentHeader, layout_hash), "another build"},
  };
  for (const Row& row : rows) {
    const TemporaryDirectory directory;
    { ASSERT_TRUE(Region::create(small_region(directory.path())).ok()); }
    damage(directory.path() + "/media", row.offset);
    Result<Region> media = Region::create(small_region(directory.path()));
    ASSERT_FALSE(media.ok()) << row.what;
    EXPECT_NE(media.error().find(row.reason), std::string::npos) << media.error();
    Result<Region> control = Region::attach(directory.path());
    ASSERT_FALSE(control.ok()) << row.what;
    EXPECT_NE(control.error().find(row.reason), std::string::npos) << control.error();
  }
}

TEST(Region, ARegionOfAnotherShapeIsRefusedUnlessItMayBeDiscarded) {
  const TemporaryDirectory directory;
  { ASSERT_TRUE(Region::create(small_region(directory.path())).ok()); }
  Region::CreateOptions options = small_region(directory.path());
  options.shape.flows_max *= 2;
  Result<Region> refused = Region::create(options);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().find("--discard-region"), std::string::npos) << refused.error();
  options.discard = true;
  Result<Region> anew = Region::create(options);
  ASSERT_TRUE(anew.ok()) << anew.error();
  EXPECT_FALSE(anew->resumed());
}

TEST(Region, WhatWeirControlHasMappedIsNotDiscarded) {
  const TemporaryDirectory directory;
  Region::CreateOptions options = small_region(directory.path());
  { ASSERT_TRUE(Region::create(options).ok()); }
  options.discard = true;
  {
    Result<Region> control = Region::attach(directory.path());
    ASSERT_TRUE(control.ok());
    Result<Region> refused = Region::create(options);
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().find("stop weir-control"), std::string::npos) << refused.error();
    ASSERT_EQ(control->command_producer(0).push(Command{}), RingState::kOk) << "its memory is still there";
    EXPECT_EQ(control->media_header().incarnation.load(), 1u);
  }
  Result<Region> anew = Region::create(options);
  ASSERT_TRUE(anew.ok()) << anew.error();
  Result<Region> control = Region::attach(directory.path());
  EXPECT_TRUE(control.ok()) << "the lock was given back";
}

TEST(Region, ASegmentCutShortIsRefused) {
  const TemporaryDirectory directory;
  { ASSERT_TRUE(Region::create(small_region(directory.path())).ok()); }
  ASSERT_EQ(truncate((directory.path() + "/media").c_str(), 4096), 0);
  Result<Region> media = Region::create(small_region(directory.path()));
  ASSERT_FALSE(media.ok());
  EXPECT_NE(media.error().find("shorter"), std::string::npos) << media.error();
}

TEST(Region, AFileThatWasNeverFinishedIsMadeAnew) {
  const TemporaryDirectory directory;
  { ASSERT_TRUE(Region::create(small_region(directory.path())).ok()); }
  damage(directory.path() + "/media", 0);
  Result<Region> media = Region::create(small_region(directory.path()));
  ASSERT_TRUE(media.ok()) << media.error();
  EXPECT_FALSE(media->resumed());
}

TEST(Region, ADamagedControlSegmentIsMadeAnewAndTheFlowsStay) {
  const auto damages = {
      +[](const std::string& path) { damage(path, 0); },
      +[](const std::string& path) { damage(path, offsetof(SegmentHeader, version)); },
      +[](const std::string& path) { damage(path, offsetof(SegmentHeader, shape)); },
      +[](const std::string& path) { ASSERT_EQ(truncate(path.c_str(), 4096), 0); },
      +[](const std::string& path) { ASSERT_EQ(unlink(path.c_str()), 0); },
  };
  for (const auto damage : damages) {
    const TemporaryDirectory directory;
    {
      Result<Region> media = Region::create(small_region(directory.path()));
      ASSERT_TRUE(media.ok());
      media->flow_status_mutable(3).generation = 77;
      ASSERT_EQ(media->event_producer(1).push(Event{}), RingState::kOk);
    }
    damage(directory.path() + "/control");
    Result<Region> media = Region::create(small_region(directory.path()));
    ASSERT_TRUE(media.ok()) << media.error();
    EXPECT_TRUE(media->resumed());
    EXPECT_EQ(media->flow_status(3).generation, 77u);
    Result<Region> control = Region::attach(directory.path());
    ASSERT_TRUE(control.ok()) << control.error();
    Event event{};
    EXPECT_EQ(control->event_consumer(1).pop(event), RingState::kEmpty);
    ASSERT_EQ(control->command_producer(0).push(Command{}), RingState::kOk);
    Command command;
    EXPECT_EQ(media->command_consumer(0).pop(command), RingState::kOk);
  }
}

TEST(Region, ADirectoryThatIsNotThereIsOneSentence) {
  Result<Region> media = Region::create(small_region("/dev/shm/weir-no-such-directory"));
  ASSERT_FALSE(media.ok());
  EXPECT_NE(media.error().find("No such file"), std::string::npos) << media.error();
}

TEST(Region, OnlyItsOwnerAndGroupMayOpenTheSegments) {
  const TemporaryDirectory directory;
  Result<Region> media = Region::create(small_region(directory.path()));
  ASSERT_TRUE(media.ok());
  struct stat status;
  ASSERT_EQ(stat((directory.path() + "/media").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
  ASSERT_EQ(stat((directory.path() + "/control").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(Region, PartsOfTheLayoutNeverOverlap) {
  const RegionShape shape = small_region("").shape;
  const RegionLayout layout = region_layout(shape);
  const std::uint64_t media[] = {sizeof(SegmentHeader), layout.worker_status,  layout.worker_counters,
                                 layout.media_indexes,  layout.flow_status,    layout.event_slots,
                                 layout.punt_slots,     layout.private_memory, layout.media_bytes};
  for (std::size_t i = 1; i < std::size(media); ++i) EXPECT_LE(media[i - 1], media[i]) << i;
  EXPECT_GE(layout.worker_counters - layout.worker_status, shape.workers * sizeof(WorkerStatus));
  EXPECT_GE(layout.event_slots - layout.flow_status, shape.flows_max * sizeof(FlowStatus));
  EXPECT_GE(layout.punt_slots - layout.event_slots, std::uint64_t{shape.workers} * shape.event_slots * sizeof(Event));
  EXPECT_GE(layout.media_bytes - layout.private_memory, shape.private_bytes);
  EXPECT_GE(layout.inject_slots - layout.command_slots,
            std::uint64_t{shape.workers} * shape.command_slots * sizeof(Command));
  EXPECT_GE(layout.control_bytes - layout.inject_slots,
            std::uint64_t{shape.workers} * shape.inject_slots * sizeof(Inject));
}

}  // namespace
}  // namespace weir::proto
