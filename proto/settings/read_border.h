// Readers of what makes Weir a border: [[realm]]'s policy, [[trunk]], [[route]]. Internal to proto/settings.
#pragma once

#include "proto/settings/table.h"

namespace weir::proto::settings {

/// Reads the policy's keys of a [[realm]]. Of `srtp` depends which suites there are.
void read_realm_policy(Table& table, const SrtpSettings& srtp, RealmPolicy& policy);

TrunkSettings read_trunk(Table& table);

RouteSettings read_route(Table& table);

}  // namespace weir::proto::settings
