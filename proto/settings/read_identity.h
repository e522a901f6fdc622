// Readers of [identity] and [realm.identity]. Internal to proto/settings.
#pragma once

#include "proto/settings/check.h"
#include "proto/settings/table.h"

namespace weir::proto::settings {

void read_identity(Table& table, IdentitySettings& identity);
void read_realm_identity(Table& table, RealmIdentitySettings& identity);

/// Keys that nobody has, verification without anchors, chains that nobody could fetch.
void check_identity(const Settings& settings, const Lines& lines, std::vector<Mistake>& mistakes);

}  // namespace weir::proto::settings
