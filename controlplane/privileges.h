// Giving up root: weir-control parses everything the internet sends, and does it as nobody in particular.
#pragma once

#include <string>

#include "proto/result.h"

namespace weir::controlplane {

/// If started as root: becomes `user` for good, with its primary group only. In any case: no new privileges, and no
/// core files or debuggers that could read keys. Errors: no such user, or `user` is root itself.
proto::Status drop_privileges(const std::string& user);

}  // namespace weir::controlplane
