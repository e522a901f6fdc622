// Reload: a configuration read anew, and what of it takes effect at once. Calls go on whatever it says.
//
// All or nothing: a reload that succeeds leaves Weir as the file says; one that does not leaves it as it was. Reading
// blocks and decides; applying does neither.
#pragma once

#include <string>
#include <vector>

#include "controlplane/identity_files.h"
#include "controlplane/page_files.h"
#include "controlplane/policy.h"
#include "controlplane/tls_realm.h"
#include "controlplane/trunks.h"
#include "controlplane/user_directory.h"
#include "controlplane/web_cookie.h"
#include "proto/result.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

/// How another configuration differs from the one that runs. In words for people: "[[route]]", "realm 'a' listen".
struct SettingsDifference {
  std::vector<std::string> changes;   ///< what can take effect at once
  std::vector<std::string> restarts;  ///< what cannot
};
SettingsDifference compare(const proto::settings::Settings& running, const proto::settings::Settings& wanted);

/// A configuration that can be taken over.
struct ReloadPlan {
  proto::settings::Settings settings;
  Policy policy;
  std::vector<TrunkPlan> trunks;
  TlsRealms certificates;  ///< by realm
  RealmPages pages;        ///< likewise
  RealmCookies cookies;    ///< likewise
  UserDirectory users;
  IdentityFiles identity{};
  std::vector<std::string> changes;
};

/// Reads the configuration at `path`, and the files that it names, whether or not their names changed. Errors: every
/// mistake in it or in the users file with its line; what needs a restart, by name; a certificate, key or password that
/// is no good; a page that cannot be read.
proto::Result<ReloadPlan> plan_reload(const proto::settings::Settings& running, const std::string& path,
                                      TargetSources sources);

/// Makes it the one that runs. References to `running`, and into its realms, stay good: calls know their realm by its
/// index. The plan's certificates, pages and users are for Transports::use and Registrar::use. Gives the plan's
/// changes.
std::vector<std::string> apply(ReloadPlan plan, proto::settings::Settings& running, Policy& policy, Trunks& trunks);

}  // namespace weir::controlplane
