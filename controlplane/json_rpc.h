// JSON-RPC 2.0 (jsonrpc.org/specification): requests, notifications and batches in, answers out. Text only: sockets and
// pipes bring it.
#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "proto/result.h"

namespace weir::controlplane {

/// Section 5.1 of the specification.
enum class RpcCode : int {
  kParseError = -32700,
  kInvalidRequest = -32600,
  kMethodNotFound = -32601,
  kInvalidParams = -32602,
  kFailed = -32000,  ///< the method was tried, and says why not
};

struct RpcError {
  RpcCode code = RpcCode::kFailed;
  std::string message;
};

/// What a method gives: a value, or why there is none.
class RpcResult {
 public:
  RpcResult(boost::json::value value) : state_(std::move(value)) {}
  RpcResult(RpcError error) : state_(std::move(error)) {}
  RpcResult(proto::Error error) : state_(RpcError{RpcCode::kFailed, std::move(error.reason)}) {}

  /// Null if there is a value.
  [[nodiscard]] const RpcError* error() const { return std::get_if<RpcError>(&state_); }
  [[nodiscard]] boost::json::value& value() { return std::get<boost::json::value>(state_); }

 private:
  std::variant<boost::json::value, RpcError> state_;
};

/// Calls a method. Methods take one argument or none ("").
using RpcHandler = std::function<RpcResult(std::string_view method, std::string_view argument)>;

/// Requests in one batch; a larger one is an invalid request.
inline constexpr std::size_t kRpcBatchMax = 32;

/// The answer to a request or a batch, in one line without its end; nullopt where the specification wants none: for
/// notifications. `params` is absent, an array of at most one text or number, or {"argument": text or number}.
std::optional<std::string> answer_json_rpc(std::string_view text, const RpcHandler& handler);

}  // namespace weir::controlplane
