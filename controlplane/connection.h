// One stream connection of SIP, TCP or TLS, accepted or ours, or a WebSocket over either, accepted: messages in,
// messages out, and the time all of it may take. RFC 3261 section 18, RFC 7118, keep-alives RFC 5626 section 4.4.1.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "controlplane/byte_stream.h"
#include "controlplane/transports.h"
#include "controlplane/websocket.h"
#include "sip/framer.h"

namespace weir::controlplane {

/// Shared by the transports' table and its own pending operations; close() ends both.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;

  /// Bytes waiting to be sent; a peer that reads slower than this allows is dropped.
  static constexpr std::size_t kQueueBytesMax = 512 << 10;
  /// For a connection of ours to be open, TLS handshake included.
  static constexpr std::chrono::seconds kConnectTimeout{5};
  /// For one of ours that was asked for to be used: as long as a request tries its targets one after the other.
  static constexpr std::chrono::seconds kUnopened{240};
  /// One of ours without a message in either direction, however well pings are answered.
  static constexpr std::chrono::seconds kUnused{1800};
  /// The same of a WebSocket: a registration of an hour is renewed in it, and one of the longest that is usual too.
  static constexpr std::chrono::seconds kWebSocketUnused{7800};
  /// For a ping of ours to be answered (RFC 5626 section 4.4.1).
  static constexpr std::chrono::seconds kPong{10};
  /// From the first byte of a message to its last.
  static constexpr std::chrono::seconds kMessage{30};
  /// For the peer to take some of what is queued.
  static constexpr std::chrono::seconds kStall{30};
  /// For the peer to read our last words and close its side.
  static constexpr std::chrono::seconds kFinish{2};
  /// For it to read a file: the largest that there may be, at 300 kbit/s.
  static constexpr std::chrono::seconds kFile{30};

  Connection(Transports& transports, boost::asio::io_context& io, std::uint64_t handle, Way way);

  [[nodiscard]] const Way& way() const { return way_; }
  [[nodiscard]] const sip::Hop& hop() const { return hop_; }
  [[nodiscard]] boost::asio::ip::tcp::socket& socket() { return socket_; }
  [[nodiscard]] bool accepted() const { return accepted_; }
  /// One of ours: more than asked for.
  [[nodiscard]] bool was_opened() const { return opened_; }
  [[nodiscard]] bool connecting() const { return state_ == State::kConnecting; }
  [[nodiscard]] bool shaking_hands() const { return state_ == State::kHandshaking; }
  /// Whom its certificate proves the peer to be; nullptr: nobody.
  [[nodiscard]] const TlsIdentity* peer() const { return stream_ == nullptr ? nullptr : stream_->peer(); }

  /// Whom the upgrade of a WebSocket has vouched for; nullptr: nobody.
  [[nodiscard]] const Vouched* vouched() const { return web_ == nullptr ? nullptr : web_->vouched(); }

  /// One that was asked for and not sent to yet: without use it goes.
  void await_use() { due_in(kUnopened); }
  /// An accepted socket: asks who is at its other end. False: it is gone already.
  bool take_remote();
  /// Starts an accepted socket, which must bring a whole message in so many milliseconds.
  void start_accepted();
  /// Sends a message, or queues it while connecting; the first call of an unopened connection opens it.
  /// False: closed, a WebSocket that is not open yet, the queue is full, or too many are open.
  bool send(std::string_view message);
  /// Ends it, without telling the transports.
  void close();
  [[nodiscard]] std::size_t queue_bytes() const { return queue_bytes_; }

 private:
  enum class State : std::uint8_t { kUnopened, kConnecting, kHandshaking, kOpen, kFinishing, kClosed };

  void connect();
  void start_stream();
  void shake_hands();
  void on_open();

  void on_ready();
  void read_some();
  void take_frames();
  void take_web_frames(std::string_view bytes);
  void take_web_message(std::string_view message);
  void take_upgrade();
  void give_page(std::shared_ptr<const std::string> body);
  void await_rest(bool mid_message);
  bool queue(std::string_view bytes);
  [[nodiscard]] std::string_view unwritten() const;
  void write_some();
  void take_written(std::size_t bytes);
  void wait_for(Progress what);
  void read_again();
  void write_soon();

  void finish(std::string_view reason);
  void due_in(std::chrono::milliseconds time);
  void arm();
  void on_timer();
  void on_due();
  void ping_or_close();
  [[nodiscard]] std::chrono::milliseconds keepalive_time() const;
  [[nodiscard]] std::chrono::milliseconds quiet_time() const;
  void fail(ConnectionEnd end, std::string_view reason);

  Transports& transports_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<ByteStream> stream_;  ///< from the moment the socket is connected
  sip::Hop hop_;
  Way way_;
  State state_ = State::kUnopened;
  sip::Framer framer_;
  std::unique_ptr<WebSocket> web_;  ///< cuts the bytes instead of the framer; null: TCP, TLS
  bool accepted_ = false;
  bool opened_ = false;
  bool mute_ = false;   ///< accepted, and no whole message has come, or no upgrade to WebSocket
  bool spoke_ = false;  ///< a message has come
  bool mid_message_ = false;
  bool pinged_ = false;  ///< and nothing has come since
  bool awaits_read_ = false;
  bool awaits_write_ = false;
  bool writing_ended_ = false;
  std::list<std::string> queue_;
  std::size_t queue_bytes_ = 0;
  std::shared_ptr<const std::string> file_;  ///< follows the queue and ends it all; everybody's, so that it counts not
  std::size_t written_ = 0;                  ///< of the queue's first, or the file
  // What the timer looks at: when the peer must have sent what it owes, and when it must have read some.
  Clock::time_point due_ = Clock::time_point::max();
  Clock::time_point write_due_ = Clock::time_point::max();
  Clock::time_point used_;  ///< the last message in either direction
};

}  // namespace weir::controlplane
