// What one value alone cannot show: names that refer to nothing, addresses that overlap, patterns and their captures.
// Internal to proto/settings.
#pragma once

#include <cstdint>
#include <vector>

#include "proto/settings/settings.h"

namespace weir::proto::settings {

/// Where the parts of the settings stand in the file; parallel to the vectors of Settings. Routes know theirs.
struct Lines {
  std::vector<std::uint32_t> networks;
  std::vector<std::uint32_t> realms;
};

/// Adds the mistakes between the parts of `settings`. Parts left empty by a mistake already noted are passed over.
void check(const Settings& settings, const Lines& lines, std::vector<Mistake>& mistakes);

// check_routes.cc
void check_trunks(const Settings& settings, std::vector<Mistake>& mistakes);
void check_routes(const Settings& settings, std::vector<Mistake>& mistakes);

}  // namespace weir::proto::settings
