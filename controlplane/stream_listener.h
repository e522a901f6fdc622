// Accepts connections, TCP or TLS, for one address.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>

#include "controlplane/transports.h"

namespace weir::controlplane {

class StreamListener {
 public:
  /// `place`: the first of those that share the address.
  StreamListener(Transports& transports, boost::asio::io_context& io, std::size_t place);
  /// Binds and starts to accept.
  proto::Status listen(const Place& place);

 private:
  void accept();

  Transports& transports_;
  boost::asio::io_context& io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  std::size_t place_;
};

}  // namespace weir::controlplane
