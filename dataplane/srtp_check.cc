#include "dataplane/srtp_check.h"

#include <optional>

#include "dataplane/srtp_iv.h"
#include "dataplane/ssrc_states.h"
#include "proto/rtcp.h"

namespace weir::dataplane {

using proto::DropReason;

DropReason parse_srtp_long(Burst& burst, std::uint32_t packet, std::size_t tag_bytes) {
  const std::optional<proto::RtpView> view = proto::parse_rtp({burst.data[packet], burst.bytes[packet]});
  if (!view) return DropReason::kRtpMalformed;
  if (view->header_bytes + tag_bytes > burst.bytes[packet]) return DropReason::kSrtpTooShort;
  burst.header_bytes[packet] = view->header_bytes;
  burst.ssrc[packet] = view->ssrc;
  return DropReason::kNone;
}

DropReason parse_srtcp(Burst& burst, std::uint32_t packet, std::size_t trailer_bytes) {
  const std::optional<std::uint32_t> ssrc = proto::rtcp_sender_ssrc({burst.data[packet], burst.bytes[packet]});
  if (!ssrc) return DropReason::kRtcpMalformed;
  if (kSrtcpHeaderBytes + trailer_bytes > burst.bytes[packet]) return DropReason::kSrtpTooShort;
  burst.header_bytes[packet] = kSrtcpHeaderBytes;
  burst.ssrc[packet] = *ssrc;
  return DropReason::kNone;
}

DropReason check_srtp_far(Burst& burst, std::uint32_t packet, std::uint16_t sequence, Cipher& cipher) {
  SsrcState* state = find_more_ssrc(burst, packet, SsrcKind::kReceiveRtp);
  burst.state[packet] = state;
  if (state != nullptr) return check_index(burst, packet, state->window, sequence);
  burst.index[packet] = std::uint64_t{burst.flow[packet]->receive_rtp_roc} << 16 | sequence;
  if (sequence < kMissedPacketsMax) look_for_missed_wrap(burst, packet, cipher);
  return DropReason::kNone;
}

DropReason check_srtcp(Burst& burst, std::uint32_t packet, std::size_t tag_bytes, bool before_tag) {
  const DropReason reason = parse_srtcp(burst, packet, tag_bytes + kSrtcpIndexBytes);
  if (reason != DropReason::kNone) return reason;
  const SrtcpState* state = find_srtcp_ssrc(burst, packet);
  const std::uint8_t* end = burst.data[packet] + burst.bytes[packet];
  const std::uint32_t word = proto::load_be32(end - kSrtcpIndexBytes - (before_tag ? tag_bytes : 0));
  const std::uint32_t e_bit = srtcp_e_bit(burst.flow[packet]->receive_profile);
  if ((word & kSrtcpEncryptedBit) != e_bit) return DropReason::kSrtcpEBitWrong;
  burst.index[packet] = word & ~kSrtcpEncryptedBit;
  return state == nullptr ? DropReason::kNone : drop_reason_of(state->window.check(burst.index[packet]));
}

}  // namespace weir::dataplane
