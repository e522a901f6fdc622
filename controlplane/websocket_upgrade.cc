#include "controlplane/websocket_upgrade.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <sstream>

#include "controlplane/leg.h"

namespace weir::controlplane {

namespace http = boost::beast::http;
using http::field;
using http::status;
using proto::settings::RealmWebSocketSettings;

namespace {

/// 16 bytes in base64 (RFC 6455 section 4.1).
constexpr std::size_t kKeyBytes = 24;
constexpr std::string_view kVersion = "13";

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

/// Whoever names no origin is no browser, and can send whatever it likes: it has to prove who it is to SIP alone.
bool is_from_a_page_that_may(const UpgradeRequest& request, const RealmWebSocketSettings& rules) {
  const std::size_t count = request.count(field::origin);
  if (count == 0) return true;
  const std::string_view origin = view(request[field::origin]);
  return count == 1 && std::any_of(rules.origins.begin(), rules.origins.end(),
                                   [&](const std::string& one) { return one == "*" || one == origin; });
}

bool offers_sip(const UpgradeRequest& request) {
  const auto [first, last] = request.equal_range(field::sec_websocket_protocol);
  return std::any_of(first, last, [](const auto& line) {
    return http::token_list(line.value()).exists(boost::beast::string_view(kWebSocketProtocol.data(), 3));
  });
}

std::optional<UpgradeRefusal> check(const UpgradeRequest& request, const RealmWebSocketSettings& rules) {
  if (request.method() != http::verb::get) return refuse_upgrade(status::method_not_allowed, "only GET is served here");
  const std::string_view target = view(request.target());
  if (!rules.path.empty() && target.substr(0, target.find('?')) != rules.path) {
    return refuse_upgrade(status::not_found, "there is nothing at this path");
  }
  if (!boost::beast::websocket::is_upgrade(request)) {
    return refuse_upgrade(status::upgrade_required, "a SIP server for WebSocket clients (RFC 7118)");
  }
  if (request.count(field::host) != 1) return refuse_upgrade(status::bad_request, "one Host is needed");
  if (request.count(field::sec_websocket_version) == 0 || request.count(field::sec_websocket_key) != 1 ||
      request[field::sec_websocket_key].size() != kKeyBytes) {
    return refuse_upgrade(status::bad_request, "a malformed WebSocket handshake");
  }
  if (view(request[field::sec_websocket_version]) != kVersion) {
    return refuse_upgrade(status::upgrade_required, "another version of WebSocket");
  }
  if (!is_from_a_page_that_may(request, rules)) return refuse_upgrade(status::forbidden, "a page of a foreign origin");
  if (!offers_sip(request)) return refuse_upgrade(status::bad_request, "the subprotocol \"sip\" is not offered");
  return std::nullopt;
}

}  // namespace

UpgradeRefusal refuse_upgrade(status code, std::string reason, std::string_view said) {
  http::response<http::string_body> response(code, 11);
  response.set(field::server, boost::beast::string_view(kSoftware.data(), kSoftware.size()));
  response.set(field::connection, "close");
  response.set(field::content_type, "text/plain");
  if (code == status::method_not_allowed) response.set(field::allow, "GET");
  if (code == status::upgrade_required) {
    response.set(field::upgrade, "websocket");
    response.set(field::connection, "close, upgrade");
    response.set(field::sec_websocket_version, boost::beast::string_view(kVersion.data(), kVersion.size()));
  }
  response.body() = (said.empty() ? reason : std::string(said)) + "\n";
  response.prepare_payload();
  std::ostringstream text;
  text << response;
  return {std::move(reason), text.str()};
}

std::variant<UpgradeRequest, UpgradeRefusal, PageAnswer> read_upgrade(std::string_view head,
                                                                      const RealmWebSocketSettings& rules,
                                                                      const PageFiles* page) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kUpgradeBytesMax);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(head), error);
  const bool whole = !error && parser.is_header_done();
  if (!whole || parser.chunked() || parser.content_length().value_or(0) != 0)
    return refuse_upgrade(status::bad_request, "no HTTP request without a body");
  UpgradeRequest request = parser.release();
  if (page != nullptr && !boost::beast::websocket::is_upgrade(request)) return answer_page(request, *page);
  if (std::optional<UpgradeRefusal> refusal = check(request, rules)) return *std::move(refusal);
  return request;
}

UpgradeRefusal refuse_long_upgrade() {
  return refuse_upgrade(status::request_header_fields_too_large, "the head is too long");
}

}  // namespace weir::controlplane
