// Each in a process of its own: the guard belongs to a process and stays.
#include "dataplane/control_guard.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/region_shape.h"
#include "tests/support/temporary_directory.h"

namespace weir::dataplane {
namespace {

using proto::Region;
using proto::RingState;

/// weir-media at work while weir-control cuts its own segment short. 0 if all is as it should be.
int lose_control_segment(const std::string& directory) {
  auto media = Region::create(tests::small_region(directory));
  auto control = Region::attach(directory);
  if (!media.ok() || !control.ok()) return 1;
  guard_control_segment(*media);
  auto commands = media->command_consumer(0);
  auto events = media->event_producer(0);
  proto::Command command{};
  if (control->command_producer(0).push(command) != RingState::kOk) return 2;
  if (commands.pop(command) != RingState::kOk || control_segment_lost()) return 3;
  if (truncate((directory + "/control").c_str(), 0) != 0) return 4;
  if (commands.pop(command) != RingState::kCorrupt) return 5;  // not a SIGBUS: a tail of zero, behind our head
  if (!control_segment_lost()) return 6;
  media->flow_status_mutable(3).rtp_packets_in = 9;  // its own segment is untouched
  events.push(proto::Event{});
  return media->flow_status(3).rtp_packets_in == 9 ? 0 : 7;
}

TEST(ControlGuardDeathTest, ASegmentCutShortBecomesARingThatMakesNoSense) {
  const tests::TemporaryDirectory directory;
  EXPECT_EXIT(_exit(lose_control_segment(directory.path())), testing::ExitedWithCode(0), "");
}

TEST(ControlGuardDeathTest, AnotherBusErrorStillEndsTheProcess) {
  const tests::TemporaryDirectory directory;
  EXPECT_EXIT(
      {
        auto media = Region::create(tests::small_region(directory.path()));
        guard_control_segment(*media);
        const int fd = memfd_create("empty", 0);
        void* memory = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
        const auto value = *static_cast<volatile const char*>(memory);
        _exit(value);
      },
      [](int status) { return WIFSIGNALED(status) ? WTERMSIG(status) == SIGBUS : WEXITSTATUS(status) != 0; }, "");
}

}  // namespace
}  // namespace weir::dataplane
