// Reload: a configuration read anew, and what of it takes effect at once. Calls go on whatever it says.
//
// All or nothing: a reload that succeeds leaves Weir as the file says; one that does not leaves it as it was. Reading
// blocks and decides; applying does neither.
#pragma once

#include <string>
#include <vector>

#include "controlplane/policy.h"
#include "controlplane/trunks.h"
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
  std::vector<std::string> changes;
};

/// Reads the configuration at `path` and makes all that can fail of it. Errors: every mistake in it with its line; what
/// needs a restart, by name; a trunk whose password cannot be read.
proto::Result<ReloadPlan> plan_reload(const proto::settings::Settings& running, const std::string& path,
                                      TargetSources sources);

/// Makes it the one that runs. References to `running`, and into its realms, stay good: calls know their realm by its
/// index. Certificates are read by Transports::reload_certificates after this. Gives the plan's changes.
std::vector<std::string> apply(ReloadPlan plan, proto::settings::Settings& running, Policy& policy, Trunks& trunks);

}  // namespace weir::controlplane
