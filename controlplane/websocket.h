// A WebSocket as its server sees it, without a socket: bytes in, SIP messages out, and back. RFC 6455 (Boost.Beast's)
// with RFC 7118's subprotocol: one SIP message is one WebSocket message. Compression is never agreed to.
//
// What it holds is bounded by what has come, never by what a peer says will come: the head of the upgrade by
// kUpgradeBytesMax, a message by sip::kMessageBytesMax, in however many fragments.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proto/settings/transport_settings.h"

namespace weir::controlplane {

class CookieGate;
class PageFiles;
struct UpgradeRefusal;
struct Vouched;

enum class WebEventKind : std::uint8_t {
  kNone,     ///< nothing complete yet: feed more
  kOpen,     ///< the upgrade is granted
  kRefused,  ///< it is not: text says why. Send what is to be sent and close
  kPage,     ///< it is not asked for, but a page: send what is to be sent, then page, and close
  kMessage,  ///< text: one whole message, or a keep-alive
  kEnd,      ///< over, by the peer's close frame or because it broke the protocol: send what is to be sent and close
};

struct WebEvent {
  WebEventKind kind = WebEventKind::kNone;
  std::string_view text;                              ///< lives until the next feed() or next()
  std::shared_ptr<const std::string> page = nullptr;  ///< of a kPage; null: nothing follows
};

/// One connection's. Usage: feed(chunk); then next() until it says kNone, kRefused, kPage or kEnd; then send
/// take_output().
class WebSocket {
 public:
  /// `work`: where Beast's steps wait for their turn; it is run to its end by every call here, and by nobody else. It
  /// and `rules` outlive this. `page`: what answers requests that are no upgrade; null: a refusal does. `cookie`: who
  /// has to vouch for an upgrade; null: nobody.
  WebSocket(boost::asio::io_context& work, const proto::settings::RealmWebSocketSettings& rules,
            std::shared_ptr<const PageFiles> page = nullptr, std::shared_ptr<const CookieGate> cookie = nullptr);
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;
  ~WebSocket();

  void feed(std::string_view chunk);
  [[nodiscard]] WebEvent next();
  /// Whether a frame, a message or the upgrade has begun and not ended.
  [[nodiscard]] bool mid_message() const;

  /// Writes one message: as text if it is UTF-8, which is all that text may be, else as binary. False: not open.
  bool send(std::string_view message);
  /// Asks the peer for a sign of life (RFC 6455 section 5.5.2). False: not open.
  bool ping();
  /// The bytes that are to go to the peer, which then are no more here.
  [[nodiscard]] std::string take_output();
  /// Whom the upgrade's cookie has vouched for; null: nobody, or it is not granted yet.
  [[nodiscard]] const Vouched* vouched() const { return vouched_.get(); }

 private:
  class Upgraded;

  WebEvent next_upgrade();
  WebEvent refuse(UpgradeRefusal refusal);

  boost::asio::io_context& work_;
  const proto::settings::RealmWebSocketSettings& rules_;
  std::shared_ptr<const PageFiles> page_;     ///< until the upgrade
  std::shared_ptr<const CookieGate> cookie_;  ///< likewise
  std::unique_ptr<const Vouched> vouched_;
  std::string head_;  ///< of the upgrade, as far as it has come
  std::string output_;
  std::string refusal_;
  std::unique_ptr<Upgraded> upgraded_;
};

}  // namespace weir::controlplane
