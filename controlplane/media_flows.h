// How two legs become flows: the whole of what weir-media is told about one direction of a stream.
#pragma once

#include <cstdint>
#include <vector>

#include "controlplane/media_leg.h"
#include "controlplane/secret.h"
#include "proto/flow.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

/// What a stream decides for its flows as a whole.
struct FlowTerms {
  std::uint64_t cookie = 0;
  std::uint32_t media_timeout_ms = 0;
  std::uint32_t punts_per_s_max = 0;
  std::uint32_t rate_factor = 0;  ///< see ControlSettings::media_rate_factor
  std::uint32_t plain_latch_ms = 0;
  proto::PrefixBits plain_latch_prefix;
};

/// After so long without a check a party may have gone (RFC 7675 section 5.1).
inline constexpr std::uint32_t kIceConsentMs = 30'000;

/// DSCP of what we send, media and all: EF, telephony (RFC 4594 section 4.1).
inline constexpr std::uint8_t kMediaDscp = 46;

/// From where, beside what the SDP says, plain media may come.
proto::PrefixBits plain_latch_prefix(const proto::settings::ControlSettings& control);

/// How audio from the one leg is converted for the other: no pairs where neither realm's policy wants it, where they
/// share a codec, or while the remote of either is not known.
proto::TranscodeSpec conversion_of(const MediaLeg& from, const MediaLeg& to);

/// The flow that arrives at `from`'s port of `component` and leaves towards `to`: nowhere while either leg is not
/// ready(). The remote of `from` is known. RTCP arrives on RTP's flow where `from` has rtcp-mux and leaves from RTP's
/// port where `to` has it; each kind of packet has exactly one flow, so each key has one sender.
Secret<proto::FlowSpec> make_flow(const MediaLeg& from, const MediaLeg& to, Component component,
                                  const std::vector<proto::PayloadTypePair>& payload_types, const FlowTerms& terms);

}  // namespace weir::controlplane
