#include "controlplane/json_rpc.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

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

/// One request of a batch, or the only one; nullopt for a notification.
std::optional<json::value> answer_one(const json::value& request, const RpcHandler& handler) {
  const json::object* const object = request.if_object();
  if (object == nullptr) return refusal(RpcCode::kInvalidRequest, "the request is no object");
  const json::value* const id = object->if_contains("id");
  if (id != nullptr && !id->is_string() && !id->is_number() && !id->is_null()) {
    return refusal(RpcCode::kInvalidRequest, "the id is no text, number or null");
  }
  const json::value given = id == nullptr ? json::value(nullptr) : *id;
  const json::value* const version = object->if_contains("jsonrpc");
  if (version == nullptr || *version != "2.0") {
    return refusal(RpcCode::kInvalidRequest, "\"jsonrpc\" is not \"2.0\"", given);
  }
  const json::value* const method = object->if_contains("method");
  if (method == nullptr || !method->is_string()) {
    return refusal(RpcCode::kInvalidRequest, "the request names no method", given);
  }
  const std::optional<std::string> argument = argument_of(object->if_contains("params"));
  RpcResult result = argument ? handler(std::string(method->get_string()), *argument)
                              : RpcResult(RpcError{RpcCode::kInvalidParams, "params must be one text or number"});
  if (id == nullptr) return std::nullopt;
  return answer_of(std::move(result), given);
}

}  // namespace

std::optional<std::string> answer_json_rpc(std::string_view text, const RpcHandler& handler) {
  boost::system::error_code error;
  const json::value request = json::parse(text, error);
  if (error) return json::serialize(refusal(RpcCode::kParseError, "the request is no JSON"));
  const json::array* const batch = request.if_array();
  if (batch == nullptr) {
    const std::optional<json::value> answer = answer_one(request, handler);
    return answer ? std::optional(json::serialize(*answer)) : std::nullopt;
  }
  if (batch->empty()) return json::serialize(refusal(RpcCode::kInvalidRequest, "the batch is empty"));
  if (batch->size() > kRpcBatchMax) return json::serialize(refusal(RpcCode::kInvalidRequest, "the batch is too large"));
  json::array answers;
  for (const json::value& one : *batch) {
    if (std::optional<json::value> answer = answer_one(one, handler)) answers.push_back(*std::move(answer));
  }
  return answers.empty() ? std::nullopt : std::optional(json::serialize(answers));
}

}  // namespace weir::controlplane
