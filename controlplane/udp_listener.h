// The UDP sockets of a place where SIP is listened for. A datagram is a message (RFC 3261 section 18.3).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <cstdint>
#include <string_view>

#include "controlplane/transports.h"

namespace weir::controlplane {

/// Two at one address: new INVITEs wait in a socket of their own (see part_invites()), of which few are read in turn.
/// Whatever happens there, calls in progress are served. All that is sent goes out of the first.
class UdpListener {
 public:
  /// `handle` is what its hops carry.
  UdpListener(Transports& transports, boost::asio::io_context& io, std::uint64_t handle);

  /// Binds and starts to read. Fails if anybody is bound there.
  proto::Status listen(const proto::Endpoint& local);
  /// False: the kernel did not take it.
  bool send(const proto::Endpoint& remote, std::string_view bytes);
  /// Datagrams that came while the kernel's buffers were full.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  using Socket = boost::asio::ip::udp::socket;

  /// `buffer_bytes` 0: it may not share its address.
  proto::Status open(Socket& socket, const boost::asio::ip::udp::endpoint& local, int buffer_bytes);
  void part_newcomers(const boost::asio::ip::udp::endpoint& local);
  void make_room(Socket& socket, int bytes);
  void wait(Socket& socket);
  void read_some(Socket& socket);

  /// Kernel buffer in bytes: a second of 5,000 messages of 1,600 bytes. What waits there longer than [limits] says is
  /// what shows an overload, so it must be able to wait.
  static constexpr int kReceiveBufferBytes = 8 << 20;
  /// A tenth of a second of new calls: what would wait longer is better dropped, and asked again by its caller (RFC
  /// 3261 section 17.1.1.2).
  static constexpr int kNewcomersBufferBytes = 2 << 20;
  /// New INVITEs read before others get their turn: each brings several other messages.
  static constexpr std::size_t kNewcomersAtOnce = 8;

  Transports& transports_;
  Socket socket_;
  Socket newcomers_;  ///< closed: the kernel cannot part them, and socket_ has all
  std::uint64_t handle_;
};

}  // namespace weir::controlplane
