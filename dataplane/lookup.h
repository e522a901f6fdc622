// Stage 2: what a datagram is (RFC 7983), whose flow it belongs to, and whether that flow takes it from this source, at
// this rate. lookup() only checks; commit() records what it learned, after unprotect has authenticated the packet.
#pragma once

#include "dataplane/burst.h"
#include "dataplane/events.h"
#include "dataplane/flow_table.h"

namespace weir::dataplane {

/// Reads data, bytes, source, local_port and network of every packet without a verdict; writes kind, flow_index, flow,
/// status, notes, media and punts. `worker`: whose burst it is.
void lookup(Burst& burst, FlowTable& table, std::uint32_t worker);

/// For every packet of burst.media, which has authenticated: takes its tokens and, where the flow's policy says so,
/// makes its source the flow's. What finds no tokens left leaves burst.media as policed: forged packets have spent
/// none, so a flow is never starved by them.
void commit_admission(Burst& burst, EventSink& events);

}  // namespace weir::dataplane
