#include "controlplane/call_journal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/temporary_directory.h"

namespace weir::controlplane {
namespace {

class CallJournalTest : public testing::Test {
 protected:
  CallJournal open(std::uint32_t slots = 4) {
    auto journal = CallJournal::open(path_, slots);
    EXPECT_TRUE(journal.ok()) << journal.error();
    return std::move(journal).value();
  }

  tests::TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/calls";
};

TEST_F(CallJournalTest, TheNextProcessFindsTheNewestRecordOfEachSlot) {
  {
    CallJournal journal = open();
    EXPECT_TRUE(journal.entries().empty());
    EXPECT_TRUE(journal.store(0, "first"));
    EXPECT_TRUE(journal.store(2, "third"));
    EXPECT_TRUE(journal.store(2, "third, later"));
    EXPECT_TRUE(journal.store(3, "ended"));
    journal.clear(3);
  }
  const CallJournal journal = open();
  const std::vector<JournalEntry> entries = journal.entries();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].slot, 0u);
  EXPECT_EQ(entries[0].record, "first");
  EXPECT_EQ(entries[1].slot, 2u);
  EXPECT_EQ(entries[1].record, "third, later");
}

TEST_F(CallJournalTest, ARecordThatIsTooLongLeavesTheOneBefore) {
  CallJournal journal = open();
  EXPECT_TRUE(journal.store(1, std::string(kJournalRecordBytesMax, 'x')));
  EXPECT_FALSE(journal.store(1, std::string(kJournalRecordBytesMax + 1, 'y')));
  EXPECT_EQ(journal.entries().at(0).record, std::string(kJournalRecordBytesMax, 'x'));
}

TEST_F(CallJournalTest, AProcessKilledInTheMiddleOfAStoreLeavesAWholeRecord) {
  for (int life = 0; life < 20; ++life) {
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t writer = fork();
    if (writer == 0) {
      CallJournal journal = open();
      for (std::uint32_t i = 0;; ++i) {
        (void)journal.store(0, std::string(1000 + i % 3000, static_cast<char>('a' + i % 26)));
        if (i == 100 && write(ready[1], "x", 1) != 1) _exit(1);
      }
    }
    char byte;
    ASSERT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    kill(writer, SIGKILL);
    ASSERT_EQ(waitpid(writer, nullptr, 0), writer);
    const CallJournal journal = open();
    const std::vector<JournalEntry> entries = journal.entries();
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries[0].record.find_first_not_of(entries[0].record[0]), std::string::npos);
  }
}

TEST_F(CallJournalTest, ASecondProcessAndAFileOfAnotherKindAreRefused) {
  {
    const CallJournal journal = open();
    EXPECT_FALSE(CallJournal::open(path_, 4).ok());
  }
  std::ofstream(path_, std::ios::trunc) << "something else altogether";
  const auto refused = CallJournal::open(path_, 4);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().find("not a call journal"), std::string::npos) << refused.error();
}

TEST_F(CallJournalTest, RandomBytesInTheFileAreNoRecords) {
  { (void)open(); }
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    for (int i = 0; i < 4 * 8192; ++i) file.put(static_cast<char>(i * 7919 >> 3));
  }
  EXPECT_TRUE(open().entries().empty());
}

}  // namespace
}  // namespace weir::controlplane
