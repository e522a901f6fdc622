#include "controlplane/check_files.h"

#include "controlplane/bearer_auth.h"
#include "controlplane/identity_files.h"
#include "controlplane/page_files.h"
#include "controlplane/shard_clock.h"
#include "controlplane/tls_realm.h"
#include "controlplane/trunks.h"
#include "controlplane/user_directory.h"
#include "controlplane/web_cookie.h"
#include "proto/settings/users.h"

namespace weir::controlplane {

std::vector<std::string> check_files(const proto::settings::Settings& settings) {
  std::vector<std::string> mistakes;
  const proto::Result<TlsRealms> certificates = load_tls_realms(settings);
  if (!certificates) mistakes.push_back("[realm.tls]: " + certificates.error());
  const proto::Result<RealmPages> pages = load_realm_pages(settings);
  if (!pages) mistakes.push_back("[realm.websocket] page: " + pages.error());
  const proto::Result<RealmCookies> cookies = load_realm_cookies(settings);
  if (!cookies) mistakes.push_back("[realm.websocket] cookie: " + cookies.error());
  const proto::Result<std::vector<TrunkPlan>> trunks = plan_trunks(settings);
  if (!trunks) mistakes.push_back("[[trunk]] credentials: " + trunks.error());
  const proto::Result<BearerAuth> bearer = BearerAuth::create(settings);
  if (!bearer) mistakes.push_back(bearer.error());
  const proto::Result<IdentityFiles> identity = load_identity_files(settings, unix_s());
  if (!identity) mistakes.push_back("[identity]: " + identity.error());
  const std::string& users = settings.registrar.users;
  if (users.empty()) return mistakes;
  for (const proto::settings::Mistake& mistake : proto::settings::read_users_file(users, settings).mistakes) {
    std::string line = proto::settings::to_string(users, {mistake});
    line.pop_back();  // its line end
    mistakes.push_back("[registrar] users: " + line);
  }
  return mistakes;
}

}  // namespace weir::controlplane
