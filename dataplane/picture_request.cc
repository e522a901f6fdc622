#include "dataplane/picture_request.h"

#include <algorithm>
#include <array>

#include "dataplane/feedback.h"
#include "dataplane/made_packet.h"
#include "proto/rtcp.h"

namespace weir::dataplane {
namespace {

bool sends_rtcp(const FlowEntry& flow) {
  return flow.state == proto::FlowState::kInstalled && flow.rtcp_exit.peer.port != 0;
}

}  // namespace

bool add_picture_request(const proto::PictureRequest& request, std::uint32_t index, FlowTable& table, rte_mempool* pool,
                         Burst& burst) {
  const FlowEntry& flow = table.entry(index);
  if (!sends_rtcp(flow)) return false;
  std::array<std::uint8_t, kMadePacketBytesMax> written;
  const std::size_t bytes = write_picture_request(request, flow.rewrite.absorbs, burst.now_ns, written);
  if (bytes == 0) return false;
  const std::optional<std::uint32_t> packet = add_made_packet(proto::PacketKind::kRtcp, index, table, pool, burst);
  if (!packet) return false;
  std::copy_n(written.begin(), bytes, burst.data[*packet]);
  burst.bytes[*packet] = static_cast<std::uint32_t>(bytes);
  burst.header_bytes[*packet] = proto::kRtcpHeaderBytes;
  burst.ssrc[*packet] = request.sender;
  burst.push_media(*packet, flow.transforms);
  return true;
}

}  // namespace weir::dataplane
