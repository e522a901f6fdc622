// weir-control owns the file of its segment and may be compromised: it could cut the file short under our feet, and the
// next look at a ring would be a SIGBUS. With the guard it is a ring of zeros instead, which is corrupt and counted,
// and the calls that stand go on.
#pragma once

#include <cstddef>

#include "proto/region.h"

namespace weir::dataplane {

/// Installs a SIGBUS handler that puts zeroed memory in the place of `region`'s control segment when an access to it
/// fails. Any other SIGBUS ends the process as ever. One region a process; it outlives all accesses.
void guard_control_segment(const proto::Region& region);

/// The guard has replaced the segment: commands no longer arrive until both processes are started again.
bool control_segment_lost();

}  // namespace weir::dataplane
