// The HTTP request that asks for a WebSocket, and whether it gets one, or a page. RFC 6455 section 4.2, RFC 7118
// section 4.
#pragma once

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/status.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "controlplane/page_answer.h"
#include "proto/settings/transport_settings.h"

namespace weir::controlplane {

/// Of its head. What browsers send is a fifth of it, cookies of other pages of the same host included.
inline constexpr std::size_t kUpgradeBytesMax = 16'384;

/// The subprotocol (RFC 7118 section 4.1).
inline constexpr std::string_view kWebSocketProtocol = "sip";

using UpgradeRequest = boost::beast::http::request<boost::beast::http::empty_body>;

/// Why there is no WebSocket.
struct UpgradeRefusal {
  std::string reason;    ///< for the log; what the peer wrote is not in it
  std::string response;  ///< the bytes to answer with, after which the connection is to be closed
};

/// Closes the connection with that status and `reason`; `said`, if not empty, is what goes back instead.
UpgradeRefusal refuse_upgrade(boost::beast::http::status code, std::string reason, std::string_view said = "");

/// Reads a whole head, its empty line included, and decides. 400 no HTTP/1.1 request of a WebSocket client, or one that
/// does not offer "sip"; 403 from a page of a foreign origin; 404 another path; 405 not GET; 426 no upgrade to a
/// WebSocket, or to another version of it (with Sec-WebSocket-Version). `page`, if not null, answers what is no
/// upgrade.
std::variant<UpgradeRequest, UpgradeRefusal, PageAnswer> read_upgrade(
    std::string_view head, const proto::settings::RealmWebSocketSettings& rules, const PageFiles* page);

/// 431: a head of more than kUpgradeBytesMax.
UpgradeRefusal refuse_long_upgrade();

}  // namespace weir::controlplane
