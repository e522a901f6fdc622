// Stage 2: what a datagram is (RFC 7983), whose flow it belongs to, and whether that flow takes it from this source, at
// this rate. lookup() only checks; commit() records what it learned, after unprotect has authenticated the packet.
#pragma once

#include "dataplane/burst.h"
#include "dataplane/events.h"
#include "dataplane/flow_table.h"

namespace weir::dataplane {

/// Reads data, bytes, source, local_port and network of every packet without a verdict; writes kind, flow_index, flow,
/// status, notes, media, punts and checks. `worker`: whose burst it is.
void lookup(Burst& burst, FlowTable& table, std::uint32_t worker);

/// For every packet of burst.media whose flow takes any source and which has authenticated: makes its source the
/// flow's, where the flow's policy says so and the keys in force did it. What comes from elsewhere once that is settled
/// leaves burst.media.
void commit_admission(Burst& burst, EventSink& events);

}  // namespace weir::dataplane
