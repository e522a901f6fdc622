#include "controlplane/fifo_server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "tests/support/temporary_directory.h"

namespace weir::controlplane {
namespace {

using ::testing::HasSubstr;

/// The argument, so many times.
RpcResult repeat(std::string_view method, std::string_view argument) {
  std::string text;
  for (std::size_t i = 0; i < (method == "long" ? 100'000u : 1u); ++i) text += argument;
  return boost::json::value(text);
}

std::string request(const std::string& method, const std::string& argument) {
  return R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":[")" + argument + "\"]}\n";
}

class FifoServerTest : public testing::Test {
 protected:
  void serve() {
    auto opened = FifoServer::open(io_, settings_, at_once(repeat));
    ASSERT_TRUE(opened.ok()) << opened.error();
    server_ = std::move(opened).value();
    thread_ = std::thread([this] { io_.run(); });
  }
  void TearDown() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }
  std::string refusal() {
    const auto opened = FifoServer::open(io_, settings_, at_once(repeat));
    return opened.ok() ? "" : opened.error();
  }
  void send(const std::string& text) const {
    const int pipe = ::open(settings_.request.c_str(), O_WRONLY);
    ASSERT_EQ(write(pipe, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    close(pipe);
  }
  /// The first whole answer with `wanted` in it, from the response pipe, which is open before anything is sent. Of one
  /// that nobody read the rest, or all, may come before it.
  [[nodiscard]] std::string answer_to(const std::string& text, const std::string& wanted = "jsonrpc") const {
    const int pipe = ::open(settings_.response.c_str(), O_RDONLY | O_NONBLOCK);
    send(text);
    std::string line;
    std::string chunk(65'536, '\0');
    pollfd readable{pipe, POLLIN, 0};
    const auto is_it = [&] { return line.starts_with("{\"jsonrpc\"") && line.find(wanted) != std::string::npos; };
    for (std::string unread; !is_it() && poll(&readable, 1, 20'000) == 1;) {
      const ssize_t bytes = read(pipe, chunk.data(), chunk.size());
      if (bytes > 0) unread.append(chunk, 0, static_cast<std::size_t>(bytes));
      if (bytes == 0) usleep(1000);  // the end of the answer before
      for (std::size_t end = unread.find('\n'); end != std::string::npos && !is_it(); end = unread.find('\n')) {
        line = unread.substr(0, end);
        unread.erase(0, end + 1);
      }
    }
    close(pipe);
    return line;
  }

  tests::TemporaryDirectory directory_;
  proto::settings::FifoSettings settings_{.request = directory_.path() + "/request",
                                          .response = directory_.path() + "/response",
                                          .mode = 0640,
                                          .owner = "",
                                          .group = ""};
  boost::asio::io_context io_;
  std::unique_ptr<FifoServer> server_;
  std::thread thread_;
};

TEST_F(FifoServerTest, AnswersOneAfterTheOtherAndLongOnesWhole) {
  serve();
  EXPECT_EQ(answer_to(request("a", "1")), R"({"jsonrpc":"2.0","result":"1","id":1})");
  EXPECT_EQ(answer_to(request("a", "2")), R"({"jsonrpc":"2.0","result":"2","id":1})");
  EXPECT_EQ(answer_to(request("long", "xyz")).size(),
            300'000 + std::string(R"({"jsonrpc":"2.0","result":"","id":1})").size())
      << "more than a pipe holds";
}

TEST_F(FifoServerTest, WhatIsNoRequestIsAnsweredAndWhatIsTooLongPassedOver) {
  serve();
  EXPECT_THAT(answer_to("status\n"), HasSubstr("-32700"));
  EXPECT_THAT(answer_to(std::string(20'000, 'x') + "\n"), HasSubstr("-32700"));
  EXPECT_EQ(answer_to(request("a", "3")), R"({"jsonrpc":"2.0","result":"3","id":1})");
}

TEST_F(FifoServerTest, AReaderThatLeavesHoldsNobodyUp) {
  serve();
  const int pipe = ::open(settings_.response.c_str(), O_RDONLY | O_NONBLOCK);
  send(request("long", "gone"));
  pollfd readable{pipe, POLLIN, 0};
  ASSERT_EQ(poll(&readable, 1, 10'000), 1);
  close(pipe);
  EXPECT_THAT(answer_to(request("a", "4"), "\"4\""), HasSubstr("\"4\""));
}

TEST_F(FifoServerTest, ThePipesHaveTheirModeAndOnesThatAreThereAreUsed) {
  ASSERT_EQ(mkfifo(settings_.request.c_str(), 0600), 0);
  serve();
  for (const std::string& path : {settings_.request, settings_.response}) {
    struct stat status;
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_TRUE(S_ISFIFO(status.st_mode));
    EXPECT_EQ(status.st_mode & 0777, 0640u);
  }
}

TEST_F(FifoServerTest, WhatCannotBeSaysWhy) {
  std::ofstream(settings_.response) << "precious";
  EXPECT_THAT(refusal(), HasSubstr("is there and is no named pipe"));
  settings_.response = directory_.path() + "/nowhere/response";
  EXPECT_THAT(refusal(), HasSubstr("directory " + directory_.path() + "/nowhere does not exist"));
  settings_.owner = "no-such-user-here";
  EXPECT_THAT(refusal(), HasSubstr("there is no user 'no-such-user-here'"));
  settings_.owner.clear();
  settings_.group = "no-such-group-here";
  EXPECT_THAT(refusal(), HasSubstr("there is no group 'no-such-group-here'"));
}

}  // namespace
}  // namespace weir::controlplane
