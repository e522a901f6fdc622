// One UDP socket of SIP. A datagram is a message (RFC 3261 section 18.3).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <cstdint>
#include <string_view>

#include "controlplane/transports.h"

namespace weir::controlplane {

class UdpListener {
 public:
  /// `handle` is what its hops carry.
  UdpListener(Transports& transports, boost::asio::io_context& io, std::uint64_t handle);

  /// Binds and starts to read.
  proto::Status listen(const proto::Endpoint& local);
  /// False: the kernel did not take it.
  bool send(const proto::Endpoint& remote, std::string_view bytes);
  /// See let_in_invites().
  void let_in(double share);

 private:
  void wait();
  void read_some();

  void make_room();

  /// Kernel buffer in bytes: a second of 5,000 messages of 1,600 bytes. What waits there longer than [limits] says is
  /// what shows an overload, so it must be able to wait.
  static constexpr int kReceiveBufferBytes = 8 << 20;

  Transports& transports_;
  boost::asio::ip::udp::socket socket_;
  std::uint64_t handle_;
};

}  // namespace weir::controlplane
