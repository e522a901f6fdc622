// Secret under this folder's name: most of what is wiped lives here.
#pragma once

#include "proto/secret.h"

namespace weir::controlplane {

using proto::Secret;

}  // namespace weir::controlplane
