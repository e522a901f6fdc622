#include "controlplane/web_cookie.h"

#include "sip/text.h"

namespace weir::controlplane {

namespace {

std::string_view unquoted(std::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return quoted ? value.substr(1, value.size() - 2) : value;
}

UpgradeRefusal refuse(std::string reason) {
  return refuse_upgrade(boost::beast::http::status::forbidden, std::move(reason), "a cookie of this site is needed");
}

}  // namespace

CookieCount find_cookie(std::string_view header, std::string_view name, std::string_view& value) {
  CookieCount count = CookieCount::kNone;
  while (!header.empty()) {
    std::string_view pair = sip::trimmed(sip::take_until(header, ';'));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
    if (count != CookieCount::kNone) return CookieCount::kSeveral;
    count = CookieCount::kOne;
    value = unquoted(pair.substr(equals + 1));
  }
  return count;
}

proto::Result<std::shared_ptr<const CookieGate>> CookieGate::load(const proto::settings::WebCookieSettings& settings) {
  proto::Result<TokenKey> key = TokenKey::load(settings.key);
  if (!key) return proto::Error{key.error()};
  return std::shared_ptr<const CookieGate>(std::make_shared<CookieGate>(settings, std::move(key).value()));
}

/// Two of one name are of two sites, or of two paths of one: which of them is meant nobody says (RFC 6265 section
/// 4.2.2), and a neighbour may have set the other.
std::variant<Vouched, UpgradeRefusal> CookieGate::judge(const UpgradeRequest& request, std::int64_t now_s) const {
  CookieCount count = CookieCount::kNone;
  std::string_view token;
  const auto [first, last] = request.equal_range(boost::beast::http::field::cookie);
  for (auto line = first; line != last; ++line) {
    const CookieCount here = find_cookie({line->value().data(), line->value().size()}, settings_.name, token);
    if (here == CookieCount::kNone) continue;
    count = count == CookieCount::kNone ? here : CookieCount::kSeveral;
  }
  if (count == CookieCount::kNone) return refuse("no cookie says who it is");
  if (count == CookieCount::kSeveral) return refuse("two cookies of the same name");
  const auto read = check_token(token, key_, settings_.audience, now_s);
  if (const auto* fault = std::get_if<TokenFault>(&read)) {
    return refuse("the cookie is no good: " + std::string(to_string(*fault)));
  }
  const auto& claims = std::get<TokenClaims>(read);
  return Vouched{claims.subject, claims.expires_at_s};
}

proto::Result<RealmCookies> load_realm_cookies(const proto::settings::Settings& settings) {
  RealmCookies all(settings.realms.size());
  for (std::size_t i = 0; i < settings.realms.size(); ++i) {
    const proto::settings::WebCookieSettings& cookie = settings.realms[i].websocket.cookie;
    if (cookie.name.empty()) continue;
    auto loaded = CookieGate::load(cookie);
    if (!loaded) return proto::Error{"realm '" + settings.realms[i].name + "': " + loaded.error()};
    all[i] = std::move(loaded).value();
  }
  return all;
}

}  // namespace weir::controlplane
