#include "dataplane/rewrite.h"

#include <cstring>
#include <optional>

#include "dataplane/burst.h"
#include "dataplane/feedback.h"
#include "dataplane/flow_table.h"
#include "dataplane/source_description.h"
#include "dataplane/transcode.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "proto/source_disguise.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::RtcpType;

constexpr std::size_t kSsrcBytes = 4;
constexpr std::size_t kSenderInfoBytes = 20;    // RFC 3550 section 6.4.1: NTP and RTP timestamps, counts
constexpr std::size_t kReportBlockBytes = 24;   // RFC 3550 section 6.4.1
constexpr std::size_t kFeedbackEntryBytes = 8;  // FIR and TMMBR: SSRC and four bytes (RFC 5104 sections 4.2.1, 4.3.1)
constexpr std::uint8_t kFmtTmmbr = 3;
constexpr std::uint8_t kFmtTmmbn = 4;
constexpr std::uint8_t kFmtFir = 4;
constexpr std::uint8_t kFmtApplicationLayer = 15;
constexpr std::uint32_t kRemb = 0x52454d42;  // "REMB", draft-alvestrand-rmcat-remb-03 section 2.2

/// What becomes of SSRCs in a flow's packets.
class Sources {
 public:
  explicit Sources(const FlowEntry& flow) : spec_(flow.rewrite) {
    if (hides() || finds()) disguise_.emplace(flow.cookie);
  }

  [[nodiscard]] bool hides() const { return (spec_.strips_extensions & proto::kHidesSources) != 0; }
  [[nodiscard]] const proto::SourceDisguise& disguise() const { return *disguise_; }

  /// A field that names the sender: the stream this flow carries.
  void map_forward(std::uint8_t* at) const {
    if (spec_.ssrc_to != 0) {
      proto::store_be32(at, spec_.ssrc_to);
    } else if (hides()) {
      proto::store_be32(at, disguise_->hide(proto::load_be32(at)));
    }
  }

  /// A field that names a stream of the opposite flow.
  void map_reverse(std::uint8_t* at) const {
    const std::uint32_t named = proto::load_be32(at);
    if (spec_.ssrc_reverse_to != 0 && named == spec_.ssrc_reverse_from) {
      proto::store_be32(at, spec_.ssrc_reverse_to);
    } else if (finds() && named != 0) {  // RFC 5104 section 4.3.1.2: 0 names none
      proto::store_be32(at, disguise_->find(named));
    }
  }

 private:
  [[nodiscard]] bool finds() const { return (spec_.strips_extensions & proto::kFindsSources) != 0; }

  const proto::RewriteSpec& spec_;
  std::optional<proto::SourceDisguise> disguise_;
};

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
  if ((flow.rewrite.strips_extensions & 1) != 0) strip_extension(burst, packet);
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

// RTCP. Each function gets the packet's body, whose first SSRC is mapped already, and answers whether it fits.

bool map_report_blocks(const Sources& sources, proto::MutableBytes blocks, std::size_t count) {
  if (blocks.size() < count * kReportBlockBytes) return false;
  for (std::size_t i = 0; i < count; ++i) sources.map_reverse(blocks.data() + i * kReportBlockBytes);
  return true;
}

/// SDES: chunks of an SSRC and items that end with a zero byte, each padded to 32 bits (RFC 3550 section 6.5).
bool map_source_description(const Sources& sources, proto::MutableBytes body, std::size_t chunks) {
  std::size_t at = 0;
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
    if (at + kSsrcBytes > body.size()) return false;
    sources.map_forward(body.data() + at);
    at += kSsrcBytes;
    while (at < body.size() && body[at] != 0) {
      if (at + 2 > body.size()) return false;
      at += 2u + body[at + 1];
    }
    at = (at + 4) & ~std::size_t{3};
    if (at > body.size()) return false;
  }
  return true;
}

bool map_bye(const Sources& sources, proto::MutableBytes body, std::size_t count) {
  if (body.size() < count * kSsrcBytes) return false;
  for (std::size_t i = 0; i < count; ++i) sources.map_forward(body.data() + i * kSsrcBytes);
  return true;
}

/// Feedback: sender, media source, then control information that may name further sources (RFC 4585 section 6.1).
bool map_feedback(const Sources& sources, proto::MutableBytes body, std::uint8_t type, std::uint8_t format) {
  if (body.size() < 2 * kSsrcBytes) return false;
  sources.map_reverse(body.data() + kSsrcBytes);
  const proto::MutableBytes information = body.subspan(2 * kSsrcBytes);
  const bool transport = type == static_cast<std::uint8_t>(RtcpType::kTransportFeedback);
  const bool entries = transport ? format == kFmtTmmbr || format == kFmtTmmbn : format == kFmtFir;
  if (entries) {
    for (std::size_t at = 0; at + kFeedbackEntryBytes <= information.size(); at += kFeedbackEntryBytes) {
      sources.map_reverse(information.data() + at);
    }
  }
  const bool remb = !transport && format == kFmtApplicationLayer && information.size() >= 8 &&
                    proto::load_be32(information.data()) == kRemb;
  if (remb) {
    const std::size_t count = information[4];
    if (information.size() < 8 + count * kSsrcBytes) return false;
    for (std::size_t i = 0; i < count; ++i) sources.map_reverse(information.data() + 8 + i * kSsrcBytes);
  }
  return true;
}

bool rewrite_rtcp_packet(const Sources& sources, const proto::RtcpView& view, proto::MutableBytes body) {
  const bool has_sender = view.type != static_cast<std::uint8_t>(RtcpType::kSourceDescription) &&
                          view.type != static_cast<std::uint8_t>(RtcpType::kBye);
  if (has_sender) {
    if (body.size() < kSsrcBytes) return false;
    sources.map_forward(body.data());
  }
  switch (static_cast<RtcpType>(view.type)) {
    case RtcpType::kSenderReport:
      return body.size() >= kSsrcBytes + kSenderInfoBytes &&
             map_report_blocks(sources, body.subspan(kSsrcBytes + kSenderInfoBytes), view.count);
    case RtcpType::kReceiverReport:
      return map_report_blocks(sources, body.subspan(kSsrcBytes), view.count);
    case RtcpType::kSourceDescription:
      return map_source_description(sources, body, view.count);
    case RtcpType::kBye:
      return map_bye(sources, body, view.count);
    case RtcpType::kTransportFeedback:
    case RtcpType::kPayloadFeedback:
      return map_feedback(sources, body, view.type, view.count);
    case RtcpType::kApp:
    case RtcpType::kExtendedReport:
      return true;
  }
  return true;  // a type of tomorrow: its sender is mapped, the rest passes
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
    if (!rewrite_rtcp_packet(sources, *view, body)) return DropReason::kRtcpMalformed;
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
