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

/// Takes what a method gave. It is called once: within the method, or later by the same thread.
using RpcReply = std::function<void(RpcResult result)>;

/// Calls a method. Methods take one argument or none ("").
using RpcHandler = std::function<void(std::string_view method, std::string_view argument, RpcReply reply)>;

/// A handler of methods that all give their results at once.
RpcHandler at_once(std::function<RpcResult(std::string_view method, std::string_view argument)> methods);

/// Requests in one batch; a larger one is an invalid request.
inline constexpr std::size_t kRpcBatchMax = 32;

/// An answer in one line without its end; nullopt where the specification wants none: for notifications.
using RpcAnswer = std::optional<std::string>;

/// Answers a request or a batch; `done` is called once, when the last of its methods has replied. `params` is absent,
/// an array of at most one text or number, or {"argument": text or number}.
void answer_json_rpc(std::string_view text, const RpcHandler& handler, std::function<void(RpcAnswer answer)> done);

}  // namespace weir::controlplane
