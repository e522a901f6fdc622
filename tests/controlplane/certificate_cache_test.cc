// The cache against a fetcher that a test answers by hand, and clocks that it sets.
#include "controlplane/certificate_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::controlplane {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Bytes "N:TEXT" are a certificate that is good until N; others are none.
using Cache = CertificateCache<std::string>;

proto::Result<Cache::Parsed> parse(const FetchResult& fetched) {
  const std::size_t colon = fetched.bytes.find(':');
  if (colon == std::string::npos) return proto::Error{"no certificate"};
  return Cache::Parsed{std::make_shared<const std::string>(fetched.bytes.substr(colon + 1)),
                       std::stoll(fetched.bytes.substr(0, colon))};
}

class Desk : public Fetcher {
 public:
  void fetch(const std::string& url, Done done) override { asked.emplace_back(url, std::move(done)); }
  /// Answers the question that waits longest.
  void answer(const std::string& bytes, std::optional<std::uint32_t> fresh_for_s = std::nullopt) {
    FetchResult result;
    result.bytes = bytes;
    result.fresh_for_s = fresh_for_s;
    answer(result);
  }
  void fail(bool busy = false) {
    FetchResult result;
    result.failure = "it failed";
    result.busy = busy;
    answer(result);
  }
  std::vector<std::pair<std::string, Done>> asked;

 private:
  void answer(const FetchResult& result) {
    ASSERT_FALSE(asked.empty());
    const Done done = std::move(asked.front().second);
    asked.erase(asked.begin());
    done(result);
  }
};

class CertificateCacheTest : public testing::Test {
 protected:
  CertificateCacheTest() { settings_.cache_entries_max = 3; }

  void get(const std::string& url) {
    cache_->get(url, [this](const Cache::Cached& cached) { take(cached); });
  }
  void renew(const std::string& url) {
    cache_->renew(url, [this](const Cache::Cached& cached) { take(cached); });
  }
  void take(const Cache::Cached& cached) {
    got_.push_back(cached.certificate == nullptr ? "no: " + cached.failure : *cached.certificate);
  }
  void pass(std::uint64_t seconds) {
    now_ns_ += seconds * 1'000'000'000;
    unix_s_ += static_cast<std::int64_t>(seconds);
  }
  /// Whether a URL is known at once, as what.
  std::string known(const std::string& url) {
    got_.clear();
    const std::size_t before = desk_.asked.size();
    get(url);
    if (got_.empty()) desk_.asked.resize(before);
    return got_.empty() ? "" : got_[0];
  }

  Desk desk_;
  proto::settings::IdentityFetchSettings settings_;
  std::uint64_t now_ns_ = 1'000'000'000'000;
  std::int64_t unix_s_ = 1'000'000;
  std::unique_ptr<Cache> cache_ = std::make_unique<Cache>(
      desk_, settings_, parse, [this] { return now_ns_; }, [this] { return unix_s_; });
  std::vector<std::string> got_;
};

TEST_F(CertificateCacheTest, ManyWhoAskCauseOneFetch) {
  for (int i = 0; i < 3; ++i) get("a");
  EXPECT_THAT(got_, IsEmpty());
  ASSERT_EQ(desk_.asked.size(), 1u);
  desk_.answer("9000000:A");
  EXPECT_THAT(got_, ElementsAre("A", "A", "A"));
  get("a");
  EXPECT_EQ(got_.size(), 4u) << "at once";
  EXPECT_THAT(desk_.asked, IsEmpty());
}

struct LifetimeRow {
  const char* description;
  std::optional<std::uint32_t> fresh_for_s;
  std::int64_t not_after_s;  ///< from now
  std::uint64_t lifetime_s;
};

TEST_F(CertificateCacheTest, ACertificateIsKeptAsLongAsServerSettingsAndItselfAllow) {
  const LifetimeRow kRows[] = {
      {"nothing said", std::nullopt, 1'000'000, 3600},
      {"what the server says", 7200, 1'000'000, 7200},
      {"not to be kept", 0, 1'000'000, 60},
      {"more than the settings allow", 1'000'000, 9'000'000, 86'400},
      {"more than it is good for", 7200, 500, 500},
      {"not to be kept, and at its end", 0, 10, 10},
      {"expired already", 7200, -5, 30},
  };
  for (const LifetimeRow& row : kRows) {
    FetchResult fetched;
    fetched.fresh_for_s = row.fresh_for_s;
    EXPECT_EQ(certificate_lifetime_ms(fetched, unix_s_ + row.not_after_s, unix_s_, settings_), row.lifetime_s * 1000)
        << row.description;
  }
}

TEST_F(CertificateCacheTest, WhatIsOldIsFetchedAnew) {
  get("a");
  desk_.answer("9000000:A", 100);
  pass(79);
  EXPECT_EQ(known("a"), "A");
  EXPECT_THAT(desk_.asked, IsEmpty());
  pass(21);
  EXPECT_EQ(known("a"), "") << "its hundred seconds are over";
}

TEST_F(CertificateCacheTest, WhatIsAskedForNearItsEndIsFetchedBeforeAnybodyWaits) {
  get("a");
  desk_.answer("9000000:A", 100);
  pass(80);
  got_.clear();
  get("a");
  get("a");
  EXPECT_THAT(got_, ElementsAre("A", "A"));
  ASSERT_EQ(desk_.asked.size(), 1u);
  desk_.answer("9000000:B", 100);
  EXPECT_EQ(got_.size(), 2u) << "nobody waited";
  pass(50);
  EXPECT_EQ(known("a"), "B");
}

TEST_F(CertificateCacheTest, AFailedRenewalLeavesWhatIsStillGood) {
  settings_.negative_ms = 10'000;
  get("a");
  desk_.answer("9000000:A", 100);
  pass(80);
  EXPECT_EQ(known("a"), "A");
  desk_.fail();
  EXPECT_EQ(known("a"), "A");
  EXPECT_THAT(desk_.asked, IsEmpty()) << "not again at once";
  pass(10);
  EXPECT_EQ(known("a"), "A");
  ASSERT_EQ(desk_.asked.size(), 1u);
  desk_.fail();
  pass(10);
  EXPECT_EQ(known("a"), "") << "but no longer than it was good for";
}

TEST_F(CertificateCacheTest, NothingIsUsedPastItsNotAfterWhateverHappensToTheClock) {
  get("a");
  desk_.answer("1000500:A", 7200);
  EXPECT_EQ(known("a"), "A");
  unix_s_ = 1'000'501;
  EXPECT_EQ(known("a"), "");
}

TEST_F(CertificateCacheTest, OneThatComesExpiredIsGivenForTheVerdictAndNotFetchedForEveryCall) {
  get("a");
  desk_.answer("999999:A");
  EXPECT_THAT(got_, ElementsAre("A"));
  EXPECT_EQ(known("a"), "A");
  pass(30);
  EXPECT_EQ(known("a"), "");
}

TEST_F(CertificateCacheTest, FailuresAreRememberedAndLongerEachTime) {
  for (const std::uint64_t seconds : {30u, 60u, 120u, 240u, 480u, 480u}) {
    get("a");
    ASSERT_EQ(desk_.asked.size(), 1u) << seconds;
    desk_.fail();
    EXPECT_EQ(known("a"), "no: it failed");
    pass(seconds - 1);
    EXPECT_EQ(known("a"), "no: it failed") << seconds;
    pass(1);
  }
  get("a");
  desk_.answer("9000000:A");
  pass(3600);
  get("a");
  desk_.fail();
  pass(30);
  EXPECT_EQ(known("a"), "") << "what was good once begins anew";
}

TEST_F(CertificateCacheTest, BytesThatAreNoCertificateAreAFailure) {
  get("a");
  desk_.answer("<html>", 7200);
  EXPECT_THAT(got_, ElementsAre("no: no certificate"));
  EXPECT_EQ(known("a"), "no: no certificate");
  pass(30);
  EXPECT_EQ(known("a"), "");
}

TEST_F(CertificateCacheTest, AFailureForOurWantOfRoomIsNotRemembered) {
  get("a");
  desk_.fail(true);
  EXPECT_THAT(got_, ElementsAre("no: it failed"));
  EXPECT_EQ(known("a"), "");
  EXPECT_EQ(cache_->size(), 0u);
}

TEST_F(CertificateCacheTest, TheOneLongestUnusedMakesRoom) {
  for (const char* url : {"a", "b", "c"}) {
    get(url);
    desk_.answer(std::string("9000000:") + url);
  }
  EXPECT_EQ(known("a"), "a");
  get("d");
  desk_.answer("9000000:d");
  EXPECT_EQ(cache_->size(), 3u);
  EXPECT_EQ(known("b"), "");
  for (const char* url : {"a", "c", "d"}) EXPECT_EQ(known(url), url);
}

TEST_F(CertificateCacheTest, WhoNamesPlacesWithNothingPushesOutNothingGood) {
  get("a");
  desk_.answer("9000000:A");
  get("b");
  desk_.answer("9000000:B");
  for (int i = 0; i < 20; ++i) {
    get("nothing " + std::to_string(i));
    desk_.fail();
  }
  EXPECT_EQ(cache_->size(), 3u);
  EXPECT_EQ(known("nothing 19"), "no: it failed") << "the last one is there";
  EXPECT_EQ(known("a") + known("b"), "AB");
  pass(60);
  get("nothing 19");
  desk_.answer("9000000:N");  // it has become one
  get("nothing 20");
  desk_.fail();
  EXPECT_EQ(known("nothing 20"), "") << "and there is no room for another failure";
  EXPECT_EQ(known("a") + known("b") + known("nothing 19"), "ABN");
}

TEST_F(CertificateCacheTest, BytesAreBoundedToo) {
  settings_.cache_entries_max = 100'000;
  const std::string body((4 << 20) / Cache::kBytesPerByte, 'x');
  for (int i = 0; i < 40; ++i) {
    get("url " + std::to_string(i));
    desk_.answer("9000000:" + body);
    EXPECT_LE(cache_->bytes(), Cache::kBytesMax);
  }
  EXPECT_EQ(cache_->size(), 15u);
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 15; ++j) {
      get("url " + std::to_string(25 + j));
      if (!desk_.asked.empty()) desk_.answer("x");
    }
    pass(100'000);
  }
  EXPECT_LT(cache_->bytes(), 15u * 1000) << "failures are small";
}

TEST_F(CertificateCacheTest, AKeyThatDoesNotFitIsFetchedAnewButNotForEveryForgery) {
  get("a");
  desk_.answer("9000000:A");
  got_.clear();
  renew("a");
  EXPECT_THAT(got_, ElementsAre("A")) << "it is as new as can be";
  pass(30);
  renew("a");
  EXPECT_EQ(got_.size(), 1u);
  ASSERT_EQ(desk_.asked.size(), 1u);
  desk_.answer("9000000:B");
  EXPECT_THAT(got_, ElementsAre("A", "B"));
  EXPECT_EQ(known("a"), "B");
}

TEST_F(CertificateCacheTest, WhoIsToldMayAskAgainOrLetGoOfTheCache) {
  cache_->get("a", [&](const Cache::Cached&) { get("b"); });
  cache_->get("a", [&](const Cache::Cached&) { cache_.reset(); });
  cache_->get("a", [&](const Cache::Cached&) { ADD_FAILURE() << "the cache is gone"; });
  desk_.answer("9000000:A");
  EXPECT_EQ(desk_.asked.size(), 1u);
  desk_.answer("9000000:B");
  EXPECT_THAT(got_, IsEmpty());
}

TEST_F(CertificateCacheTest, NoMoreWaitThanMay) {
  for (std::size_t i = 0; i < Cache::kWaitersMax; ++i) get("a");
  EXPECT_THAT(got_, IsEmpty());
  get("a");
  get("b");
  EXPECT_THAT(got_, ElementsAre("no: too many wait for certificates", "no: too many wait for certificates"));
  desk_.answer("9000000:A");
  EXPECT_EQ(got_.size(), Cache::kWaitersMax + 2);
}

}  // namespace
}  // namespace weir::controlplane
