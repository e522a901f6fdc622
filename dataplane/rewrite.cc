#include "dataplane/rewrite.h"

#include <cstring>
#include <optional>

#include "dataplane/burst.h"
#include "dataplane/feedback.h"
#include "dataplane/flow_table.h"
#include "dataplane/rtcp_sources.h"
#include "dataplane/source_description.h"
#include "dataplane/transcode.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "proto/source_disguise.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;

constexpr std::size_t kSsrcBytes = 4;

// RTP.

/// Packets in a row with which an SSRC that was replaced takes the place again: those of one that ended and came back,
/// but not those of two that send at once, nor what the network delivers late.
constexpr std::uint8_t kReturnPackets = 3;

/// May this SSRC leave as the one that leaves? Two that send at once would make nonsense of one stream: the newer
/// stays.
bool takes_the_place(FlowEntry& flow, std::uint32_t ssrc) {
  if ((flow.marks & kMarkRewriting) == 0) return true;
  if (flow.rewrite_ssrc != ssrc && flow.rewrite_ssrc_before == ssrc) return ++flow.rewrite_returns >= kReturnPackets;
  flow.rewrite_returns = 0;
  return true;
}

/// When another source takes over the one SSRC that leaves, its sequence numbers go on where the last one's ended:
/// the receiver sees one stream, and the send index never has to run backwards.
void continue_sequence(FlowEntry& flow, std::uint32_t ssrc, std::uint8_t* data) {
  const std::uint16_t sequence = proto::load_be16(data + 2);
  if ((flow.marks & kMarkRewriting) == 0) {
    flow.marks |= kMarkRewriting;
    flow.rewrite_ssrc = ssrc;
    flow.rewrite_ssrc_before = ssrc;
    flow.rewrite_sequence_offset = 0;
    flow.rewrite_sequence_last = sequence;
  } else if (flow.rewrite_ssrc != ssrc) {
    flow.rewrite_ssrc_before = flow.rewrite_ssrc;
    flow.rewrite_ssrc = ssrc;
    flow.rewrite_returns = 0;
    flow.rewrite_sequence_offset = static_cast<std::uint16_t>(flow.rewrite_sequence_last + 1 - sequence);
  }
  const auto leaving = static_cast<std::uint16_t>(sequence + flow.rewrite_sequence_offset);
  const auto ahead = static_cast<std::int16_t>(leaving - flow.rewrite_sequence_last);
  if (ahead > 0) flow.rewrite_sequence_last = leaving;
  proto::store_be16(data + 2, leaving);
}

void map_payload_type(const proto::RewriteSpec& spec, std::uint8_t* data) {
  const std::uint8_t marker = data[1] & 0x80;
  const std::uint8_t from = data[1] & 0x7f;
  for (std::size_t i = 0; i < spec.payload_types; ++i) {
    if (spec.payload_type_map[i].from != from) continue;
    data[1] = static_cast<std::uint8_t>(marker | spec.payload_type_map[i].to);
    return;
  }
}

/// A stream that started anew goes on under its own SSRC (continuation.h); the flow's others are left alone.
bool is_beside_a_restart(const FlowEntry& flow, std::uint32_t ssrc) {
  return (flow.marks & kMarkRewriting) != 0 && flow.rewrite_ssrc == flow.rewrite.ssrc_to && ssrc != flow.rewrite_ssrc;
}

/// Takes the header extension out (RFC 3550 section 5.3.1): fixed header and CSRCs move up to the payload.
void strip_extension(Burst& burst, std::uint32_t packet) {
  std::uint8_t* data = burst.data[packet];
  if ((data[0] & 0x10) == 0) return;
  const std::size_t before = proto::kRtpHeaderBytesMin + 4 * std::size_t{data[0] & 0x0fu};
  const std::uint32_t extension = burst.header_bytes[packet] - static_cast<std::uint32_t>(before);
  data[0] = static_cast<std::uint8_t>(data[0] & ~0x10);
  std::memmove(data + extension, data, before);
  burst.data[packet] += extension;
  burst.bytes[packet] -= extension;
  burst.room[packet] -= extension;
  burst.header_bytes[packet] = static_cast<std::uint16_t>(before);
}

/// The SSRC and the CSRCs behind it. What follows knows the packet by its new SSRC alone.
void hide_sources(Burst& burst, std::uint32_t packet) {
  const proto::SourceDisguise disguise(burst.flow[packet]->cookie);
  std::uint8_t* data = burst.data[packet];
  const std::size_t sources = 1 + (data[0] & 0x0fu);
  for (std::size_t i = 0; i < sources; ++i) {
    std::uint8_t* at = data + proto::kRtpHeaderBytesMin + 4 * i - kSsrcBytes;
    proto::store_be32(at, disguise.hide(proto::load_be32(at)));
  }
  burst.ssrc[packet] = proto::load_be32(data + 8);
}

DropReason rewrite_rtp(Burst& burst, std::uint32_t packet) {
  FlowEntry& flow = *burst.flow[packet];
  // What a header extension says may name the sender: its CNAME (RFC 7941), its clock, its tags.
  if ((flow.rewrite.strips_extensions & (1 | proto::kHidesSources)) != 0) strip_extension(burst, packet);
  if ((flow.rewrite.strips_extensions & proto::kHidesSources) != 0) hide_sources(burst, packet);
  std::uint8_t* data = burst.data[packet];
  if (flow.rewrite.payload_types != 0) map_payload_type(flow.rewrite, data);
  if (flow.rewrite.ssrc_to == 0 || is_beside_a_restart(flow, burst.ssrc[packet])) return DropReason::kNone;
  if (!takes_the_place(flow, burst.ssrc[packet])) return DropReason::kSsrcCollision;
  continue_sequence(flow, burst.ssrc[packet], data);
  proto::store_be32(data + 8, flow.rewrite.ssrc_to);
  burst.ssrc[packet] = flow.rewrite.ssrc_to;
  return DropReason::kNone;
}

DropReason rewrite_rtcp(Burst& burst, std::uint32_t packet) {
  const proto::RewriteSpec& spec = burst.flow[packet]->rewrite;
  const Sources sources(*burst.flow[packet]);
  if (sources.hides()) {
    const DropReason reason = hide_description(burst, packet, sources.disguise().cname());
    if (reason != DropReason::kNone) return reason;
  }
  proto::MutableBytes rest{burst.data[packet], burst.bytes[packet]};
  while (!rest.empty()) {
    const std::optional<proto::RtcpView> view = proto::parse_rtcp(rest);
    if (!view) return DropReason::kRtcpMalformed;
    const proto::MutableBytes body = rest.subspan(4, view->body.size());
    if (!map_sources(sources, *view, body)) return DropReason::kRtcpMalformed;
    if (spec.rtcp_timestamps != proto::TimestampScale::kSame) scale_rtcp(burst, packet, *view, body);
    rest = rest.subspan(view->packet_bytes);
  }
  burst.ssrc[packet] = proto::load_be32(burst.data[packet] + 4);
  return DropReason::kNone;
}

/// What the far side does not understand goes first: the rest is held to its lengths and mapped.
DropReason change_rtcp(Burst& burst, std::uint32_t packet) {
  const FlowEntry& flow = *burst.flow[packet];
  if (flow.rewrite.absorbs != 0) {
    const DropReason reason = absorb_feedback(burst, packet);
    if (reason != DropReason::kNone) return reason;
  }
  return (flow.marks & kMarkRewrites) != 0 ? rewrite_rtcp(burst, packet) : DropReason::kNone;
}

}  // namespace

void rewrite(Burst& burst) {
  for (std::uint32_t k = 0; k < burst.rewrites.count; ++k) {
    const std::uint32_t packet = burst.rewrites.at[k];
    if (burst.verdict[packet] != DropReason::kNone) continue;
    const bool rtcp = is_rtcp(burst, packet);
    const DropReason reason = rtcp ? change_rtcp(burst, packet) : rewrite_rtp(burst, packet);
    if (reason != DropReason::kNone) {
      burst.drop(packet, reason);
    } else if (!rtcp && (burst.flow[packet]->accepts & kTranscodes) != 0) {
      burst.transcodes.push(packet);
    }
  }
  burst.keep_undropped_media();
}

}  // namespace weir::dataplane
