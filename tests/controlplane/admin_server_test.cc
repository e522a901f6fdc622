#include "controlplane/admin_server.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/object.hpp>
#include <fstream>
#include <thread>

#include "tests/support/temporary_directory.h"

namespace weir::controlplane {
namespace {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;

RpcResult echo(std::string_view method, std::string_view argument) {
  return boost::json::value{{"method", method}, {"argument", argument}};
}

std::string request(const std::string& method, const std::string& argument = "") {
  return R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":[")" + argument + "\"]}\n";
}

/// The server on a thread of its own; the test is the client.
class AdminServerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto result = AdminServer::listen(io_, path_, at_once(echo));
    ASSERT_TRUE(result.ok()) << result.error();
    server_ = std::move(result).value();
    thread_ = std::thread([this] { io_.run(); });
  }
  void TearDown() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
    server_.reset();
  }

  std::string exchange(const std::string& text) {
    asio::io_context io;
    Protocol::socket socket(io);
    socket.connect(Protocol::endpoint(path_));
    boost::system::error_code error;
    asio::write(socket, asio::buffer(text), error);
    std::string answer;
    asio::read_until(socket, asio::dynamic_buffer(answer), '\n', error);
    return answer;
  }

  tests::TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/control.sock";
  asio::io_context io_;
  std::unique_ptr<AdminServer> server_;
  std::thread thread_;
};

TEST_F(AdminServerTest, AnswersOverTheSocketSeveralRequestsOnOneConnection) {
  asio::io_context io;
  Protocol::socket socket(io);
  socket.connect(Protocol::endpoint(path_));
  std::string input;
  for (const char* argument : {"1", "2", "3"}) {
    asio::write(socket, asio::buffer(request("call", argument)));
    const std::size_t bytes = asio::read_until(socket, asio::dynamic_buffer(input), '\n');
    EXPECT_NE(input.substr(0, bytes).find(std::string("\"argument\":\"") + argument + "\""), std::string::npos);
    input.erase(0, bytes);
  }
}

TEST_F(AdminServerTest, ANotificationIsNotAnsweredAndWhatFollowsItIs) {
  const std::string answer = exchange("{\"jsonrpc\":\"2.0\",\"method\":\"quiet\"}\n" + request("loud"));
  EXPECT_NE(answer.find("loud"), std::string::npos) << answer;
}

TEST_F(AdminServerTest, ALineWithoutEndIsCutOffAndOthersAreServed) {
  EXPECT_EQ(exchange(std::string(2 * kAdminRequestBytesMax, 'x')), "");
  EXPECT_NE(exchange(request("status")), "");
}

TEST_F(AdminServerTest, OnlyOwnerAndGroupMayConnect) {
  struct stat status;
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0660u);
}

TEST_F(AdminServerTest, ASecondServerAtTheSamePathIsRefused) {
  asio::io_context io;
  const auto second = AdminServer::listen(io, path_, at_once(echo));
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().find("another process answers"), std::string::npos) << second.error();
}

TEST_F(AdminServerTest, ConnectionsBeyondTheLimitAreClosed) {
  asio::io_context io;
  std::vector<Protocol::socket> sockets;
  for (std::size_t i = 0; i < kAdminConnectionsMax; ++i) {
    sockets.emplace_back(io).connect(Protocol::endpoint(path_));
    asio::write(sockets.back(), asio::buffer(request("x")));
    std::string answer;
    asio::read_until(sockets.back(), asio::dynamic_buffer(answer), '\n');
  }
  EXPECT_EQ(exchange(request("status")), "");
  sockets.clear();
}

TEST(AdminServerStart, ASocketLeftByADeadProcessIsReplacedAndAFileIsNot) {
  const tests::TemporaryDirectory directory;
  const std::string path = directory.path() + "/control.sock";
  asio::io_context io;
  {
    Protocol::acceptor left(io, Protocol::endpoint(path));  // closing it leaves the file
  }
  EXPECT_TRUE(AdminServer::listen(io, path, at_once(echo)).ok());
  std::ofstream(path) << "precious";
  EXPECT_FALSE(AdminServer::listen(io, path, at_once(echo)).ok());
  std::string content;
  std::ifstream(path) >> content;
  EXPECT_EQ(content, "precious");
}

}  // namespace
}  // namespace weir::controlplane
