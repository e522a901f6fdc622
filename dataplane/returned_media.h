// Media that came as DTLS application data, on its way back from weir-control, which has authenticated and decrypted it
// (InjectKind::kReceived): from here on it is what other flows' packets are once they are unprotected.
#pragma once

#include <rte_mempool.h>

#include <cstdint>

#include "dataplane/burst.h"
#include "dataplane/flow_table.h"
#include "proto/bytes.h"

namespace weir::dataplane {

/// Adds RTP or RTCP in the clear to the burst, which has room: accepted and counted as unprotect does it, on
/// burst.media and where it is due on burst.rewrites, or with a verdict. `index`: a flow of this worker's. False: it is
/// refused. The flow takes no such packets now, it is neither RTP nor RTCP, too long, or there is no buffer.
bool add_returned(proto::Bytes media, std::uint32_t index, FlowTable& table, rte_mempool* pool, Burst& burst);

}  // namespace weir::dataplane
