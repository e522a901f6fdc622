#include "controlplane/bearer_auth.h"

#include <algorithm>
#include <variant>

#include "sip/text.h"

namespace weir::controlplane {

namespace settings = proto::settings;

proto::Result<BearerAuth> BearerAuth::create(const settings::Settings& settings) {
  BearerAuth auth;
  for (const settings::RealmSettings& realm : settings.realms) {
    auth.realms_.emplace_back();
    if (realm.registrar.bearer.key.empty()) continue;
    proto::Result<TokenKey> key = TokenKey::load(realm.registrar.bearer.key);
    if (!key) return proto::Error{"realm '" + realm.name + "': registrar: bearer: " + key.error()};
    auth.realms_.back() = Realm{std::move(key).value(), realm.registrar.bearer};
  }
  return auth;
}

bool BearerAuth::serves(std::uint32_t realm, settings::SipTransport transport) const {
  return realm < realms_.size() && realms_[realm] && settings::is_secured(transport);
}

BearerJudgement BearerAuth::judge(std::uint32_t realm, settings::SipTransport transport, const sip::Message& request,
                                  std::int64_t now_s) const {
  if (!serves(realm, transport)) return {};
  const auto value = request.header(sip::HeaderId::kAuthorization);
  std::string_view token = value.value_or("");
  if (!sip::equals_without_case(sip::take_until(token, ' '), "Bearer")) return {};
  token = sip::trimmed(token);
  const auto read = check_token(token, realms_[realm]->key, realms_[realm]->settings.audience, now_s);
  if (const auto* fault = std::get_if<TokenFault>(&read)) {
    return {BearerVerdict::kWrong, "", std::string(to_string(*fault))};
  }
  return {BearerVerdict::kRight, std::get<TokenClaims>(read).subject, ""};
}

std::string BearerAuth::challenge(std::uint32_t realm, bool wrong) const {
  const settings::BearerSettings& bearer = realms_[realm]->settings;
  std::string value = "Bearer authz_server=\"" + bearer.authz_server + '"';
  if (!bearer.scope.empty()) value += ", scope=\"" + bearer.scope + '"';
  if (wrong) value += ", error=\"invalid_token\"";
  return value;
}

std::string subject_user(std::string_view subject, const std::vector<std::string>& domains) {
  for (const std::string_view scheme : {"sip:", "sips:"}) {
    if (subject.starts_with(scheme)) subject.remove_prefix(scheme.size());
  }
  const std::size_t at = subject.rfind('@');
  if (at == subject.npos) return std::string(subject);
  const std::string_view domain = subject.substr(at + 1);
  const bool ours = std::any_of(domains.begin(), domains.end(),
                                [&](const std::string& one) { return sip::equals_without_case(one, domain); });
  return ours ? std::string(subject.substr(0, at)) : "";
}

}  // namespace weir::controlplane
