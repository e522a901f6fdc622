// Each refusal is made to happen to a process without rights, and named.
#include "controlplane/permission_report.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace weir::controlplane {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr uid_t kNobody = 65534;
constexpr gid_t kOther = 54321;

/// What a process of that user, in one more group, is told about opening `path`; "" if it may.
std::string told(const std::string& path, Access access, gid_t group = kNobody) {
  int pipe_ends[2];
  EXPECT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const bool fallen = setgroups(1, &group) == 0 && setgid(kNobody) == 0 && setuid(kNobody) == 0;
    const int flags = access == Access::kRead ? O_RDONLY : O_WRONLY | O_CREAT;
    const int opened = fallen ? open(path.c_str(), flags | O_NONBLOCK | O_CLOEXEC, 0600) : -1;
    const std::string text = opened >= 0 ? "" : explain_refusal(path, access, errno);
    (void)!write(pipe_ends[1], text.data(), text.size());
    _exit(0);
  }
  close(pipe_ends[1]);
  std::string text(4096, '\0');
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(read(pipe_ends[0], text.data(), text.size()), 0)));
  close(pipe_ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return text;
}

class PermissionReport : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
    chmod(directory_.path().c_str(), 0755);
    ASSERT_EQ(mkdir(folder_.c_str(), 0755), 0);
    std::ofstream(file_) << "x";
    set(file_, 0644);
  }
  static void set(const std::string& path, mode_t mode, gid_t group = 0) {
    ASSERT_EQ(chown(path.c_str(), 0, group), 0);
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
  }

  tests::TemporaryDirectory directory_;
  std::string folder_ = directory_.path() + "/folder";
  std::string file_ = folder_ + "/file";
};

TEST_F(PermissionReport, NamesTheDirectoryThatMayNotBeSearched) {
  EXPECT_EQ(told(file_, Access::kRead), "");
  set(folder_, 0700);
  EXPECT_THAT(told(file_, Access::kRead),
              AllOf(HasSubstr(folder_ + " (mode 0700, owner root, group root)"), HasSubstr("x (search) bit")));
}

TEST_F(PermissionReport, NamesTheFilesMode) {
  set(file_, 0600);
  EXPECT_THAT(told(file_, Access::kRead), AllOf(HasSubstr(file_ + " (mode 0600"), HasSubstr("r (read) bit")));
  set(file_, 0444);
  EXPECT_THAT(told(file_, Access::kWrite), AllOf(HasSubstr(file_ + " (mode 0444"), HasSubstr("w (write) bit")));
}

TEST_F(PermissionReport, NamesTheGroupThatItIsNotIn) {
  set(file_, 0660, kOther);
  EXPECT_THAT(told(file_, Access::kWrite), HasSubstr("is not in group 54321"));
  EXPECT_EQ(told(file_, Access::kWrite, kOther), "");
  set(file_, 0606, kOther);
  EXPECT_THAT(told(file_, Access::kWrite, kOther), HasSubstr("its group's"));
}

TEST_F(PermissionReport, NamesWhatIsNotThere) {
  EXPECT_THAT(told(file_ + "2", Access::kRead), HasSubstr(file_ + "2 does not exist"));
  EXPECT_THAT(told(folder_ + "/a/b/c", Access::kRead), HasSubstr("directory " + folder_ + "/a does not exist"));
  EXPECT_THAT(told(folder_ + "/new", Access::kWrite),
              AllOf(HasSubstr(folder_ + " (mode 0755"), HasSubstr("which a new file needs")));
}

TEST(PermissionReportText, OtherErrorsAreTheSystemsOwn) {
  EXPECT_THAT(explain_refusal("/a", Access::kRead, EMFILE), HasSubstr("Too many open files"));
  EXPECT_THAT(explain_refusal("/a", Access::kWrite, EROFS), HasSubstr("read-only"));
}

}  // namespace
}  // namespace weir::controlplane
