#include "controlplane/json_rpc.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <memory>
#include <utility>
#include <vector>

namespace weir::controlplane {

namespace json = boost::json;

namespace {

json::value answer_of(RpcResult result, const json::value& id) {
  json::object answer{{"jsonrpc", "2.0"}};
  if (const RpcError* const error = result.error()) {
    answer["error"] = json::object{{"code", static_cast<int>(error->code)}, {"message", error->message}};
  } else {
    answer["result"] = std::move(result.value());
  }
  answer["id"] = id;
  return answer;
}

json::value refusal(RpcCode code, std::string_view message, const json::value& id = nullptr) {
  return answer_of(RpcError{code, std::string(message)}, id);
}

std::optional<std::string> scalar(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_number()) return json::serialize(value);
  return std::nullopt;
}

/// nullopt: params that no method takes.
std::optional<std::string> argument_of(const json::value* params) {
  if (params == nullptr) return std::string();
  if (const json::array* const list = params->if_array()) {
    if (list->empty()) return std::string();
    return list->size() == 1 ? scalar(list->front()) : std::nullopt;
  }
  const json::object* const named = params->if_object();
  if (named == nullptr) return std::nullopt;
  if (named->empty()) return std::string();
  const json::value* const argument = named->if_contains("argument");
  return argument != nullptr && named->size() == 1 ? scalar(*argument) : std::nullopt;
}

/// The requests of one line, and their answers in the order of the requests.
class Answering {
 public:
  using Done = std::function<void(RpcAnswer)>;

  Answering(bool batch, std::size_t requests, Done done)
      : batch_(batch), answers_(requests), waiting_(requests), done_(std::move(done)) {}

  /// nullopt: the request was a notification.
  void take(std::size_t at, std::optional<json::value> answer) {
    answers_[at] = std::move(answer);
    if (--waiting_ == 0) done_(line());
  }

 private:
  [[nodiscard]] RpcAnswer line() {
    json::array given;
    for (std::optional<json::value>& answer : answers_) {
      if (answer) given.push_back(*std::move(answer));
    }
    if (given.empty()) return std::nullopt;
    return batch_ ? json::serialize(given) : json::serialize(given.front());
  }

  bool batch_;
  std::vector<std::optional<json::value>> answers_;
  std::size_t waiting_;
  Done done_;
};

/// One request of a batch, or the only one.
void answer_one(const json::value& request, const RpcHandler& handler,
                std::function<void(std::optional<json::value>)> done) {
  const json::object* const object = request.if_object();
  if (object == nullptr) return done(refusal(RpcCode::kInvalidRequest, "the request is no object"));
  const json::value* const id = object->if_contains("id");
  if (id != nullptr && !id->is_string() && !id->is_number() && !id->is_null()) {
    return done(refusal(RpcCode::kInvalidRequest, "the id is no text, number or null"));
  }
  const json::value given = id == nullptr ? json::value(nullptr) : *id;
  const json::value* const version = object->if_contains("jsonrpc");
  if (version == nullptr || *version != "2.0") {
    return done(refusal(RpcCode::kInvalidRequest, "\"jsonrpc\" is not \"2.0\"", given));
  }
  const json::value* const method = object->if_contains("method");
  if (method == nullptr || !method->is_string()) {
    return done(refusal(RpcCode::kInvalidRequest, "the request names no method", given));
  }
  auto reply = [done = std::move(done), given, asked = id != nullptr](RpcResult result) {
    done(asked ? std::optional(answer_of(std::move(result), given)) : std::nullopt);
  };
  const std::optional<std::string> argument = argument_of(object->if_contains("params"));
  if (!argument) return reply(RpcError{RpcCode::kInvalidParams, "params must be one text or number"});
  handler(std::string(method->get_string()), *argument, std::move(reply));
}

}  // namespace

RpcHandler at_once(std::function<RpcResult(std::string_view, std::string_view)> methods) {
  return [methods = std::move(methods)](std::string_view method, std::string_view argument, const RpcReply& reply) {
    reply(methods(method, argument));
  };
}

void answer_json_rpc(std::string_view text, const RpcHandler& handler, std::function<void(RpcAnswer)> done) {
  const auto refuse = [&](RpcCode code, std::string_view reason) { done(json::serialize(refusal(code, reason))); };
  boost::system::error_code error;
  const json::value request = json::parse(text, error);
  if (error) return refuse(RpcCode::kParseError, "the request is no JSON");
  const json::array* const batch = request.if_array();
  const json::array requests = batch != nullptr ? *batch : json::array{request};
  if (requests.empty()) return refuse(RpcCode::kInvalidRequest, "the batch is empty");
  if (requests.size() > kRpcBatchMax) return refuse(RpcCode::kInvalidRequest, "the batch is too large");
  const auto answering = std::make_shared<Answering>(batch != nullptr, requests.size(), std::move(done));
  for (std::size_t i = 0; i < requests.size(); ++i) {
    answer_one(requests[i], handler,
               [answering, i](std::optional<json::value> answer) { answering->take(i, std::move(answer)); });
  }
}

}  // namespace weir::controlplane
