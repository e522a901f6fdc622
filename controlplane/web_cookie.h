// The cookie that a page's server has given to a browser, and what it vouches for: who may register over the WebSocket
// that comes with it. RFC 7118 appendix A, RFC 6265; the cookie's value is a signed token (web_token.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controlplane/web_token.h"
#include "controlplane/websocket_upgrade.h"
#include "proto/result.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

/// Whom a connection was opened by.
struct Vouched {
  std::string subject;            ///< the token's: see subject_user
  std::int64_t expires_at_s = 0;  ///< Unix time; nothing is vouched for from then on
};

/// One realm's. Constant.
class CookieGate {
 public:
  /// Errors: a key that cannot be used.
  static proto::Result<std::shared_ptr<const CookieGate>> load(const proto::settings::WebCookieSettings& settings);
  CookieGate(proto::settings::WebCookieSettings settings, TokenKey key)
      : settings_(std::move(settings)), key_(std::move(key)) {}

  /// `now_s`: Unix time. A refusal: 403. Why stands in the log, and not in what goes back.
  [[nodiscard]] std::variant<Vouched, UpgradeRefusal> judge(const UpgradeRequest& request, std::int64_t now_s) const;

 private:
  proto::settings::WebCookieSettings settings_;
  TokenKey key_;
};

enum class CookieCount : std::uint8_t { kNone, kOne, kSeveral };
/// Looks for the cookie `name` in a Cookie header's value (RFC 6265 section 4.2.1), and leaves its value, without
/// quotes, in `value` if there is one.
CookieCount find_cookie(std::string_view header, std::string_view name, std::string_view& value);

/// By realm; null where no cookie is asked for.
using RealmCookies = std::vector<std::shared_ptr<const CookieGate>>;
/// Loads the key of every realm that asks for cookies. Errors name the realm.
proto::Result<RealmCookies> load_realm_cookies(const proto::settings::Settings& settings);

}  // namespace weir::controlplane
