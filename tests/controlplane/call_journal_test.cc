#include "controlplane/call_journal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "tests/support/temporary_directory.h"

namespace weir::controlplane {
namespace {

proto::Bytes bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string read(const CallJournal& journal, std::uint32_t slot) {
  const std::vector<std::uint8_t> record = journal.read(slot);
  return {record.begin(), record.end()};
}

class CallJournalTest : public testing::Test {
 protected:
  CallJournal open(std::uint32_t slots = 4) {
    auto journal = CallJournal::open(path_, slots);
    EXPECT_TRUE(journal.ok()) << journal.error();
    return std::move(journal).value();
  }
  [[nodiscard]] std::string file() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  tests::TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/calls";
};

TEST_F(CallJournalTest, TheNextProcessFindsTheNewestRecordOfEachSlot) {
  const std::string longer(3 * kJournalPieceBytes, 'l');
  {
    CallJournal journal = open();
    EXPECT_TRUE(journal.slots_found().empty());
    EXPECT_TRUE(journal.store(0, bytes("first")));
    EXPECT_TRUE(journal.store(2, bytes("third")));
    EXPECT_TRUE(journal.store(2, bytes(longer)));
    EXPECT_TRUE(journal.store(3, bytes("ended")));
    journal.clear(3);
  }
  CallJournal journal = open();
  EXPECT_EQ(journal.slots_found(), (std::vector<std::uint32_t>{0, 2}));
  EXPECT_EQ(read(journal, 0), "first");
  EXPECT_EQ(read(journal, 2), longer);
  EXPECT_EQ(read(journal, 3), "");
  EXPECT_FALSE(journal.lost());
  EXPECT_TRUE(journal.store(2, bytes("later")));
  EXPECT_EQ(read(journal, 2), "later");
}

TEST_F(CallJournalTest, WhatCountsNoMoreIsWiped) {
  CallJournal journal = open();
  const std::string key = "a key that nobody is to find again" + std::string(2 * kJournalPieceBytes, '.') + "its tail";
  EXPECT_TRUE(journal.store(0, bytes(key)));
  EXPECT_NE(file().find("nobody is to find"), std::string::npos);
  EXPECT_TRUE(journal.store(0, bytes("another")));
  EXPECT_TRUE(journal.store(1, bytes(key)));
  journal.clear(1);
  EXPECT_EQ(file().find("nobody is to find"), std::string::npos);
  EXPECT_EQ(file().find("its tail"), std::string::npos);
}

TEST_F(CallJournalTest, ARecordThatIsTooLongLeavesTheOneBefore) {
  CallJournal journal = open(8);
  const std::string longest(kJournalRecordBytesMax, 'x');
  EXPECT_TRUE(journal.store(1, bytes(longest)));
  EXPECT_FALSE(journal.store(1, bytes(longest + "y")));
  EXPECT_EQ(read(journal, 1), longest);
}

TEST_F(CallJournalTest, AFullFileLeavesTheRecordBeforeAndHasRoomAgainOnceOthersAreGone) {
  CallJournal journal = open(4);
  const std::string most(kJournalPieceBytes * 30, 'm');
  EXPECT_TRUE(journal.store(0, bytes(most)));
  EXPECT_TRUE(journal.store(1, bytes("one")));
  EXPECT_FALSE(journal.store(1, bytes(most)));
  EXPECT_EQ(read(journal, 1), "one");
  journal.clear(0);
  EXPECT_TRUE(journal.store(1, bytes(most)));
}

TEST_F(CallJournalTest, AProcessKilledInTheMiddleOfAStoreLeavesAWholeRecord) {
  for (int life = 0; life < 20; ++life) {
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t writer = fork();
    if (writer == 0) {
      CallJournal journal = open();
      for (std::uint32_t i = 0;; ++i) {
        (void)journal.store(0, bytes(std::string(1000 + i % 3000, static_cast<char>('a' + i % 26))));
        if (i == 100 && write(ready[1], "x", 1) != 1) _exit(1);
      }
    }
    char byte;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    kill(writer, SIGKILL);
    ASSERT_EQ(waitpid(writer, nullptr, 0), writer);
    CallJournal journal = open();
    ASSERT_EQ(journal.slots_found().size(), 1u);
    const std::string record = read(journal, 0);
    EXPECT_EQ(record.find_first_not_of(record[0]), std::string::npos);
    EXPECT_TRUE(journal.store(0, bytes("after it")));  // whatever was torn is no hindrance
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

TEST_F(CallJournalTest, AJournalOfAnotherSizeOrVersionIsBegunAnew) {
  { EXPECT_TRUE(open(4).store(0, bytes("lost"))); }
  EXPECT_TRUE(open(8).lost());
  EXPECT_TRUE(open(8).slots_found().empty());
  std::ofstream(path_, std::ios::trunc) << "weir calls 1 and what it held";
  EXPECT_TRUE(open().lost());
}

TEST_F(CallJournalTest, DamageInTheFileCostsRecordsAndNothingElse) {
  { EXPECT_TRUE(open().store(1, bytes("whole"))); }
  const std::string sound = file();
  for (int seed = 0; seed < 200; ++seed) {
    std::string damaged = sound;
    for (std::size_t at = 4096; at < damaged.size(); at += 1 + static_cast<std::size_t>((seed * 7919 + 13) % 97)) {
      damaged[at] = static_cast<char>((at * 31 + static_cast<std::size_t>(seed)) >> (seed % 5));
    }
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << damaged;
    CallJournal journal = open();
    for (const std::uint32_t slot : journal.slots_found()) EXPECT_EQ(read(journal, slot), "whole");
    EXPECT_TRUE(journal.store(0, bytes("new")));
    EXPECT_TRUE(journal.store(0, bytes("newer")));
    EXPECT_EQ(read(journal, 0), "newer");
  }
}

TEST_F(CallJournalTest, TheCertificateIsThereForTheNextProcess) {
  {
    CallJournal journal = open();
    EXPECT_TRUE(journal.certificate().empty());
    journal.store_certificate(bytes("certificate and key"));
  }
  const std::vector<std::uint8_t> kept = open().certificate();
  EXPECT_EQ(std::string(kept.begin(), kept.end()), "certificate and key");
}

}  // namespace
}  // namespace weir::controlplane
