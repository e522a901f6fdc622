// Readers of [registrar] and of [[realm]]'s registrar. Internal to proto/settings.
#pragma once

#include "proto/settings/table.h"

namespace weir::proto::settings {

void read_registrar(Table& table, RegistrarSettings& registrar);

/// Reads the key `registrar` of a [[realm]].
void read_realm_registrar(Table& realm, RealmRegistrarSettings& registrar);

/// Adds the mistakes between [registrar] and the realms' registrars; line 0.
void check_registrar(const Settings& settings, std::vector<Mistake>& mistakes);

}  // namespace weir::proto::settings
