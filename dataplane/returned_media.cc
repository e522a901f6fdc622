#include "dataplane/returned_media.h"

#include <rte_mbuf.h>

#include <algorithm>

#include "dataplane/made_packet.h"
#include "dataplane/unprotect.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::PacketKind;

bool takes(const FlowEntry& flow, PacketKind kind) {
  if (flow.state != proto::FlowState::kInstalled) return false;
  const unsigned wanted = kind == PacketKind::kRtp    ? proto::kAcceptRtp
                          : kind == PacketKind::kRtcp ? proto::kAcceptRtcp
                                                      : 0;
  return (flow.accepts & wanted << kAcceptsReturned) != 0;
}

bool leaves(const FlowEntry& flow, PacketKind kind) {
  return kind == PacketKind::kRtcp ? flow.rtcp_exit.peer.port != 0 : (flow.marks & kMarkRtpLeaves) != 0;
}

}  // namespace

bool add_returned(proto::Bytes media, std::uint32_t index, FlowTable& table, rte_mempool* pool, Burst& burst) {
  const FlowEntry& flow = table.entry(index);
  const PacketKind kind = proto::classify(media);
  if (!takes(flow, kind) || media.size() > kMadePacketBytesMax) return false;
  const std::optional<std::uint32_t> added = add_made_packet(kind, index, table, pool, burst);
  if (!added) return false;
  const std::uint32_t packet = *added;
  std::copy(media.begin(), media.end(), burst.data[packet]);
  burst.bytes[packet] = static_cast<std::uint32_t>(media.size());
  if (leaves(flow, kind)) {
    take_returned(burst, packet);
  } else {
    burst.drop(packet, DropReason::kKindNotAccepted);
  }
  if (burst.verdict[packet] != DropReason::kNone) return true;
  if (rewrites(flow, kind == PacketKind::kRtcp)) burst.rewrites.push(packet);
  burst.push_media(packet, flow.transforms);
  return true;
}

}  // namespace weir::dataplane
