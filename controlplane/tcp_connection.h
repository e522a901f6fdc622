// One TCP connection of SIP, accepted or ours. RFC 3261 section 18, keep-alives RFC 5626 section 4.4.1.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "controlplane/transports.h"
#include "sip/framer.h"

namespace weir::controlplane {

/// Shared by the transports' table and its own pending operations; close() ends both.
class TcpConnection : public std::enable_shared_from_this<TcpConnection> {
 public:
  /// Bytes waiting to be sent; a peer that reads slower than this allows is dropped.
  static constexpr std::size_t kQueueBytesMax = 1 << 20;
  static constexpr std::chrono::seconds kConnectTimeout{5};
  /// Without a byte in either direction; RFC 5626 clients ping every two minutes.
  static constexpr std::chrono::seconds kIdle{300};
  /// From the first byte of a message to its last.
  static constexpr std::chrono::seconds kMessage{30};
  /// For the peer to read our last words and close its side.
  static constexpr std::chrono::seconds kFinish{2};

  TcpConnection(Transports& transports, boost::asio::io_context& io, std::uint64_t handle, std::size_t place,
                const proto::Endpoint& remote);

  [[nodiscard]] std::size_t place() const { return place_; }
  [[nodiscard]] const sip::Hop& hop() const { return hop_; }
  [[nodiscard]] boost::asio::ip::tcp::socket& socket() { return socket_; }

  /// One that was asked for and not sent to yet: without use it goes.
  void await_use() { arm(kConnectTimeout); }
  /// An accepted socket: asks who is at its other end. False: it is gone already.
  bool take_remote();
  /// Starts to read an accepted socket, which must bring a whole message in so many milliseconds.
  void start_accepted(std::uint32_t first_message_ms);
  [[nodiscard]] bool accepted() const { return accepted_; }
  /// Sends, or queues while connecting; the first call of an unopened connection opens it from `local`'s address.
  /// False: closed, or the queue is full.
  bool send(std::string_view bytes, const proto::Endpoint& local);
  /// Ends it, without telling the transports.
  void close();

 private:
  enum class State : std::uint8_t { kUnopened, kConnecting, kOpen, kFinishing, kClosed };

  void connect(const proto::Endpoint& local);
  void start();
  void read();
  bool take_frames();
  void write_next();
  void finish();
  void arm(std::chrono::milliseconds time);
  void fail();

  Transports& transports_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer timer_;
  sip::Hop hop_;
  std::size_t place_;
  State state_ = State::kUnopened;
  sip::Framer framer_;
  bool accepted_ = false;
  bool mute_ = false;  ///< accepted, and no whole message has come
  bool mid_message_ = false;
  std::deque<std::string> queue_;
  std::size_t queue_bytes_ = 0;
  std::array<char, 16'384> buffer_;
};

/// Accepts for one listener.
class TcpListener {
 public:
  TcpListener(Transports& transports, boost::asio::io_context& io, std::size_t place);
  proto::Status listen(const proto::Endpoint& local);

 private:
  void accept();

  Transports& transports_;
  boost::asio::io_context& io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  std::size_t place_;
};

}  // namespace weir::controlplane
