// What the process may do: weir-control parses everything the internet sends, and does it as nobody in particular.
#pragma once

#include <string>

#include "proto/result.h"

namespace weir::controlplane {

/// If started as root: becomes `user` for good, with its primary group only. In any case: no new privileges, and no
/// core files or debuggers that could read keys. Errors: no such user, or `user` is root itself.
proto::Status drop_privileges(const std::string& user);

/// As many descriptors as the system lets this process have: each TCP connection takes one, and a login shell's soft
/// limit is 1,024. Needs no privilege.
void raise_descriptor_limit();

}  // namespace weir::controlplane
