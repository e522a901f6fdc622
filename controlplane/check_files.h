// What weir-control --check finds in the files that a configuration names.
#pragma once

#include <string>
#include <vector>

#include "proto/settings/settings.h"

namespace weir::controlplane {

/// Opens and reads them as a start would, as the user that asks: certificates and keys, pages, the users file,
/// the passwords of trunks, identity keys and anchors. A line for each mistake, with the setting that names the file;
/// none: all are good.
std::vector<std::string> check_files(const proto::settings::Settings& settings);

}  // namespace weir::controlplane
