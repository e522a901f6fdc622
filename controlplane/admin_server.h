// The management socket: JSON requests and answers, a line each, over a unix stream socket.
//   {"command": "call", "argument": "17"}   ->   {"ok": true, "result": {...}}   or   {"ok": false, "error": "..."}
// It knows nothing of calls: a handler answers. One thread, the shard's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "proto/result.h"

namespace weir::controlplane {

/// A request's answer, or why there is none. Quick: it runs on the shard.
using AdminHandler =
    std::function<proto::Result<boost::json::value>(std::string_view command, std::string_view argument)>;

/// The longest request line in bytes: a command and one argument.
inline constexpr std::size_t kAdminRequestBytesMax = 1024;
/// Connections at once; one more is closed unanswered.
inline constexpr std::size_t kAdminConnectionsMax = 32;
/// A connection without a whole request for this long is closed.
inline constexpr std::uint32_t kAdminIdleSeconds = 10;

class AdminServer {
 public:
  /// Listens at `path` with mode 0660. A socket that an earlier process left is replaced; one that answers is not.
  /// Errors: another process listens there, the directory does not exist or may not be written.
  static proto::Result<std::unique_ptr<AdminServer>> listen(boost::asio::io_context& io, const std::string& path,
                                                            AdminHandler handler);
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;
  /// Stops listening and removes the socket; connections end.
  ~AdminServer();

 private:
  class Connection;
  struct State;

  AdminServer(boost::asio::io_context& io, std::string path, AdminHandler handler);
  void accept();

  std::shared_ptr<State> state_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  std::string path_;
};

/// One request line's answer as the server writes it, without the line's end: the protocol without its socket.
std::string answer_admin_request(std::string_view line, const AdminHandler& handler);

}  // namespace weir::controlplane
