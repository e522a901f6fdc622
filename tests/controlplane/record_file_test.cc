// The file of call records: lines, rotation, and disks that fail.
#include "controlplane/record_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace weir::controlplane {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> lines(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> all;
  for (std::string line; std::getline(file, line);) all.push_back(line);
  return all;
}

class RecordFileTest : public testing::Test {
 protected:
  std::unique_ptr<RecordFile> open() {
    auto opened = RecordFile::open(path_);
    EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error());
    return std::move(opened).value();
  }

  tests::TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/calls.jsonl";
};

TEST_F(RecordFileTest, EachRecordIsALineAndNobodyElseReadsThem) {
  const auto file = open();
  EXPECT_TRUE(file->write({{"call", 1}, {"from", "a\nb"}}));
  EXPECT_TRUE(file->write({{"call", 2}}));
  file->settle();
  EXPECT_THAT(lines(path_), ElementsAre(R"({"call":1,"from":"a\nb"})", R"({"call":2})"));
  EXPECT_EQ(file->counters().written, 2u);
  struct stat status;
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0007, 0u);
}

TEST_F(RecordFileTest, WhatWaitsIsWrittenAtTheEnd) {
  {
    const auto file = open();
    for (int i = 0; i < 1000; ++i) file->write({{"call", i}});
  }
  EXPECT_EQ(lines(path_).size(), 1000u);
}

TEST_F(RecordFileTest, AFileThatWasMovedAwayIsBegunAnewWhenAsked) {
  const auto file = open();
  file->write({{"call", 1}});
  file->settle();
  std::filesystem::rename(path_, path_ + ".1");
  file->write({{"call", 2}});
  file->settle();
  file->reopen();
  file->write({{"call", 3}});
  file->settle();
  EXPECT_THAT(lines(path_ + ".1"), ElementsAre(R"({"call":1})", R"({"call":2})"));
  EXPECT_THAT(lines(path_), ElementsAre(R"({"call":3})"));
}

TEST_F(RecordFileTest, APartOfALineThatWasLeftThereIsNoPartOfTheNext) {
  std::ofstream(path_) << "{\"call\":1}\n{\"ca";
  const auto file = open();
  file->write({{"call", 2}});
  file->settle();
  EXPECT_THAT(lines(path_), ElementsAre(R"({"call":1})", "{\"ca", R"({"call":2})"));
}

TEST_F(RecordFileTest, APlaceThatCannotBeWrittenIsAnErrorThatNamesIt) {
  const auto opened = RecordFile::open("/nonexistent/calls.jsonl");
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error(), HasSubstr("[control] call_records"));
  EXPECT_THAT(opened.error(), HasSubstr("/nonexistent"));
}

/// Files of this process grow no larger: write() fails as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    set(bytes);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() { set(before_.rlim_cur); }

  void set(rlim_t bytes) {
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }

 private:
  rlimit before_{};
};

void wait_until_it_fails(const RecordFile& file) {
  while (file.counters().waits == 0) std::this_thread::yield();
}

TEST_F(RecordFileTest, AFullDiskIsWaitedForAndNoRecordIsLost) {
  const auto file = open();
  {
    FileSizeLimit full(25);
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(file->write({{"call", i}}));
    wait_until_it_fails(*file);
  }
  file->settle();
  EXPECT_EQ(lines(path_).size(), 10u);
  EXPECT_EQ(lines(path_)[2], R"({"call":2})") << "the one that was cut by the full disk";
  EXPECT_EQ(file->counters().written, 10u);
  EXPECT_EQ(file->counters().lost, 0u);
}

TEST_F(RecordFileTest, AnotherFileIsTheWayOutOfAFullOne) {
  const auto file = open();
  {
    FileSizeLimit full(25);
    for (int i = 0; i < 4; ++i) file->write({{"call", i}});
    wait_until_it_fails(*file);
    std::filesystem::rename(path_, path_ + ".1");
    file->reopen();
    file->settle();
  }
  EXPECT_THAT(lines(path_), ElementsAre(R"({"call":2})", R"({"call":3})")) << "whole";
}

TEST_F(RecordFileTest, WhatAFullDiskDoesNotTakeInTheEndIsLost) {
  FileSizeLimit full(0);
  auto file = open();
  for (int i = 0; i < 10; ++i) file->write({{"call", i}});
  wait_until_it_fails(*file);
  file.reset();  // comes back
  EXPECT_TRUE(lines(path_).empty());
}

TEST_F(RecordFileTest, NoMoreWaitThanThereIsRoomFor) {
  FileSizeLimit full(0);
  const auto file = open();
  for (std::size_t i = 0; i < RecordFile::kWaitingMax; ++i) ASSERT_TRUE(file->write({}));
  EXPECT_FALSE(file->write({}));
  EXPECT_EQ(file->counters().lost, 1u);
}

}  // namespace
}  // namespace weir::controlplane
