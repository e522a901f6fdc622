// The management socket: JSON-RPC 2.0 over a unix stream socket, a request or a batch a line, and a line for its
// answer.
//   {"jsonrpc": "2.0", "method": "call", "params": ["17"], "id": 1}   ->   {"jsonrpc": "2.0", "result": {...}, "id": 1}
// It knows nothing of calls: a handler answers. One thread, the shard's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "controlplane/json_rpc.h"
#include "proto/result.h"

namespace weir::controlplane {

/// The longest request line in bytes: a batch of kRpcBatchMax, each with an argument.
inline constexpr std::size_t kAdminRequestBytesMax = 8192;
/// Connections at once; one more is closed unanswered.
inline constexpr std::size_t kAdminConnectionsMax = 32;
/// A connection without a whole request for this long is closed.
inline constexpr std::uint32_t kAdminIdleSeconds = 10;

class AdminServer {
 public:
  /// Listens at `path` with mode 0660; `handler` runs on the shard, so it is quick;
  /// it may reply later, and the connection waits. A socket that an earlier process
  /// left is replaced; one that answers is not. Errors: another process listens there, the directory does not exist or
  /// may not be written.
  static proto::Result<std::unique_ptr<AdminServer>> listen(boost::asio::io_context& io, const std::string& path,
                                                            RpcHandler handler);
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;
  /// Stops listening and removes the socket; connections end.
  ~AdminServer();

 private:
  class Connection;
  struct State;

  AdminServer(boost::asio::io_context& io, std::string path, RpcHandler handler);
  void accept();

  std::shared_ptr<State> state_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  std::string path_;
};

}  // namespace weir::controlplane
