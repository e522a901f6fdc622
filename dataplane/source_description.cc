#include "dataplane/source_description.h"

#include <algorithm>
#include <optional>

#include "dataplane/burst.h"
#include "dataplane/compound_writer.h"
#include "proto/rtcp.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::RtcpType;

constexpr std::uint8_t kCname = 1;  // RFC 3550 section 12.2
constexpr std::size_t kSsrcBytes = 4;
constexpr std::size_t kItemHeaderBytes = 2;
/// SSRC, one item, and its end, to the next multiple of four bytes.
constexpr std::size_t kChunkBytes = (kSsrcBytes + kItemHeaderBytes + proto::kHiddenCnameBytes + 1 + 3) / 4 * 4;
constexpr std::size_t kChunksMax = 31;

using Cname = std::array<std::uint8_t, proto::kHiddenCnameBytes>;

/// Where the chunk at the front ends; nullopt: it does not.
std::optional<std::size_t> chunk_bytes(proto::Bytes chunks) {
  std::size_t at = kSsrcBytes;
  while (at < chunks.size() && chunks[at] != 0) {
    if (at + kItemHeaderBytes > chunks.size()) return std::nullopt;
    at += kItemHeaderBytes + chunks[at + 1];
  }
  at = (at + 4) & ~std::size_t{3};
  return at <= chunks.size() ? std::optional(at) : std::nullopt;
}

/// The header that `packet` begins with is `view`'s, but for its length and that it has no padding.
DropReason finish(const proto::RtcpView& view, proto::MutableBytes packet, CompoundWriter& out) {
  packet[0] = static_cast<std::uint8_t>(0x80 | view.count);
  packet[1] = view.type;
  proto::store_be16(packet.data() + 2, static_cast<std::uint16_t>(packet.size() / 4 - 1));
  return out.add(packet) ? DropReason::kNone : DropReason::kTooLong;
}

DropReason add_description(const proto::RtcpView& view, const Cname& cname, CompoundWriter& out) {
  std::array<std::uint8_t, 4 + kChunksMax * kChunkBytes> packet{};
  proto::Bytes chunks = view.body;
  for (std::size_t i = 0; i < view.count; ++i) {
    const std::optional<std::size_t> bytes = chunk_bytes(chunks);
    if (!bytes) return DropReason::kRtcpMalformed;
    std::uint8_t* to = packet.data() + 4 + i * kChunkBytes;
    std::copy_n(chunks.begin(), kSsrcBytes, to);
    to[kSsrcBytes] = kCname;
    to[kSsrcBytes + 1] = static_cast<std::uint8_t>(cname.size());
    std::copy(cname.begin(), cname.end(), to + kSsrcBytes + kItemHeaderBytes);
    chunks = chunks.subspan(*bytes);
  }
  return finish(view, {packet.data(), 4 + view.count * kChunkBytes}, out);
}

DropReason add_bye(const proto::RtcpView& view, CompoundWriter& out) {
  std::array<std::uint8_t, 4 + kChunksMax * kSsrcBytes> packet{};
  const std::size_t bytes = view.count * kSsrcBytes;
  if (view.body.size() < bytes) return DropReason::kRtcpMalformed;
  std::copy_n(view.body.begin(), bytes, packet.data() + 4);
  return finish(view, {packet.data(), 4 + bytes}, out);
}

DropReason add(const proto::RtcpView& view, proto::Bytes packet, const Cname& cname, CompoundWriter& out) {
  switch (static_cast<RtcpType>(view.type)) {
    case RtcpType::kSourceDescription:
      return add_description(view, cname, out);
    case RtcpType::kBye:
      return add_bye(view, out);
    case RtcpType::kApp:
      return DropReason::kNone;
    case RtcpType::kSenderReport:
    case RtcpType::kReceiverReport:
    case RtcpType::kTransportFeedback:
    case RtcpType::kPayloadFeedback:
    case RtcpType::kExtendedReport:
      break;
  }
  return out.add(packet) ? DropReason::kNone : DropReason::kTooLong;
}

}  // namespace

DropReason hide_description(Burst& burst, std::uint32_t packet, const Cname& cname) {
  proto::Bytes compound{burst.data[packet], burst.bytes[packet]};
  CompoundWriter out;
  while (!compound.empty()) {
    const std::optional<proto::RtcpView> view = proto::parse_rtcp(compound);
    if (!view) return DropReason::kRtcpMalformed;
    const DropReason reason = add(*view, compound.first(view->packet_bytes), cname, out);
    if (reason != DropReason::kNone) return reason;
    compound = compound.subspan(view->packet_bytes);
  }
  if (out.bytes().empty()) return DropReason::kFeedbackAbsorbed;
  return replace_compound(burst, packet, out.bytes());
}

}  // namespace weir::dataplane
