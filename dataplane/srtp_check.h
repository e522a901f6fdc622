// The first of a received packet's steps: may it be legitimate? Header and length are parsed, its index is estimated,
// the window is asked. Nothing changes: the packet is not authenticated yet.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/burst.h"
#include "dataplane/flow_table.h"
#include "dataplane/trial.h"
#include "proto/counters.h"
#include "proto/rtp.h"

namespace weir::dataplane {

constexpr proto::DropReason drop_reason_of(IndexVerdict verdict) {
  switch (verdict) {
    case IndexVerdict::kFresh:
      return proto::DropReason::kNone;
    case IndexVerdict::kReplayed:
      return proto::DropReason::kReplayed;
    case IndexVerdict::kTooOld:
      return proto::DropReason::kIndexTooOld;
  }
  return proto::DropReason::kIndexTooOld;
}

/// parse_srtp for what has CSRCs or an extension.
proto::DropReason parse_srtp_long(Burst& burst, std::uint32_t packet, std::size_t tag_bytes);

/// Header and length of an SRTP packet whose tag takes `tag_bytes`. Writes header_bytes and ssrc.
[[gnu::always_inline]] inline proto::DropReason parse_srtp(Burst& burst, std::uint32_t packet, std::size_t tag_bytes) {
  constexpr unsigned kAllButPadding = 0xdf;  // a fixed header: version 2, no extension, no CSRC
  const std::uint8_t* data = burst.data[packet];
  const bool fixed = burst.bytes[packet] >= proto::kRtpHeaderBytesMin + tag_bytes && (data[0] & kAllButPadding) == 0x80;
  if (!fixed) [[unlikely]]
    return parse_srtp_long(burst, packet, tag_bytes);
  burst.header_bytes[packet] = proto::kRtpHeaderBytesMin;
  burst.ssrc[packet] = proto::load_be32(data + 8);
  return proto::DropReason::kNone;
}

/// Header and length of an SRTCP packet with `trailer_bytes` of tag and index behind the ciphertext. Writes
/// header_bytes and ssrc.
proto::DropReason parse_srtcp(Burst& burst, std::uint32_t packet, std::size_t trailer_bytes);

/// check_srtp for an SSRC whose state does not lie in the entry, or that has none yet.
proto::DropReason check_srtp_far(Burst& burst, std::uint32_t packet, std::uint16_t sequence, Cipher& cipher);

/// Estimates an index (RFC 3711 section 3.3.1) beside the highest that was seen, and asks the window. Writes `index`.
inline proto::DropReason check_index(Burst& burst, std::uint32_t packet, const SrtpWindow& window,
                                     std::uint16_t sequence) {
  const std::optional<std::uint64_t> index = estimate_index(window.highest, sequence);
  if (!index) return proto::DropReason::kIndexTooOld;
  if (*index > kRtpIndexMax) return proto::DropReason::kKeyExhausted;
  burst.index[packet] = *index;
  return drop_reason_of(window.check(*index));
}

/// May this SRTP packet be legitimate under the keys in force? Writes the columns of parse_srtp, `state` and `index`.
/// `cipher`: for a stream's first packet, whose rollover counter may have to be tried.
inline proto::DropReason check_srtp(Burst& burst, std::uint32_t packet, std::size_t tag_bytes, Cipher& cipher) {
  const proto::DropReason reason = parse_srtp(burst, packet, tag_bytes);
  if (reason != proto::DropReason::kNone) return reason;
  SsrcState* state = find_ssrc(burst.flow[packet]->receive_rtp, burst.ssrc[packet]);
  burst.state[packet] = state;
  const std::uint16_t sequence = proto::load_be16(burst.data[packet] + 2);
  if (state == nullptr) [[unlikely]]
    return check_srtp_far(burst, packet, sequence, cipher);
  const std::uint64_t next = state->window.highest + 1;
  if (static_cast<std::uint16_t>(next) == sequence && next <= kRtpIndexMax) [[likely]] {
    burst.index[packet] = next;  // as check_index would, and fresh
    return proto::DropReason::kNone;
  }
  return check_index(burst, packet, state->window, sequence);
}

/// The same for SRTCP, whose index is explicit: it stands in front of a tag of `tag_bytes` if `before_tag`, else behind
/// it.
proto::DropReason check_srtcp(Burst& burst, std::uint32_t packet, std::size_t tag_bytes, bool before_tag);

}  // namespace weir::dataplane
