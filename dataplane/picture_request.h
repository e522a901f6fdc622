// weir-control's requests for whole pictures on their way to RTCP: what a party asked for in SIP (RFC 5168), the other
// one gets as PLI or FIR. They are written here, since a flow's SRTCP index has one user: the worker that owns the
// flow.
#pragma once

#include <rte_mempool.h>

#include <cstdint>

#include "dataplane/burst.h"
#include "dataplane/flow_table.h"
#include "proto/control_protocol.h"

namespace weir::dataplane {

/// Adds one to the burst, which has room, as rewrite leaves RTCP: in the clear, on burst.media, to be protected.
/// `index`: a flow of this worker's. False: it is refused. The flow sends no RTCP now, who it leads to knows no such
/// request, `request` names no source or too many, or there is no buffer.
bool add_picture_request(const proto::PictureRequest& request, std::uint32_t index, FlowTable& table, rte_mempool* pool,
                         Burst& burst);

}  // namespace weir::dataplane
