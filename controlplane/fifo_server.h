// Management over a pair of named pipes: JSON-RPC 2.0, a request or a batch a line into one, its answer a line out of
// the other. For who has no sockets: echo '{"jsonrpc":"2.0","method":"status","id":1}' > REQUEST; head -1 RESPONSE.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "controlplane/json_rpc.h"
#include "proto/result.h"
#include "proto/settings/fifo_settings.h"

namespace weir::controlplane {

/// One request at a time: the next is read when the answer has gone, or nobody took it. An answer ends with its line:
/// the pipe may end before it, when the answer before had not quite gone. One thread, the shard's.
class FifoServer {
 public:
  /// An answer that nobody reads for so long is thrown away.
  static constexpr std::uint32_t kReaderSeconds = 5;
  /// The longest request line in bytes; a longer one is answered as no JSON.
  static constexpr std::size_t kRequestBytesMax = 8192;

  /// Makes the pipes that are not there, gives both their mode, owner and group, and listens. `handler` runs on the
  /// shard, so it is quick; it may reply later, and the pipes wait. Errors: which permission is missing
  /// (explain_refusal), something else lies there, no such user or group, or this process may not give them away.
  static proto::Result<std::unique_ptr<FifoServer>> open(boost::asio::io_context& io,
                                                         const proto::settings::FifoSettings& settings,
                                                         RpcHandler handler);
  FifoServer(const FifoServer&) = delete;
  FifoServer& operator=(const FifoServer&) = delete;
  /// The pipes stay: others may have them open.
  ~FifoServer();

 private:
  struct State;
  explicit FifoServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace weir::controlplane
