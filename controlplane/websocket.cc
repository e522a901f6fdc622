#include "controlplane/websocket.h"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <ctime>
#include <utility>

#include "controlplane/leg.h"
#include "controlplane/utf8.h"
#include "controlplane/web_cookie.h"
#include "controlplane/websocket_upgrade.h"
#include "controlplane/websocket_wire.h"
#include "proto/assert.h"
#include "sip/limits.h"

namespace weir::controlplane {

namespace beast = boost::beast;
using boost::system::error_code;

namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

std::string_view view(beast::flat_buffer& buffer) {
  return {static_cast<const char*>(buffer.data().data()), buffer.size()};
}

}  // namespace

/// The part that is Beast's. Its stream reads from the wire; what it has to say to the peer it writes there.
class WebSocket::Upgraded {
 public:
  Upgraded(boost::asio::io_context& work, std::string& output)
      : work_(work), wire_(output), stream_(WireStream(work, wire_)) {
    stream_.read_message_max(sip::kMessageBytesMax);
    stream_.auto_fragment(false);
    stream_.control_callback([this](auto, auto) { moved_ = true; });
    stream_.set_option(beast::websocket::stream_base::decorator([](beast::websocket::response_type& response) {
      response.set(beast::http::field::server, beast::string_view(kSoftware.data(), kSoftware.size()));
      response.set(beast::http::field::sec_websocket_protocol,
                   beast::string_view(kWebSocketProtocol.data(), kWebSocketProtocol.size()));
    }));
  }

  /// False: Beast has refused it.
  bool accept(const UpgradeRequest& request) {
    error_code error;
    stream_.accept(request, error);
    return !error;
  }

  void feed(std::string_view chunk) {
    moved_ = false;
    wire_.feed(chunk);
    run();
  }

  WebEvent next() {
    if (!reading_ && !ready_ && !ended_) read();
    if (std::exchange(ready_, false)) return {WebEventKind::kMessage, view(message_)};
    if (ended_) return {WebEventKind::kEnd, reason_};
    return {};
  }

  /// A part of a frame's head may lie in Beast's buffer, which says nothing of it: bytes that moved nothing are one.
  [[nodiscard]] bool mid_message() const { return !moved_ || !stream_.is_message_done() || message_.size() != 0; }

  bool send(std::string_view message) {
    if (ended_ || !stream_.is_open()) return false;
    stream_.text(is_utf8(message));
    error_code error;
    stream_.write(boost::asio::buffer(message), error);
    return !error;
  }

  bool ping() {
    if (ended_ || !stream_.is_open()) return false;
    error_code error;
    stream_.ping({}, error);
    return !error;
  }

 private:
  void read() {
    message_ = beast::flat_buffer(sip::kMessageBytesMax + 1);  // who says nothing more for now keeps nothing
    reading_ = true;
    stream_.async_read(message_, [this](const error_code& error, std::size_t) { on_read(error); });
    run();
  }

  void run() {
    work_.restart();
    work_.poll();
  }

  void on_read(const error_code& error) {
    reading_ = false;
    moved_ = true;
    ready_ = !error;
    ended_ = !ready_;
    if (ready_) return;
    reason_ = error == beast::websocket::error::closed ? "the peer closed it" : error.message();
  }

  boost::asio::io_context& work_;
  beast::flat_buffer message_;
  Wire wire_;  // a read that waits holds a part of the stream: it goes after it
  beast::websocket::stream<WireStream, false> stream_;
  bool reading_ = false;
  bool ready_ = false;  ///< a message is whole and not given yet
  bool moved_ = true;   ///< by what was fed last: a message or a control frame came to its end
  bool ended_ = false;
  std::string reason_;
};

WebSocket::WebSocket(boost::asio::io_context& work, const proto::settings::RealmWebSocketSettings& rules,
                     std::shared_ptr<const PageFiles> page, std::shared_ptr<const CookieGate> cookie)
    : work_(work), rules_(rules), page_(std::move(page)), cookie_(std::move(cookie)) {}

WebSocket::~WebSocket() = default;

void WebSocket::feed(std::string_view chunk) {
  if (upgraded_ != nullptr) return upgraded_->feed(chunk);
  head_.append(chunk);
}

WebEvent WebSocket::next() {
  return upgraded_ != nullptr ? upgraded_->next() : next_upgrade();
}

WebEvent WebSocket::next_upgrade() {
  if (!refusal_.empty()) return {WebEventKind::kRefused, refusal_};
  const std::size_t end = head_.find(kHeadEnd);
  const bool too_long = (end == std::string::npos ? head_.size() : end + kHeadEnd.size()) > kUpgradeBytesMax;
  if (end == std::string::npos && !too_long) return {};
  const std::string come = std::exchange(head_, {});
  if (too_long) return refuse(refuse_long_upgrade());
  auto read = read_upgrade(std::string_view(come).substr(0, end + kHeadEnd.size()), rules_, page_.get());
  if (auto* refusal = std::get_if<UpgradeRefusal>(&read)) return refuse(std::move(*refusal));
  if (auto* answer = std::get_if<PageAnswer>(&read)) {
    output_ += answer->head;
    return {WebEventKind::kPage, {}, std::move(answer->body)};
  }
  if (cookie_ != nullptr) {
    auto judged = cookie_->judge(std::get<UpgradeRequest>(read), std::time(nullptr));
    if (auto* refusal = std::get_if<UpgradeRefusal>(&judged)) return refuse(std::move(*refusal));
    vouched_ = std::make_unique<const Vouched>(std::get<Vouched>(std::move(judged)));
  }
  auto upgraded = std::make_unique<Upgraded>(work_, output_);
  if (!upgraded->accept(std::get<UpgradeRequest>(read))) {
    refusal_ = "a malformed WebSocket handshake";
    return {WebEventKind::kRefused, refusal_};
  }
  upgraded_ = std::move(upgraded);
  page_ = nullptr;
  cookie_ = nullptr;
  if (const std::string_view rest = std::string_view(come).substr(end + kHeadEnd.size()); !rest.empty()) {
    upgraded_->feed(rest);
  }
  return {WebEventKind::kOpen, {}};
}

WebEvent WebSocket::refuse(UpgradeRefusal refusal) {
  output_ += refusal.response;
  refusal_ = std::move(refusal.reason);
  return {WebEventKind::kRefused, refusal_};
}

bool WebSocket::mid_message() const {
  return upgraded_ == nullptr ? !head_.empty() : upgraded_->mid_message();
}

bool WebSocket::send(std::string_view message) {
  return upgraded_ != nullptr && upgraded_->send(message);
}

bool WebSocket::ping() {
  return upgraded_ != nullptr && upgraded_->ping();
}

std::string WebSocket::take_output() {
  return std::exchange(output_, {});
}

}  // namespace weir::controlplane
