#include "dataplane/source_description.h"

#include <algorithm>
#include <optional>

#include "dataplane/burst.h"
#include "dataplane/compound_writer.h"
#include "dataplane/extended_report.h"
#include "proto/rtcp.h"

namespace weir::dataplane {
namespace {

using proto::Bytes;
using proto::DropReason;
using proto::PayloadFormat;
using proto::RtcpType;
using proto::RtcpView;
using proto::TransportFormat;

constexpr std::uint8_t kCname = 1;  // RFC 3550 section 12.2
constexpr std::size_t kHeaderBytes = 4;
constexpr std::size_t kSsrcBytes = 4;
constexpr std::size_t kItemHeaderBytes = 2;
constexpr std::size_t kRembBytes = 16;  // without sources
/// SSRC, one item, and its end, to the next multiple of four bytes.
constexpr std::size_t kChunkBytes = (kSsrcBytes + kItemHeaderBytes + proto::kHiddenCnameBytes + 1 + 3) / 4 * 4;
static_assert(kChunkBytes % 4 == 0);

using Cname = std::array<std::uint8_t, proto::kHiddenCnameBytes>;

/// Where the chunk at the front ends; nullopt: it does not.
std::optional<std::size_t> chunk_bytes(Bytes chunks) {
  std::size_t at = kSsrcBytes;
  while (at < chunks.size() && chunks[at] != 0) {
    if (at + kItemHeaderBytes > chunks.size()) return std::nullopt;
    at += kItemHeaderBytes + chunks[at + 1];
  }
  at = (at + 4) & ~std::size_t{3};
  return at <= chunks.size() ? std::optional(at) : std::nullopt;
}

/// A header as the packet's, without padding.
bool add_header(const RtcpView& packet, std::size_t body_bytes, CompoundWriter& out) {
  std::array<std::uint8_t, kHeaderBytes> header{static_cast<std::uint8_t>(0x80 | packet.count), packet.type, 0, 0};
  proto::store_be16(header.data() + 2, static_cast<std::uint16_t>(body_bytes / 4));
  return out.add(header);
}

/// Of what a packet says the first `bytes`; what is behind them is nobody's business.
DropReason add_front(const RtcpView& packet, Bytes content, std::size_t bytes, CompoundWriter& out) {
  if (content.size() < bytes) return DropReason::kRtcpMalformed;
  const bool fits = add_header(packet, bytes, out) && out.add(content.first(bytes));
  return fits ? DropReason::kNone : DropReason::kTooLong;
}

DropReason add_description(const RtcpView& packet, Bytes chunks, const Cname& cname, CompoundWriter& out) {
  std::array<std::uint8_t, kChunkBytes> chunk{};
  chunk[kSsrcBytes] = kCname;
  chunk[kSsrcBytes + 1] = static_cast<std::uint8_t>(cname.size());
  std::copy(cname.begin(), cname.end(), chunk.begin() + kSsrcBytes + kItemHeaderBytes);
  bool fits = add_header(packet, packet.count * kChunkBytes, out);
  for (std::size_t i = 0; i < packet.count; ++i) {
    const std::optional<std::size_t> bytes = chunk_bytes(chunks);
    if (!bytes) return DropReason::kRtcpMalformed;
    std::copy_n(chunks.begin(), kSsrcBytes, chunk.begin());
    fits = fits && out.add(chunk);
    chunks = chunks.subspan(*bytes);
  }
  return fits ? DropReason::kNone : DropReason::kTooLong;
}

/// Bytes of an entry of what feedback says, 0 if it says nothing; nullopt: nobody here knows what that is.
std::optional<std::size_t> entry_bytes(const RtcpView& feedback) {
  if (static_cast<RtcpType>(feedback.type) == RtcpType::kTransportFeedback) {
    switch (static_cast<TransportFormat>(feedback.count)) {
      case TransportFormat::kNack:
      case TransportFormat::kCongestion:
      case TransportFormat::kTransportWide:
        return 4;
      case TransportFormat::kTmmbr:
      case TransportFormat::kTmmbn:
        return 8;
    }
    return std::nullopt;
  }
  switch (static_cast<PayloadFormat>(feedback.count)) {
    case PayloadFormat::kPli:
      return 0;
    case PayloadFormat::kSli:
    case PayloadFormat::kRpsi:
      return 4;
    case PayloadFormat::kFir:
    case PayloadFormat::kTstr:
    case PayloadFormat::kTstn:
      return 8;
    case PayloadFormat::kApplicationLayer:
      return std::nullopt;
  }
  return std::nullopt;
}

DropReason add_feedback(const RtcpView& packet, Bytes content, CompoundWriter& out) {
  if (content.size() < proto::kFeedbackSourcesBytes) return DropReason::kRtcpMalformed;
  if (proto::is_remb(packet)) return add_front(packet, content, kRembBytes + kSsrcBytes * content[12], out);
  const std::optional<std::size_t> entry = entry_bytes(packet);
  if (!entry) return DropReason::kNone;
  const std::size_t information = content.size() - proto::kFeedbackSourcesBytes;
  const std::size_t entries = *entry == 0 ? 0 : information / *entry * *entry;
  return add_front(packet, content, proto::kFeedbackSourcesBytes + entries, out);
}

/// The blocks of RFC 3611 alone.
DropReason add_extended_report(const RtcpView& packet, Bytes content, CompoundWriter& out) {
  if (content.size() < kSsrcBytes) return DropReason::kRtcpMalformed;
  Bytes blocks = content.subspan(kSsrcBytes);
  CompoundWriter known;
  while (!blocks.empty()) {
    const std::optional<ExtendedBlock> block = extended_block(blocks);
    if (!block) return DropReason::kRtcpMalformed;
    if (sources_named(*block) && !known.add(blocks.first(block->bytes))) return DropReason::kTooLong;
    blocks = blocks.subspan(block->bytes);
  }
  if (known.bytes().empty()) return DropReason::kNone;
  const bool fits = add_header(packet, kSsrcBytes + known.bytes().size(), out) && out.add(content.first(kSsrcBytes)) &&
                    out.add(known.bytes());
  return fits ? DropReason::kNone : DropReason::kTooLong;
}

DropReason add(const RtcpView& packet, const Cname& cname, CompoundWriter& out) {
  const std::optional<Bytes> content = proto::rtcp_content(packet);
  if (!content) return DropReason::kRtcpMalformed;
  switch (static_cast<RtcpType>(packet.type)) {
    case RtcpType::kSenderReport:
      return add_front(packet, *content, kSsrcBytes + proto::kSenderInfoBytes + packet.count * proto::kReportBlockBytes,
                       out);
    case RtcpType::kReceiverReport:
      return add_front(packet, *content, kSsrcBytes + packet.count * proto::kReportBlockBytes, out);
    case RtcpType::kSourceDescription:
      return add_description(packet, *content, cname, out);
    case RtcpType::kBye:
      return add_front(packet, *content, packet.count * kSsrcBytes, out);
    case RtcpType::kTransportFeedback:
    case RtcpType::kPayloadFeedback:
      return add_feedback(packet, *content, out);
    case RtcpType::kExtendedReport:
      return add_extended_report(packet, *content, out);
    case RtcpType::kApp:
      return DropReason::kNone;
  }
  return DropReason::kNone;  // a type of tomorrow
}

}  // namespace

DropReason hide_description(Burst& burst, std::uint32_t packet, const Cname& cname) {
  Bytes compound{burst.data[packet], burst.bytes[packet]};
  CompoundWriter out;
  while (!compound.empty()) {
    const std::optional<RtcpView> view = proto::parse_rtcp(compound);
    if (!view) return DropReason::kRtcpMalformed;
    const DropReason reason = add(*view, cname, out);
    if (reason != DropReason::kNone) return reason;
    compound = compound.subspan(view->packet_bytes);
  }
  if (out.bytes().empty()) return DropReason::kFeedbackAbsorbed;
  return replace_compound(burst, packet, out.bytes());
}

}  // namespace weir::dataplane
