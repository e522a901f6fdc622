// Servers and URLs that mean no good: everything ends, in bounded time and room, and nothing inside is reached.
#include <gmock/gmock.h>

#include "tests/controlplane/https_fetch_lab.h"

namespace weir::controlplane {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class HttpsFetchHostileTest : public HttpsFetchLab {
 protected:
  HttpsFetchHostileTest() { settings_.timeout_ms = 150; }

  /// Asks for all at once, and waits until all have ended.
  std::vector<FetchResult> fetch_all(const std::vector<std::string>& urls) {
    if (fetcher_ == nullptr) start();
    std::vector<FetchResult> results;
    for (const std::string& one : urls) {
      fetcher_->fetch(one, [&](const FetchResult& result) { results.push_back(result); });
    }
    EXPECT_TRUE(run_until([&] { return results.size() == urls.size(); }));
    return results;
  }
};

TEST_F(HttpsFetchHostileTest, NothingInsideIsEvenConnectedTo) {
  settings_.allowed.clear();
  const auto& server = serve([](const std::string&) { return reply("secret"); }, "DNS:a.example,IP:127.0.0.1");
  names_.host("both.example", "127.0.0.1");
  names_.host("both.example", "169.254.169.254");
  names_.host("both.example", "::1");
  for (const char* host : {"a.example", "127.0.0.1", "both.example", "[::1]", "[::ffff:127.0.0.1]",
                           "[64:ff9b::127.0.0.1]", "[2002:7f00:1::1]", "0.0.0.0", "169.254.169.254"}) {
    EXPECT_THAT(fetch(url(server, "/", host)).failure, HasSubstr("nothing is fetched from")) << host;
  }
  EXPECT_EQ(server.accepted(), 0u);
}

TEST_F(HttpsFetchHostileTest, ANameThatChangesItsMindIsLookedUpOnce) {
  const auto& server = serve([](const std::string&) { return reply("it"); });
  names_.host("a.example", "10.0.0.1");
  EXPECT_TRUE(fetch(url(server)).ok()) << "the address that may be is used, the other passed over";
  EXPECT_EQ(names_.asked.size(), 1u);
}

TEST_F(HttpsFetchHostileTest, WhoIsSilentAnywhereIsNotWaitedForLong) {
  auto& server = serve([](const std::string&) { return Answer{"HTTP/1.1 200 OK\r\n", Answer::End::kOpen}; });
  names_.mute("mute.example");
  EXPECT_EQ(fetch(url(server, "/", "mute.example")).failure, "not in time: it waited for the DNS");
  EXPECT_EQ(fetch(url(server)).failure, "not in time: it waited for its answer");
  server.hang();
  EXPECT_EQ(fetch(url(server)).failure, "not in time: it waited for the TLS handshake");
}

TEST_F(HttpsFetchHostileTest, AConnectionThatNobodyTakesGivesWayToTheNextAddress) {
  settings_.timeout_ms = 3000;
  const auto& server = serve([](const std::string&) { return reply("it"); });
  // A full queue of connections: further ones get no answer.
  boost::asio::ip::tcp::acceptor full(io_);
  full.open(boost::asio::ip::tcp::v4());
  full.bind({boost::asio::ip::make_address("127.0.0.9"), server.port()});
  full.listen(0);
  std::list<boost::asio::ip::tcp::socket> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.emplace_back(io_).async_connect(full.local_endpoint(), [](const boost::system::error_code&) {});
  }
  io_.run_for(std::chrono::milliseconds(20));
  names_.host("b.example", "127.0.0.9");
  names_.host("b.example", "127.0.0.1");
  EXPECT_THAT(fetch(url(server, "/", "b.example")).failure, HasSubstr("hostname mismatch")) << "it came that far";
}

TEST_F(HttpsFetchHostileTest, DripsDoNotBuyTime) {
  Answer answer;
  const auto& server = serve([&](const std::string&) { return answer; });
  answer = {"HTTP/1.1 200 OK\r\n", Answer::End::kRepeat, std::chrono::milliseconds(20)};
  EXPECT_FALSE(fetch(url(server)).ok());
  answer = {"X: y\r\n", Answer::End::kRepeat, std::chrono::milliseconds(20)};
  EXPECT_FALSE(fetch(url(server)).ok());
  answer = {"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", Answer::End::kRepeat, std::chrono::milliseconds(20)};
  EXPECT_EQ(fetch(url(server)).failure, "not in time: it waited for its answer");
}

TEST_F(HttpsFetchHostileTest, EndlessAnswersEnd) {
  settings_.timeout_ms = 5000;
  settings_.bytes_max = 10'000;
  Answer answer;
  const auto& server = serve([&](const std::string&) { return answer; });
  const std::string head = "HTTP/1.1 200 OK\r\n";
  const struct {
    const char* description;
    std::string bytes;
    Answer::End end;
    const char* says;
  } kRows[] = {
      {"endless fields", head + std::string(20'000, 'x'), Answer::End::kRepeat, "no HTTP answer"},
      {"one endless field", head + "X: " + std::string(9000, 'x'), Answer::End::kRepeat, "no HTTP answer"},
      {"an endless status", std::string("HTTP/1.1 200 ") + std::string(9000, 'x'), Answer::End::kRepeat, "no HTTP"},
      {"a length too great", head + "Content-Length: 10001\r\n\r\n", Answer::End::kOpen, "body limit exceeded"},
      {"a monstrous length", head + "Content-Length: 99999999999999999999\r\n\r\n", Answer::End::kOpen,
       "no HTTP answer"},
      {"a negative length", head + "Content-Length: -1\r\n\r\n", Answer::End::kOpen, "no HTTP answer"},
      {"two lengths", head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", Answer::End::kOpen, "no HTTP answer"},
      {"no length", head + "\r\n" + std::string(10'001, 'x'), Answer::End::kRepeat, "half an answer"},
      {"a great chunk", head + "Transfer-Encoding: chunked\r\n\r\nffffff\r\n", Answer::End::kOpen, "half an answer"},
      {"many chunks",
       head + "Transfer-Encoding: chunked\r\n\r\n1000\r\n" + std::string(4096, 'x') + "\r\n1000\r\n" +
           std::string(4096, 'x') + "\r\n1000\r\n" + std::string(4096, 'x'),
       Answer::End::kOpen, "half an answer"},
      {"an endless chunk extension", head + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(40'000, 'x'),
       Answer::End::kRepeat, "half an answer"},
      {"an endless trailer", head + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + std::string(40'000, 'x'),
       Answer::End::kRepeat, "half an answer"},
      {"less than it said", head + "Content-Length: 5\r\n\r\nabc", Answer::End::kOrderly, "half an answer"},
      {"cut off", head + "Content-Length: 5\r\n\r\nabc", Answer::End::kCut, "half an answer"},
      {"no length, cut off", head + "\r\nabc", Answer::End::kCut, "half an answer"},
      {"no HTTP", "SIP/2.0 200 OK\r\n\r\n", Answer::End::kOpen, "no HTTP answer"},
      {"nothing", "", Answer::End::kOrderly, "no HTTP answer"},
  };
  start();
  for (const auto& row : kRows) {
    answer = {row.bytes, row.end};
    const FetchResult result = fetch(url(server));
    EXPECT_THAT(result.failure, HasSubstr(row.says)) << row.description;
    EXPECT_THAT(result.bytes, IsEmpty()) << row.description;
  }
  answer = reply(std::string(10'000, 'x'));
  EXPECT_EQ(fetch(url(server)).bytes.size(), 10'000u);
}

TEST_F(HttpsFetchHostileTest, ManyUrlsOfAHostWaitForTheirTurnAndLetOthersBy) {
  settings_.per_host_max = 2;
  settings_.timeout_ms = 300;
  auto& server = serve([](const std::string&) { return reply("it"); }, "DNS:a.example,DNS:b.example");
  names_.mute("slow.example");
  names_.host("b.example", "127.0.0.1");
  std::vector<std::string> urls(5, url(server, "/", "slow.example"));
  urls.push_back(url(server, "/", "b.example"));
  const std::vector<FetchResult> results = fetch_all(urls);
  EXPECT_TRUE(results[0].ok()) << "the last asked for is first: " << results[0].failure;
  EXPECT_EQ(names_.asked, (std::vector<std::string>{"slow.example", "slow.example", "b.example"}));
  std::size_t busy = 0;
  for (const FetchResult& result : results) busy += result.busy ? 1 : 0;
  EXPECT_EQ(busy, 3u) << "who never had a turn says nothing of the URL";
}

TEST_F(HttpsFetchHostileTest, OneServerOfManyNamesGetsHalfOfTheRoomAtMost) {
  settings_.at_once_max = 6;
  auto& server = serve([](const std::string&) { return reply("it"); });
  server.hang();
  std::vector<std::string> urls;
  for (int i = 0; i < 6; ++i) {
    const std::string name = "n" + std::to_string(i) + ".example";
    names_.host(name, "127.0.0.1");
    urls.push_back(url(server, "/", name));
  }
  const std::vector<FetchResult> results = fetch_all(urls);
  std::size_t refused = 0;
  for (const FetchResult& one : results)
    refused += one.failure.find("too many fetches from 127.0.0.1") == 0 && one.busy ? 1 : 0;
  EXPECT_EQ(refused, 3u);
  EXPECT_EQ(server.accepted(), 3u);
}

TEST_F(HttpsFetchHostileTest, TheQueueIsBounded) {
  settings_.at_once_max = 4;
  names_.mute("slow.example");
  settings_.ports = {443};
  const std::size_t asked = 4 + HttpsFetcher::kQueueMax + 10;
  const std::vector<FetchResult> results = fetch_all(std::vector<std::string>(asked, "https://slow.example/"));
  std::size_t at_once = 0;
  for (const FetchResult& result : results) at_once += result.failure == "too many fetches wait" && result.busy ? 1 : 0;
  EXPECT_EQ(at_once, 10u);
  EXPECT_EQ(names_.asked.size(), 4u);
}

TEST_F(HttpsFetchHostileTest, EverOtherUrlsDoNotMakeMoreHandshakesASecondThanMayBe) {
  settings_.at_once_max = 1000;
  settings_.per_host_max = 1000;
  settings_.timeout_ms = 100;
  names_.mute("slow.example");
  settings_.ports = {443};
  std::vector<std::string> urls;
  for (std::uint32_t i = 0; i < 2 * HttpsFetcher::kFetchesPerSecond; ++i) {
    urls.push_back("https://slow.example/" + std::to_string(i));
  }
  std::size_t refused = 0;
  for (const FetchResult& one : fetch_all(urls))
    refused += one.failure == "too many fetches a second" && one.busy ? 1 : 0;
  EXPECT_GE(refused, HttpsFetcher::kFetchesPerSecond / 2);
  EXPECT_GE(names_.asked.size(), HttpsFetcher::kFetchesPerSecond - 1);
}

TEST_F(HttpsFetchHostileTest, WhoGoesHearsNothingMore) {
  auto& server = serve([](const std::string&) { return Answer{"HTTP/1.1 200 OK\r\n", Answer::End::kOpen}; });
  start();
  int answers = 0;
  for (const char* target : {"/1", "/2", "/3", "/4", "/5", "/6"}) {
    fetcher_->fetch(url(server, target), [&](const FetchResult&) { ++answers; });
  }
  fetcher_->fetch("http://a.example/", [&](const FetchResult&) { ++answers; });
  fetcher_->fetch(url(server, "/7"), [&](const FetchResult&) { ++answers; });
  fetcher_.reset();
  io_.run_for(std::chrono::milliseconds(50));
  start();
  fetcher_->fetch(url(server, "/8"), [&](const FetchResult&) { ++answers; });
  ASSERT_TRUE(run_until([&] { return !server.requests().empty(); }));
  fetcher_.reset();
  io_.run_for(std::chrono::milliseconds(250));
  EXPECT_EQ(answers, 0);
}

TEST_F(HttpsFetchHostileTest, WhoIsToldMayLetGoOfTheFetcherOrAskAgain) {
  const auto& server = serve([](const std::string&) { return reply("it"); });
  names_.at_once = true;
  start();
  bool ended = false;
  fetcher_->fetch(url(server), [&](const FetchResult&) {
    fetcher_->fetch("http:", [&](const FetchResult&) {
      fetcher_.reset();
      ended = true;
    });
  });
  EXPECT_TRUE(run_until([&] { return ended; }));
}

}  // namespace
}  // namespace weir::controlplane
