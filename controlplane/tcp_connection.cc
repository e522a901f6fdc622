#include "controlplane/tcp_connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/write.hpp>

#include "controlplane/sockets.h"

namespace weir::controlplane {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

TcpConnection::TcpConnection(Transports& transports, asio::io_context& io, std::uint64_t handle, std::size_t place,
                             const proto::Endpoint& remote)
    : transports_(transports),
      socket_(io),
      timer_(io),
      hop_{handle, remote, sip::Reliability::kReliable},
      place_(place) {}

bool TcpConnection::take_remote() {
  error_code error;
  const tcp::endpoint remote = socket_.remote_endpoint(error);
  if (!error) hop_.remote = from_asio(remote);
  return !error;
}

void TcpConnection::start_accepted(std::uint32_t first_message_ms) {
  accepted_ = true;
  mute_ = true;
  start();
  arm(std::chrono::milliseconds(first_message_ms));
}

void TcpConnection::start() {
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  state_ = State::kOpen;
  arm(kIdle);
  read();
}

void TcpConnection::connect(const proto::Endpoint& local) {
  state_ = State::kConnecting;
  arm(kConnectTimeout);
  error_code error;
  const tcp::endpoint remote = to_asio<tcp::endpoint>(hop_.remote);
  socket_.open(remote.protocol(), error);
  if (!error) socket_.bind({to_asio<tcp::endpoint>(local).address(), 0}, error);
  // A failure here is reported as one of the connection attempt: send() may not call back into the layer.
  socket_.async_connect(remote, [self = shared_from_this()](const error_code& failure) {
    if (self->state_ != State::kConnecting) return;
    if (failure) return self->fail();
    self->start();
    self->write_next();
  });
}

bool TcpConnection::send(std::string_view bytes, const proto::Endpoint& local) {
  if (state_ == State::kClosed || state_ == State::kFinishing || queue_bytes_ + bytes.size() > kQueueBytesMax)
    return false;
  queue_.emplace_back(bytes);
  queue_bytes_ += bytes.size();
  if (state_ == State::kUnopened) {
    connect(local);
  } else if (state_ == State::kOpen && queue_.size() == 1) {
    write_next();
  }
  return true;
}

void TcpConnection::write_next() {
  error_code ignored;
  if (queue_.empty() && state_ == State::kFinishing) socket_.shutdown(tcp::socket::shutdown_send, ignored);
  if (queue_.empty()) return;
  asio::async_write(socket_, asio::buffer(queue_.front()),
                    [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                      if (self->state_ == State::kClosed) return;
                      if (error) return self->fail();
                      self->queue_bytes_ -= bytes;
                      self->queue_.pop_front();
                      self->write_next();
                    });
}

void TcpConnection::read() {
  socket_.async_read_some(asio::buffer(buffer_),
                          [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                            if (self->state_ == State::kClosed) return;
                            if (error) return self->fail();
                            if (self->state_ == State::kFinishing) return self->read();
                            self->framer_.feed({self->buffer_.data(), bytes});
                            if (self->take_frames()) self->read();
                          });
}

/// False: the connection is closed.
bool TcpConnection::take_frames() {
  for (;;) {
    const sip::Frame frame = framer_.next();
    switch (frame.kind) {
      case sip::FrameKind::kNone: {
        if (mute_) return true;  // neither pings nor half a message buy it time
        // A message must end within its time, however slowly its bytes drip.
        const bool mid_message = framer_.mid_message();
        if (!mid_message) arm(kIdle);
        if (mid_message && !mid_message_) arm(kMessage);
        mid_message_ = mid_message;
        return true;
      }
      case sip::FrameKind::kMessage:
        mute_ = false;
        mid_message_ = false;
        transports_.on_bytes(frame.bytes, hop_);
        if (state_ != State::kOpen) return false;
        break;
      case sip::FrameKind::kPing:
        send("\r\n", {});
        break;
      case sip::FrameKind::kError:
        transports_.on_broken_frame(frame, hop_);
        finish();
        return state_ == State::kFinishing;
    }
  }
}

/// Says what is queued and hears no more. Closed with bytes unread a socket sends a reset, which may overtake the
/// answer: so our side ends first, and what still comes is read and thrown away until the peer's side ends too.
void TcpConnection::finish() {
  if (queue_.empty()) return fail();
  state_ = State::kFinishing;
  mute_ = false;
  arm(kFinish);
}

void TcpConnection::arm(std::chrono::milliseconds time) {
  timer_.expires_after(time);
  timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    const std::shared_ptr<TcpConnection> self = weak.lock();
    if (error || self == nullptr || self->state_ == State::kClosed) return;
    if (self->timer_.expiry() > std::chrono::steady_clock::now()) return;  // set anew while this was on its way
    if (self->mute_) self->transports_.on_mute();
    self->fail();
  });
}

void TcpConnection::close() {
  state_ = State::kClosed;
  error_code ignored;
  timer_.cancel();
  socket_.close(ignored);
}

void TcpConnection::fail() {
  const std::shared_ptr<TcpConnection> self = shared_from_this();  // the table's share goes
  const bool lost = !queue_.empty();
  close();
  transports_.on_closed(hop_.handle, lost);
}

TcpListener::TcpListener(Transports& transports, asio::io_context& io, std::size_t place)
    : transports_(transports), io_(io), acceptor_(io), pause_(io), place_(place) {}

proto::Status TcpListener::listen(const proto::Endpoint& local) {
  const tcp::endpoint endpoint = to_asio<tcp::endpoint>(local);
  error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (!error && endpoint.address().is_v6()) acceptor_.set_option(asio::ip::v6_only(true), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return proto::Error{"cannot listen at tcp:" + proto::to_string(local) + ": " + error.message()};
  accept();
  return proto::success();
}

void TcpListener::accept() {
  auto connection =
      std::make_shared<TcpConnection>(transports_, io_, transports_.next_handle(), place_, proto::Endpoint{});
  acceptor_.async_accept(connection->socket(), [this, connection](const error_code& error) {
    if (error == asio::error::operation_aborted) return;
    if (!error) {
      transports_.on_accepted(connection);
      return accept();
    }
    // Out of descriptors, say: waiting is the only cure, and spinning none.
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait([this](const error_code& stopped) {
      if (!stopped) accept();
    });
  });
}

}  // namespace weir::controlplane
