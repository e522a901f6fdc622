#include "proto/rtcp.h"

namespace weir::proto {
namespace {

constexpr std::uint32_t kRemb = 0x52454d42;  // "REMB"

}  // namespace

std::optional<std::uint32_t> rtcp_sender_ssrc(Bytes packet) {
  if (packet.size() < kRtcpHeaderBytes || packet[0] >> 6 != 2) return std::nullopt;
  return load_be32(packet.data() + 4);
}

std::optional<RtcpView> parse_rtcp(Bytes rest) {
  if (rest.size() < 4 || rest[0] >> 6 != 2) return std::nullopt;
  const std::uint32_t packet_bytes = 4 * (std::uint32_t{load_be16(rest.data() + 2)} + 1);
  if (rest.size() < packet_bytes) return std::nullopt;
  return RtcpView{
      .type = rest[1],
      .count = static_cast<std::uint8_t>(rest[0] & 0x1f),
      .padding = (rest[0] & 0x20) != 0,
      .packet_bytes = packet_bytes,
      .body = rest.subspan(4, packet_bytes - 4),
  };
}

std::optional<Bytes> rtcp_content(const RtcpView& packet) {
  if (!packet.padding) return packet.body;
  const std::size_t padding = packet.body.empty() ? 0 : packet.body.back();
  if (padding == 0 || padding % 4 != 0 || padding > packet.body.size()) return std::nullopt;
  return packet.body.first(packet.body.size() - padding);
}

bool is_remb(const RtcpView& packet) {
  const bool may_be = packet.type == static_cast<std::uint8_t>(RtcpType::kPayloadFeedback) &&
                      packet.count == static_cast<std::uint8_t>(PayloadFormat::kApplicationLayer);
  const std::optional<Bytes> content = may_be ? rtcp_content(packet) : std::nullopt;
  return content && content->size() >= kFeedbackSourcesBytes + 8 &&
         load_be32(content->data() + kFeedbackSourcesBytes) == kRemb;
}

}  // namespace weir::proto
