// The examples of the JSON-RPC 2.0 specification's section 7, as far as methods take one argument; and its errors.
#include "controlplane/json_rpc.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <string>
#include <vector>

namespace weir::controlplane {
namespace {

/// `seen`: the methods that were called.
struct Recorder {
  std::vector<std::string> seen;
  RpcHandler handler = at_once([this](std::string_view method, std::string_view argument) -> RpcResult {
    seen.push_back(std::string(method) + "(" + std::string(argument) + ")");
    if (method == "foobar" || method == "foo.get") return RpcError{RpcCode::kMethodNotFound, "Method not found"};
    if (method == "fail") return proto::Error{"there is no call " + std::string(argument)};
    return boost::json::value(std::string(argument));
  });
};

/// The answer of a handler that replies at once.
RpcAnswer answer_to(const std::string& request, const RpcHandler& handler) {
  int answers = 0;
  RpcAnswer given;
  answer_json_rpc(request, handler, [&](RpcAnswer answer) {
    ++answers;
    given = std::move(answer);
  });
  EXPECT_EQ(answers, 1) << request;
  return given;
}

/// The answers are compared as JSON: the order of members is free.
void expect(const std::string& request, const char* answer, const std::vector<std::string>& called) {
  Recorder recorder;
  const std::optional<std::string> got = answer_to(request, recorder.handler);
  EXPECT_EQ(recorder.seen, called) << request;
  ASSERT_EQ(got.has_value(), answer != nullptr) << request;
  EXPECT_EQ(boost::json::parse(got.value_or("null")), boost::json::parse(answer == nullptr ? "null" : answer));
}

TEST(JsonRpc, RequestsAreAnsweredWithTheirId) {
  expect(R"({"jsonrpc": "2.0", "method": "call", "params": ["42"], "id": 1})",
         R"({"jsonrpc": "2.0", "result": "42", "id": 1})", {"call(42)"});
  expect(R"({"jsonrpc": "2.0", "method": "call", "params": {"argument": 42}, "id": "x"})",
         R"({"jsonrpc": "2.0", "result": "42", "id": "x"})", {"call(42)"});
  expect(R"({"jsonrpc": "2.0", "method": "status", "id": null})", R"({"jsonrpc": "2.0", "result": "", "id": null})",
         {"status()"});
  expect(R"({"jsonrpc": "2.0", "method": "status", "params": [], "id": 1.5})",
         R"({"jsonrpc": "2.0", "result": "", "id": 1.5})", {"status()"});
}

TEST(JsonRpc, NotificationsAreDoneAndNotAnswered) {
  expect(R"({"jsonrpc": "2.0", "method": "update", "params": [1]})", nullptr, {"update(1)"});
  expect(R"({"jsonrpc": "2.0", "method": "foobar"})", nullptr, {"foobar()"});
  expect(R"([{"jsonrpc": "2.0", "method": "a", "params": [1]}, {"jsonrpc": "2.0", "method": "b"}])", nullptr,
         {"a(1)", "b()"});
}

TEST(JsonRpc, ErrorsHaveTheSpecificationsCodes) {
  const auto code = [](const std::string& request) {
    Recorder recorder;
    const auto answer = answer_to(request, recorder.handler);
    const boost::json::value parsed = boost::json::parse(answer.value_or("{}"));
    EXPECT_EQ(parsed.as_object().if_contains("result"), nullptr) << request;
    return parsed.at("error").at("code").to_number<int>();
  };
  EXPECT_EQ(code(R"({"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz])"), -32700);
  EXPECT_EQ(code(""), -32700);
  EXPECT_EQ(code(R"({"jsonrpc": "2.0", "method": 1, "params": "bar"})"), -32600);
  EXPECT_EQ(code("[]"), -32600);
  EXPECT_EQ(code("7"), -32600);
  EXPECT_EQ(code(R"({"method": "status", "id": 1})"), -32600);
  EXPECT_EQ(code(R"({"jsonrpc": "1.0", "method": "status", "id": 1})"), -32600);
  EXPECT_EQ(code(R"({"jsonrpc": "2.0", "method": "status", "id": [1]})"), -32600);
  EXPECT_EQ(code(R"({"jsonrpc": "2.0", "method": "foobar", "id": "1"})"), -32601);
  EXPECT_EQ(code(R"({"jsonrpc": "2.0", "method": "call", "params": [1, 2], "id": 1})"), -32602);
  EXPECT_EQ(code(R"({"jsonrpc": "2.0", "method": "call", "params": [[1]], "id": 1})"), -32602);
  EXPECT_EQ(code(R"({"jsonrpc": "2.0", "method": "call", "params": {"other": 1}, "id": 1})"), -32602);
  EXPECT_EQ(code(R"({"jsonrpc": "2.0", "method": "call", "params": "x", "id": 1})"), -32602);
  EXPECT_EQ(code(R"({"jsonrpc": "2.0", "method": "fail", "params": [9], "id": 1})"), -32000);
}

TEST(JsonRpc, ABatchIsAnsweredInOne) {
  expect(R"([1, {"jsonrpc": "2.0", "method": "sum", "params": ["7"], "id": "1"},
             {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}, {"foo": "boo"},
             {"jsonrpc": "2.0", "method": "foo.get", "id": "5"}])",
         R"([{"jsonrpc": "2.0", "error": {"code": -32600, "message": "the request is no object"}, "id": null},
             {"jsonrpc": "2.0", "result": "7", "id": "1"},
             {"jsonrpc": "2.0", "error": {"code": -32600, "message": "\"jsonrpc\" is not \"2.0\""}, "id": null},
             {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "5"}])",
         {"sum(7)", "notify_hello(7)", "foo.get()"});
}

TEST(JsonRpc, ABatchIsBounded) {
  std::string batch = "[";
  for (std::size_t i = 0; i <= kRpcBatchMax; ++i) batch += (i == 0 ? "" : ",") + std::string("7");
  Recorder recorder;
  const auto answer = answer_to(batch + "]", recorder.handler);
  EXPECT_EQ(boost::json::parse(*answer).at("error").at("code").to_number<int>(), -32600);
}

TEST(JsonRpc, AMethodMayReplyLaterAndTheBatchWaitsForIt) {
  std::vector<RpcReply> replies;
  const RpcHandler later = [&](std::string_view, std::string_view, RpcReply reply) { replies.push_back(reply); };
  std::vector<RpcAnswer> answers;
  answer_json_rpc(R"([{"jsonrpc": "2.0", "method": "a", "id": 1}, {"jsonrpc": "2.0", "method": "b", "id": 2},
                      {"jsonrpc": "2.0", "method": "notified"}])",
                  later, [&](RpcAnswer answer) { answers.push_back(std::move(answer)); });
  ASSERT_EQ(replies.size(), 3u);
  replies[2](boost::json::value("unheard"));
  replies[1](proto::Error{"no"});
  EXPECT_TRUE(answers.empty());
  replies[0](boost::json::value("yes"));
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(boost::json::parse(answers[0].value()), boost::json::parse(R"([{"jsonrpc": "2.0", "result": "yes", "id": 1},
                                   {"jsonrpc": "2.0", "error": {"code": -32000, "message": "no"}, "id": 2}])"));
}

}  // namespace
}  // namespace weir::controlplane
