#include "dataplane/rtcp_sources.h"

#include "dataplane/extended_report.h"
#include "dataplane/flow_table.h"

namespace weir::dataplane {
namespace {

using proto::PayloadFormat;
using proto::RtcpType;
using proto::TransportFormat;

constexpr std::size_t kSsrcBytes = 4;
// RFC 5104 sections 4.2.1 and 4.3.1: an SSRC and four bytes.
constexpr std::size_t kFeedbackEntryBytes = 8;
// RFC 8888 section 3.1: an SSRC, the first sequence number and how many there are; the time behind the last block.
constexpr std::size_t kCongestionBlockBytes = 8;
constexpr std::size_t kCongestionTimeBytes = 4;

// Each function gets the packet's body, whose first SSRC is mapped already, and answers whether it fits.

bool map_report_blocks(const Sources& sources, proto::MutableBytes blocks, std::size_t count) {
  if (blocks.size() < count * proto::kReportBlockBytes) return false;
  for (std::size_t i = 0; i < count; ++i) sources.map_reverse(blocks.data() + i * proto::kReportBlockBytes);
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

bool has_entries(const proto::RtcpView& feedback) {
  if (feedback.type == static_cast<std::uint8_t>(RtcpType::kTransportFeedback)) {
    const auto format = static_cast<TransportFormat>(feedback.count);
    return format == TransportFormat::kTmmbr || format == TransportFormat::kTmmbn;
  }
  const auto format = static_cast<PayloadFormat>(feedback.count);
  return format == PayloadFormat::kFir || format == PayloadFormat::kTstr || format == PayloadFormat::kTstn;
}

/// RFC 8888: in place of one media source a block for each, of two bytes a packet.
bool map_congestion_blocks(const Sources& sources, proto::MutableBytes blocks) {
  while (blocks.size() > kCongestionTimeBytes) {
    if (blocks.size() < kCongestionBlockBytes + kCongestionTimeBytes) return false;
    const std::size_t packets = proto::load_be16(blocks.data() + 6);
    const std::size_t bytes = kCongestionBlockBytes + (packets + 1) / 2 * 4;
    if (bytes + kCongestionTimeBytes > blocks.size()) return false;
    sources.map_reverse(blocks.data());
    blocks = blocks.subspan(bytes);
  }
  return true;
}

/// Feedback: sender, media source, then control information that may name further sources (RFC 4585 section 6.1).
bool map_feedback(const Sources& sources, const proto::RtcpView& feedback, proto::MutableBytes body) {
  if (body.size() < proto::kFeedbackSourcesBytes) return false;
  const bool congestion = feedback.type == static_cast<std::uint8_t>(RtcpType::kTransportFeedback) &&
                          feedback.count == static_cast<std::uint8_t>(TransportFormat::kCongestion);
  if (congestion) return map_congestion_blocks(sources, body.subspan(kSsrcBytes));
  sources.map_reverse(body.data() + kSsrcBytes);
  const proto::MutableBytes information = body.subspan(proto::kFeedbackSourcesBytes);
  if (has_entries(feedback)) {
    for (std::size_t at = 0; at + kFeedbackEntryBytes <= information.size(); at += kFeedbackEntryBytes) {
      sources.map_reverse(information.data() + at);
    }
  }
  if (proto::is_remb(feedback)) {
    const std::size_t count = information[4];
    if (information.size() < 8 + count * kSsrcBytes) return false;
    for (std::size_t i = 0; i < count; ++i) sources.map_reverse(information.data() + 8 + i * kSsrcBytes);
  }
  return true;
}

bool map_extended_report(const Sources& sources, proto::MutableBytes blocks) {
  while (!blocks.empty()) {
    const std::optional<ExtendedBlock> block = extended_block(blocks);
    if (!block) return false;
    for (std::size_t i = 0; i < sources_named(*block).value_or(0); ++i) {
      sources.map_reverse(blocks.data() + kBlockSourceAt + i * kBlockSourceStep);
    }
    blocks = blocks.subspan(block->bytes);
  }
  return true;
}

}  // namespace

Sources::Sources(const FlowEntry& flow) : spec_(flow.rewrite) {
  if (hides() || finds()) disguise_.emplace(flow.cookie);
}

void Sources::map_forward(std::uint8_t* at) const {
  if (spec_.ssrc_to != 0) {
    proto::store_be32(at, spec_.ssrc_to);
  } else if (hides()) {
    proto::store_be32(at, disguise_->hide(proto::load_be32(at)));
  }
}

void Sources::map_reverse(std::uint8_t* at) const {
  const std::uint32_t named = proto::load_be32(at);
  if (spec_.ssrc_reverse_to != 0 && named == spec_.ssrc_reverse_from) {
    proto::store_be32(at, spec_.ssrc_reverse_to);
  } else if (finds() && named != 0) {  // RFC 5104 section 4.3.1.2: 0 names none
    proto::store_be32(at, disguise_->find(named));
  }
}

bool map_sources(const Sources& sources, const proto::RtcpView& packet, proto::MutableBytes body) {
  const std::optional<proto::Bytes> content = proto::rtcp_content(packet);
  if (!content) return false;
  body = body.first(content->size());
  const auto type = static_cast<RtcpType>(packet.type);
  if (type != RtcpType::kSourceDescription && type != RtcpType::kBye) {
    if (body.size() < kSsrcBytes) return false;
    sources.map_forward(body.data());
  }
  switch (type) {
    case RtcpType::kSenderReport:
      return body.size() >= kSsrcBytes + proto::kSenderInfoBytes &&
             map_report_blocks(sources, body.subspan(kSsrcBytes + proto::kSenderInfoBytes), packet.count);
    case RtcpType::kReceiverReport:
      return map_report_blocks(sources, body.subspan(kSsrcBytes), packet.count);
    case RtcpType::kSourceDescription:
      return map_source_description(sources, body, packet.count);
    case RtcpType::kBye:
      return map_bye(sources, body, packet.count);
    case RtcpType::kTransportFeedback:
    case RtcpType::kPayloadFeedback:
      return map_feedback(sources, packet, body);
    case RtcpType::kExtendedReport:
      return map_extended_report(sources, body.subspan(kSsrcBytes));
    case RtcpType::kApp:
      return true;
  }
  return true;
}

}  // namespace weir::dataplane
