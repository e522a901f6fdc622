// The store: what it keeps through restarts, kills, damage and disks that fail.
#include "controlplane/binding_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/registrar_lab.h"
#include "tests/support/temporary_directory.h"

namespace weir::controlplane {
namespace {

using ::testing::HasSubstr;
using tests::kCallers;
using tests::RegistrarLab;

BindingRecord record(std::uint64_t number) {
  BindingRecord record;
  record.number = number;
  record.realm = "callers";
  record.user = "alice";
  record.contact = "<sip:a'; DROP TABLE binding; --@198.18.1.2>;q=0.5";
  record.instance = "\"<urn:uuid:1>\"";
  record.reg_id = 7;
  record.q = 500;
  record.expires_at_s = 1'700'000'000;
  record.call_id = "call";
  record.cseq = 0x7fffffff;
  record.epoch = 0xffffffff;
  record.path = "<sip:edge;lr>";
  record.user_agent = std::string("a\0b", 3);
  record.transport = proto::settings::SipTransport::kTcp;
  record.source = {proto::parse_ip_address("2001:2::1").value(), 0, 65535};
  record.by_source = true;
  return record;
}

class BindingStoreTest : public testing::Test {
 protected:
  std::unique_ptr<BindingStore> open() {
    auto opened = BindingStore::open(path_);
    EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error());
    return opened.ok() ? std::move(opened).value() : nullptr;
  }
  std::vector<std::uint64_t> numbers_left() {
    std::vector<std::uint64_t> numbers;
    for (const BindingRecord& left : open()->take_loaded()) numbers.push_back(left.number);
    return numbers;
  }
  void overwrite(std::streamoff at, const std::string& bytes) const {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file << bytes;
  }

  tests::TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/registrations.db";
};

TEST_F(BindingStoreTest, ARecordComesBackAsItWas) {
  open()->keep(record(5));
  const auto loaded = open()->take_loaded();
  ASSERT_EQ(loaded.size(), 1u);
  const BindingRecord expected = record(5);
  const BindingRecord& found = loaded[0];
  EXPECT_EQ(found.number, expected.number);
  EXPECT_EQ(found.realm, expected.realm);
  EXPECT_EQ(found.user, expected.user);
  EXPECT_EQ(found.contact, expected.contact);
  EXPECT_EQ(found.instance, expected.instance);
  EXPECT_EQ(found.reg_id, expected.reg_id);
  EXPECT_EQ(found.q, expected.q);
  EXPECT_EQ(found.expires_at_s, expected.expires_at_s);
  EXPECT_EQ(found.call_id, expected.call_id);
  EXPECT_EQ(found.cseq, expected.cseq);
  EXPECT_EQ(found.path, expected.path);
  EXPECT_EQ(found.user_agent, expected.user_agent);
  EXPECT_EQ(found.transport, expected.transport);
  EXPECT_EQ(found.source, expected.source);
  EXPECT_EQ(found.by_source, expected.by_source);
}

TEST_F(BindingStoreTest, TheLastChangeOfEachCounts) {
  {
    const auto store = open();
    for (std::uint64_t number = 1; number <= 100; ++number) store->keep(record(number));
    store->settle();
    for (std::uint64_t number = 1; number <= 100; ++number) {
      if (number != 42) store->forget(number);
    }
    BindingRecord changed = record(42);
    changed.user = "bob";
    store->keep(changed);
    store->settle();
    EXPECT_GE(store->counters().written, 200u);
  }
  const auto loaded = open()->take_loaded();
  ASSERT_EQ(loaded.size(), 1u);
  EXPECT_EQ(loaded[0].user, "bob");
}

TEST_F(BindingStoreTest, WhatWasWrittenSurvivesAKill) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto opened = BindingStore::open(path_);
    for (std::uint64_t number = 1; opened.ok() && number <= 1000; ++number) (*opened)->keep(record(number));
    if (opened.ok()) (*opened)->settle();
    (void)!write(ready[1], "x", 1);
    for (std::uint64_t number = 1001;; ++number) (*opened)->keep(record(number % 100'000 + 1001));
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  const auto numbers = numbers_left();
  ASSERT_GE(numbers.size(), 1000u);
  for (std::uint64_t number = 1; number <= 1000; ++number) EXPECT_EQ(numbers[number - 1], number);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".damaged")) << "nothing was found damaged";
}

TEST_F(BindingStoreTest, ADamagedFileIsMovedAsideAndBegunAnew) {
  {
    const auto store = open();
    for (std::uint64_t number = 1; number <= 1000; ++number) store->keep(record(number));
  }
  for (const auto& [at, bytes] : {std::pair{0, std::string("no database at all, not even its head")},
                                  std::pair{4096, std::string(40'000, '\xff')}}) {
    overwrite(at, bytes);
    EXPECT_TRUE(numbers_left().empty()) << at;
    open()->keep(record(1));
    EXPECT_EQ(numbers_left().size(), 1u) << at;
    std::size_t aside = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      aside += entry.path().string().find(".damaged-") != std::string::npos ? 1 : 0;
    }
    EXPECT_GE(aside, 1u);
    const auto store = open();
    for (std::uint64_t number = 1; number <= 1000; ++number) store->keep(record(number));
  }
}

TEST_F(BindingStoreTest, WhatCannotBeOpenedSaysWhy) {
  const auto error = [](const std::string& path) {
    const auto opened = BindingStore::open(path);
    return opened.ok() ? std::string() : opened.error();
  };
  EXPECT_THAT(error(directory_.path() + "/nowhere/r.db"), HasSubstr("unable to open database file"));
  EXPECT_THAT(error(directory_.path()), HasSubstr("unable to open database file"));
  const auto store = open();
  EXPECT_THAT(error(path_), HasSubstr("another process has it open"));
}

TEST_F(BindingStoreTest, AFileOfAnotherVersionIsLeftAlone) {
  open()->keep(record(1));
  {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
    const SqliteHandle handle(database);
    ASSERT_EQ(sqlite_run(database, "PRAGMA user_version = 99"), SQLITE_OK);
  }
  const auto opened = BindingStore::open(path_);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error(), HasSubstr("another version of Weir"));
}

TEST_F(BindingStoreTest, AFileOfVersion1IsBroughtUpToDate) {
  {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
    const SqliteHandle handle(database);
    ASSERT_EQ(sqlite_run(database,
                         "CREATE TABLE binding (number INTEGER PRIMARY KEY, realm TEXT, user TEXT, contact TEXT,"
                         " instance TEXT, reg_id INTEGER, q INTEGER, expires_at_s INTEGER, call_id TEXT, cseq INTEGER,"
                         " path TEXT, user_agent TEXT, transport INTEGER, source_address TEXT, source_port INTEGER,"
                         " by_source INTEGER);"
                         "INSERT INTO binding VALUES (3,'r','alice','<sip:a@h>','',0,1000,5,'c',7,'','ua',1,"
                         "'198.18.1.2',5060,1);"
                         "PRAGMA user_version = 1"),
              SQLITE_OK);
  }
  const auto loaded = open()->take_loaded();
  ASSERT_EQ(loaded.size(), 1u);
  EXPECT_EQ(loaded[0].contact, "<sip:a@h>");
  EXPECT_EQ(loaded[0].source.port, 5060);
  EXPECT_EQ(loaded[0].epoch, 0u);
  EXPECT_EQ(open()->take_loaded().size(), 1u) << "and stays so";
}

TEST_F(BindingStoreTest, ItsSecretIsAsOldAsTheFile) {
  EXPECT_EQ(BindingStore::open(path_, "first").value()->take_gruu_secret(), "first");
  EXPECT_EQ(BindingStore::open(path_, "second").value()->take_gruu_secret(), "first");
}

/// A child process whose files may not grow: what a full disk is to the store. Its exit status is 0 if all was well.
int on_a_full_disk(const std::string& path) {
  signal(SIGXFSZ, SIG_IGN);
  auto opened = BindingStore::open(path);
  if (!opened.ok()) return 1;
  BindingStore& store = **opened;
  store.keep(record(1));
  store.settle();
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit full{0, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &full);
  store.keep(record(2));
  store.settle();
  if (store.counters().failures == 0) return 2;
  setrlimit(RLIMIT_FSIZE, &before);
  store.keep(record(3));
  while (store.counters().written < 3) usleep(10'000);
  return 0;
}

TEST_F(BindingStoreTest, AFullDiskLosesNothingOnceThereIsRoomAgain) {
  const pid_t child = fork();
  if (child == 0) _exit(on_a_full_disk(path_));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(numbers_left(), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST(RegistrarStore, BindingsSurviveARestartWithWhatIsLeftOfThem) {
  RegistrarLab lab([](auto& settings) { settings.registrar.store = "here"; });
  lab.register_with({.contacts = {"<sip:alice@192.168.1.5>;expires=600", "<sip:alice@198.18.1.2:5062>;expires=60"}});
  lab.register_with({.user = "bob", .name = "bob", .password = "builder"});
  lab.register_with(
      {.user = "bob", .contacts = {"*"}, .headers = "Expires: 0\r\n", .name = "bob", .password = "builder"});
  lab.advance_s(30);
  lab.restart();
  EXPECT_EQ(lab.registrar().bindings(), 2u);
  const auto targets = lab.registrar().lookup(kCallers, "alice");
  ASSERT_EQ(targets.size(), 2u);
  ASSERT_TRUE(targets[0].flow) << "a translated address is found again";
  EXPECT_EQ(proto::to_string(targets[0].flow->hop.remote), "198.18.1.2:5062");
  EXPECT_THAT(RegistrarLab::contacts_of(lab.register_with({.contacts = {}})),
              testing::ElementsAre("sip:alice@192.168.1.5 570", "sip:alice@198.18.1.2:5062 30"));
  lab.advance_s(30);
  lab.restart();
  EXPECT_EQ(lab.registrar().bindings(), 1u);
  lab.unix_time_s += 10'000;
  lab.restart();
  EXPECT_EQ(lab.registrar().bindings(), 0u) << "expired while it was down";
}

TEST(RegistrarStore, AClockThatWasSetBackLengthensNothing) {
  RegistrarLab lab([](auto& settings) { settings.registrar.store = "here"; });
  lab.register_with({});
  lab.unix_time_s -= 1'000'000;
  lab.restart();
  EXPECT_EQ(RegistrarLab::contacts_of(lab.register_with({.contacts = {}})).at(0), "sip:alice@198.18.1.2:5062 7200");
}

}  // namespace
}  // namespace weir::controlplane
