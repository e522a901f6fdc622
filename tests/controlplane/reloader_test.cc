// Reloads off the shard's thread: who asks when, and what they are told.
#include "controlplane/reloader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

namespace weir::controlplane {
namespace {

using ::testing::ElementsAre;

/// Plans wait until they are let go.
class ReloaderTest : public testing::Test {
 protected:
  Reloader::Done note() {
    return [this](const proto::Result<std::vector<std::string>>& result) {
      EXPECT_EQ(std::this_thread::get_id(), shard_);
      told_.push_back(result ? "changed " + result->at(0) : result.error());
    };
  }

  const std::thread::id shard_ = std::this_thread::get_id();
  boost::asio::io_context io_;
  std::promise<void> let_go_;
  std::shared_future<void> may_go_ = let_go_.get_future().share();
  int plans_ = 0;
  bool good_ = true;
  std::vector<std::string> told_;
  Reloader reloader_{io_,
                     [this]() -> proto::Result<ReloadPlan> {
                       EXPECT_NE(std::this_thread::get_id(), shard_);
                       may_go_.wait();
                       if (!good_) return proto::Error{"FILE:7: no"};
                       proto::settings::Settings settings;
                       Policy policy = Policy::create(settings, {}).value();
                       return ReloadPlan{.settings = settings,
                                         .policy = std::move(policy),
                                         .trunks = {},
                                         .certificates = {},
                                         .pages = {},
                                         .cookies = {},
                                         .users = {},
                                         .changes = {std::to_string(++plans_)}};
                     },
                     [this](ReloadPlan plan) {
                       EXPECT_EQ(std::this_thread::get_id(), shard_);
                       return plan.changes;
                     }};
};

TEST_F(ReloaderTest, ThePlanIsMadeElsewhereAndTakenOverHere) {
  reloader_.ask(note());
  EXPECT_EQ(io_.poll(), 0u) << "the shard goes on while files are read";
  let_go_.set_value();
  io_.run();
  EXPECT_THAT(told_, ElementsAre("changed 1"));
}

TEST_F(ReloaderTest, WhoAsksMeanwhileIsAnsweredByALaterOne) {
  reloader_.ask(note());
  reloader_.ask(note());
  reloader_.ask(note());
  let_go_.set_value();
  io_.run();
  EXPECT_THAT(told_, ElementsAre("changed 1", "changed 2", "changed 2"));
}

TEST_F(ReloaderTest, AnErrorIsToldAndNothingIsTakenOver) {
  good_ = false;
  reloader_.ask(note());
  let_go_.set_value();
  io_.run();
  EXPECT_THAT(told_, ElementsAre("FILE:7: no"));
}

TEST_F(ReloaderTest, AShardThatEndsWaitsForTheThread) {
  reloader_.ask(note());
  let_go_.set_value();
}

}  // namespace
}  // namespace weir::controlplane
