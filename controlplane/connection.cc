#include "controlplane/connection.h"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "controlplane/sockets.h"

namespace weir::controlplane {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

/// Reads before others get their turn.
constexpr int kBatch = 8;
constexpr std::string_view kPing = "\r\n\r\n";
constexpr std::string_view kPongText = "\r\n";

}  // namespace

Connection::Connection(Transports& transports, asio::io_context& io, std::uint64_t handle, Way way)
    : transports_(transports),
      socket_(io),
      timer_(io),
      hop_{handle, way.remote, sip::Reliability::kReliable},
      way_(std::move(way)),
      used_(Clock::now()) {}

bool Connection::take_remote() {
  accepted_ = true;
  error_code error;
  const tcp::endpoint remote = socket_.remote_endpoint(error);
  if (error) return false;
  hop_.remote = way_.remote = from_asio(remote);
  return true;
}

void Connection::start_accepted() {
  mute_ = true;
  start_stream();
}

void Connection::connect() {
  state_ = State::kConnecting;
  opened_ = true;
  transports_.on_opening();
  due_in(kConnectTimeout);
  error_code error;
  const tcp::endpoint remote = to_asio<tcp::endpoint>(way_.remote);
  socket_.open(remote.protocol(), error);
  if (!error) socket_.bind({to_asio<tcp::endpoint>(transports_.local_of(way_)).address(), 0}, error);
  // A failure here is reported as one of the connection attempt: send() may not call back into the layer.
  socket_.async_connect(remote, [self = shared_from_this()](const error_code& failure) {
    if (self->state_ != State::kConnecting) return;
    if (failure) return self->fail(ConnectionEnd::kBroken, "cannot connect: " + failure.message());
    self->start_stream();
  });
}

void Connection::start_stream() {
  error_code error;
  socket_.set_option(tcp::no_delay(true), error);
  socket_.non_blocking(true, error);
  stream_ = transports_.make_stream(socket_.native_handle(), way_, accepted_);
  state_ = State::kHandshaking;
  // Ours has the time that is left of connecting.
  if (accepted_) due_in(transports_.handshake_time());
  shake_hands();
}

void Connection::shake_hands() {
  const Progress progress = stream_->handshake();
  if (progress == Progress::kDone) return on_open();
  if (progress == Progress::kFailed) return fail(ConnectionEnd::kBroken, stream_->failure());
  wait_for(progress);
}

void Connection::on_open() {
  if (accepted_) way_.place = transports_.place_chosen(way_, stream_->chosen());
  web_ = transports_.make_websocket(way_);
  state_ = State::kOpen;
  transports_.on_open(*this);
  due_in(mute_ ? transports_.first_message_time() : quiet_time());
  read_again();
  write_soon();
}

bool Connection::send(std::string_view message) {
  if (message.size() > kPing.size()) used_ = Clock::now();
  if (web_ == nullptr) return queue(message);
  return state_ == State::kOpen && web_->send(message) && queue(web_->take_output());
}

bool Connection::queue(std::string_view bytes) {
  if (state_ == State::kClosed || state_ == State::kFinishing) return false;
  if (queue_bytes_ + bytes.size() > kQueueBytesMax || !transports_.may_queue(bytes.size())) return false;
  if (state_ == State::kUnopened && !transports_.may_open()) return false;
  if (queue_.empty()) write_due_ = Clock::now() + kStall;
  queue_.emplace_back(bytes);
  queue_bytes_ += bytes.size();
  transports_.on_queued(bytes.size());
  if (state_ == State::kUnopened) {
    connect();
  } else if (state_ == State::kOpen && queue_.size() == 1) {
    write_soon();
  }
  return true;
}

/// Whatever was waited for has come, or may have.
void Connection::on_ready() {
  if (state_ == State::kHandshaking) return shake_hands();
  if (state_ == State::kOpen || state_ == State::kFinishing) read_some();
  if (state_ == State::kOpen || state_ == State::kFinishing) write_some();
}

void Connection::read_some() {
  for (int i = 0; i < kBatch; ++i) {
    const std::span<char> buffer = transports_.read_buffer();
    const Transfer transfer = stream_->read(buffer);
    switch (transfer.progress) {
      case Progress::kWantsRead:
      case Progress::kWantsWrite:
        return wait_for(transfer.progress);
      case Progress::kEnded:
        return fail(ConnectionEnd::kOrderly, "the peer closed it");
      case Progress::kFailed:
        return fail(ConnectionEnd::kBroken, stream_->failure());
      case Progress::kDone:
        break;
    }
    if (state_ == State::kFinishing) continue;
    const std::string_view bytes(buffer.data(), transfer.bytes);
    if (web_ != nullptr) {
      take_web_frames(bytes);
    } else {
      framer_.feed(bytes);
      if (pinged_) framer_.skip_pong();
      pinged_ = false;
      take_frames();
    }
    if (state_ != State::kOpen && state_ != State::kFinishing) return;
  }
  read_again();
}

void Connection::take_frames() {
  for (;;) {
    const sip::Frame frame = framer_.next();
    switch (frame.kind) {
      case sip::FrameKind::kNone:
        return await_rest(framer_.mid_message());
      case sip::FrameKind::kMessage:
        mute_ = false;
        mid_message_ = false;
        used_ = Clock::now();
        transports_.on_bytes(frame.bytes, hop_, this);
        if (state_ != State::kOpen) return;
        break;
      case sip::FrameKind::kPing:
        send(kPongText);
        break;
      case sip::FrameKind::kError:
        transports_.on_broken_frame(frame, hop_);
        return finish("its bytes are no messages");
    }
  }
}

/// Neither pings nor half a message buy time for one who has not said anything whole. A message must end within its
/// time, however slowly its bytes drip.
void Connection::await_rest(bool mid_message) {
  if (mute_) return;
  if (!mid_message) due_in(quiet_time());
  if (mid_message && !mid_message_) due_in(kMessage);
  mid_message_ = mid_message;
}

void Connection::take_web_frames(std::string_view bytes) {
  pinged_ = false;
  web_->feed(bytes);
  for (;;) {
    const WebEvent event = web_->next();
    if (const std::string answer = web_->take_output(); !answer.empty() && !queue(answer)) {
      return fail(ConnectionEnd::kBroken, "the peer does not read");
    }
    switch (event.kind) {
      case WebEventKind::kNone:
        return await_rest(web_->mid_message());
      case WebEventKind::kOpen:
        take_upgrade();
        break;
      case WebEventKind::kMessage:
        take_web_message(event.text);
        if (state_ != State::kOpen) return;
        break;
      case WebEventKind::kRefused:
        transports_.on_upgrade(*this, event.text);
        return finish(event.text);
      case WebEventKind::kPage:
        return give_page(event.page);
      case WebEventKind::kEnd:
        return finish(event.text);
    }
  }
}

void Connection::take_upgrade() {
  mute_ = false;
  used_ = Clock::now();
  transports_.on_upgrade(*this, "");
}

/// Its head is queued. One who asks for pages only is no worse than one who asks for a WebSocket: not mute.
void Connection::give_page(std::shared_ptr<const std::string> body) {
  transports_.on_page_request();
  file_ = std::move(body);
  finish("a page was asked for");
}

/// RFC 5626 section 4.4.1's pings come as messages of their own (RFC 7118 section 6); nothing else that short is any.
void Connection::take_web_message(std::string_view message) {
  mid_message_ = false;
  if (message == kPing) return void(send(kPongText));
  if (message.empty() || message == kPongText) return;
  spoke_ = true;
  used_ = Clock::now();
  transports_.on_bytes(message, hop_, this);
}

std::string_view Connection::unwritten() const {
  if (!queue_.empty()) return std::string_view(queue_.front()).substr(written_);
  return file_ == nullptr ? std::string_view() : std::string_view(*file_).substr(written_);
}

void Connection::write_some() {
  for (std::string_view rest = unwritten(); !rest.empty(); rest = unwritten()) {
    const Transfer transfer = stream_->write(rest);
    if (transfer.progress == Progress::kWantsRead || transfer.progress == Progress::kWantsWrite) {
      return wait_for(transfer.progress);
    }
    if (transfer.progress != Progress::kDone) return fail(ConnectionEnd::kBroken, stream_->failure());
    write_due_ = Clock::now() + kStall;
    take_written(transfer.bytes);
  }
  write_due_ = Clock::time_point::max();
  if (state_ != State::kFinishing || writing_ended_) return;
  writing_ended_ = true;
  stream_->end_writing();
  due_in(kFinish);
}

void Connection::take_written(std::size_t bytes) {
  written_ += bytes;
  if (queue_.empty()) return;  // it was of the file
  queue_bytes_ -= bytes;
  transports_.on_unqueued(bytes);
  if (written_ < queue_.front().size()) return;
  queue_.pop_front();
  written_ = 0;
}

void Connection::wait_for(Progress what) {
  const bool reading = what == Progress::kWantsRead;
  bool& awaited = reading ? awaits_read_ : awaits_write_;
  if (awaited) return;
  awaited = true;
  socket_.async_wait(reading ? tcp::socket::wait_read : tcp::socket::wait_write,
                     [self = shared_from_this(), reading](const error_code&) {
                       (reading ? self->awaits_read_ : self->awaits_write_) = false;
                       self->on_ready();
                     });
}

/// After others have had their turn: TLS may hold bytes that the socket does not show.
void Connection::read_again() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->on_ready(); });
}

void Connection::write_soon() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->state_ == State::kOpen || self->state_ == State::kFinishing) self->write_some();
  });
}

/// Says what is queued and hears no more. Closed with bytes unread a socket sends a reset, which may overtake the
/// answer: so our side ends first, and what still comes is read and thrown away until the peer's side ends too.
void Connection::finish(std::string_view reason) {
  if (queue_.empty()) return fail(ConnectionEnd::kOrderly, reason);
  state_ = State::kFinishing;
  mute_ = false;
  due_in(file_ == nullptr ? kFinish : kFile);
}

/// How long nothing may come before we ping: one of ours, or a browser, which has no ping of its own. 0: we never do.
std::chrono::milliseconds Connection::keepalive_time() const {
  if (web_ != nullptr) return transports_.websocket_ping_time(way_);
  return accepted_ ? std::chrono::milliseconds(0) : transports_.keepalive_time();
}

/// How long nothing may come before something is done about it.
std::chrono::milliseconds Connection::quiet_time() const {
  if (keepalive_time().count() == 0) return transports_.idle_time(way_);
  return pinged_ ? std::chrono::milliseconds(kPong) : keepalive_time();
}

void Connection::due_in(std::chrono::milliseconds time) {
  due_ = Clock::now() + time;
  arm();
}

/// The timer is set for the earlier of the two moments; one that moved away is looked at when it would have been.
void Connection::arm() {
  const Clock::time_point next = std::min(due_, write_due_);
  if (timer_.expiry() > Clock::now() && timer_.expiry() <= next) return;
  timer_.expires_at(next);
  timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    const std::shared_ptr<Connection> self = weak.lock();
    if (!error && self != nullptr && self->state_ != State::kClosed) self->on_timer();
  });
}

void Connection::on_timer() {
  const Clock::time_point now = Clock::now();
  if (now >= write_due_ && state_ != State::kConnecting && state_ != State::kHandshaking) {
    return fail(ConnectionEnd::kBroken, "the peer does not read");
  }
  if (now >= due_) on_due();
  if (state_ != State::kClosed) arm();
}

void Connection::on_due() {
  switch (state_) {
    case State::kClosed:
      return;
    case State::kConnecting:
      return fail(ConnectionEnd::kBroken, "cannot connect in time");
    case State::kHandshaking:
      return fail(ConnectionEnd::kBroken, "no TLS handshake in time");
    case State::kUnopened:
    case State::kFinishing:
      return fail(ConnectionEnd::kOrderly, "it is done with");
    case State::kOpen:
      if (mute_) transports_.on_mute();
      if (mute_ || mid_message_) return fail(ConnectionEnd::kOrderly, "no whole message in time");
      return ping_or_close();
  }
}

/// Nothing has come for quiet_time().
void Connection::ping_or_close() {
  if (keepalive_time().count() == 0) return fail(ConnectionEnd::kOrderly, "it is idle");
  if (pinged_) return fail(ConnectionEnd::kBroken, "no answer to a ping");
  const Clock::duration unused_max = web_ == nullptr ? Clock::duration(kUnused)
                                     : spoke_        ? Clock::duration(kWebSocketUnused)
                                                     : transports_.idle_time(way_);
  if (Clock::now() - used_ > unused_max) return fail(ConnectionEnd::kOrderly, "it is not used");
  pinged_ = web_ == nullptr ? send(kPing) : web_->ping() && queue(web_->take_output());
  due_in(kPong);
}

void Connection::close() {
  state_ = State::kClosed;
  stream_.reset();
  web_.reset();  // handlers that wait may keep us longer than the transports
  error_code ignored;
  timer_.cancel();
  socket_.close(ignored);
}

void Connection::fail(ConnectionEnd end, std::string_view reason) {
  const std::shared_ptr<Connection> self = shared_from_this();  // the table's share goes
  const std::string why(reason);                                // may be the stream's
  transports_.on_closing(*this, end, !queue_.empty(), why);
}

}  // namespace weir::controlplane
