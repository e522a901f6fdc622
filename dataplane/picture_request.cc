#include "dataplane/picture_request.h"

#include <rte_mbuf.h>

#include "dataplane/feedback.h"
#include "proto/rtcp.h"

namespace weir::dataplane {
namespace {

bool sends_rtcp(const FlowEntry& flow) {
  return flow.state == proto::FlowState::kInstalled && flow.rtcp_exit.peer.port != 0;
}

}  // namespace

bool add_picture_request(const proto::PictureRequest& request, std::uint32_t index, FlowTable& table, rte_mempool* pool,
                         Burst& burst) {
  FlowEntry& flow = table.entry(index);
  if (!sends_rtcp(flow)) return false;
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool);
  if (mbuf == nullptr) return false;
  auto* const data = rte_pktmbuf_mtod(mbuf, std::uint8_t*);
  constexpr std::size_t kRoom = proto::kDatagramIpv6BytesMax;
  const std::size_t bytes = write_picture_request(request, flow.rewrite.absorbs, burst.now_ns, {data, kRoom});
  if (bytes == 0) {
    rte_pktmbuf_free(mbuf);
    return false;
  }
  const std::uint32_t packet = burst.count++;
  burst.mbuf[packet] = mbuf;
  burst.data[packet] = data;
  burst.bytes[packet] = static_cast<std::uint32_t>(bytes);
  burst.room[packet] = kRoom;
  burst.kind[packet] = proto::PacketKind::kRtcp;
  burst.source[packet] = flow.peer;
  burst.flow_index[packet] = index;
  burst.flow[packet] = &flow;
  burst.status[packet] = &table.status(index);
  burst.header_bytes[packet] = proto::kRtcpHeaderBytes;
  burst.ssrc[packet] = request.sender;
  burst.notes[packet] = 0;
  burst.verdict[packet] = proto::DropReason::kNone;
  burst.push_media(packet, flow.transforms);
  return true;
}

}  // namespace weir::dataplane
