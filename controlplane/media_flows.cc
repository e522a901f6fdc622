#include "controlplane/media_flows.h"

#include <algorithm>

#include "proto/assert.h"

namespace weir::controlplane {
namespace {

proto::Exit exit_towards(const MediaLeg& to, Component component) {
  const proto::Endpoint peer = to.destination(component);
  return {.peer = peer,
          .local_port = to.port(to.carrier(component)).local_port(),
          .network = to.network_to(peer.address.family),
          .dscp = kMediaDscp};
}

}  // namespace

proto::PrefixBits plain_latch_prefix(const proto::settings::ControlSettings& control) {
  return {.ipv4 = static_cast<std::uint8_t>(control.plain_latch_prefix_bits),
          .ipv6 = static_cast<std::uint8_t>(control.plain_latch_ipv6_prefix_bits)};
}

proto::TranscodeSpec conversion_of(const MediaLeg& from, const MediaLeg& to) {
  const bool wanted = from.security().codecs.transcode || to.security().codecs.transcode;
  if (!wanted || !from.remote_known() || !to.remote_known()) return {};
  return transcode_between(from.terms().audio, to.terms().audio);
}

Secret<proto::FlowSpec> make_flow(const MediaLeg& from, const MediaLeg& to, Component component,
                                  const std::vector<proto::PayloadTypePair>& payload_types, const FlowTerms& terms) {
  WEIR_ASSERT(from.remote_known() && from.carrier(component) == component);
  const bool rtp = component == Component::kRtp;
  const bool rtcp = component == Component::kRtcp || from.rtcp_mux();
  const bool leaves = from.ready() && to.ready();
  Secret<proto::FlowSpec> spec;
  spec->cookie = terms.cookie;
  spec->peer = from.peer(component);
  from.port(component).write_place(*spec);
  spec->accepts = static_cast<std::uint8_t>((rtp ? proto::kAcceptRtp : 0) | (rtcp ? proto::kAcceptRtcp : 0));
  spec->punts = from.keying() == sip::Keying::kDtls ? proto::kPuntDtls : std::uint8_t{0};
  if (from.uses_ice()) {
    spec->source_policy = proto::SourcePolicy::kIce;
    from.ice().write_to(*spec);
    // A full agent asks for consent itself.
    if (spec->ice_role == proto::IceRole::kNone) spec->ice_consent_ms = kIceConsentMs;
  } else if (from.is_secured_leg()) {
    spec->source_policy = proto::SourcePolicy::kLatch;
  } else if (terms.plain_latch_ms != 0) {
    spec->source_policy = proto::SourcePolicy::kLatch;
    spec->latch_window_ms = terms.plain_latch_ms;
    // The leg's family: a peer on hold has no address yet, and the mask stays when it gets one.
    spec->latch_prefix_bits = terms.plain_latch_prefix.of(from.family());
  } else {
    // What the SDP says and nothing else, or the first stranger to send a packet would own the stream (RTP bleed).
    spec->source_policy = proto::SourcePolicy::kSignalled;
  }
  const MediaRates rates = with_margin(rtp ? from.terms().rates : kRtcpRates, terms.rate_factor);
  spec->packets_per_s_max = rates.packets_per_s;
  spec->bytes_per_s_max = rates.bytes_per_s;
  spec->rtp_clock_hz = rtp ? std::min(from.terms().clock_hz, proto::kRtpClockHzMax) : 0;
  spec->punts_per_s_max = terms.punts_per_s_max;
  spec->media_timeout_ms = terms.media_timeout_ms;
  if (rtp && leaves) spec->rtp = exit_towards(to, Component::kRtp);
  if (rtcp && leaves) spec->rtcp = exit_towards(to, Component::kRtcp);
  spec->receive = *from.receive_transform();
  spec->send = *to.send_transform();
  const proto::TranscodeSpec transcode = conversion_of(from, to);
  spec->rewrite.rtcp_timestamps = rtcp_scale(transcode);
  if (rtp) spec->transcode = transcode;
  const MediaTerms understood = to.remote_known() ? to.terms() : MediaTerms{};
  spec->rewrite.absorbs = static_cast<std::uint8_t>(proto::kFeedbackAll & ~understood.understands);
  // Telephones send none, and a flow that is to be looked into costs weir-media more.
  spec->rewrite.strips_extensions = from.uses_ice() && !understood.extensions ? 1 : 0;
  const std::size_t pairs = std::min(payload_types.size(), proto::kPayloadTypeMapMax);
  std::copy_n(payload_types.begin(), pairs, spec->rewrite.payload_type_map.begin());
  spec->rewrite.payload_types = static_cast<std::uint8_t>(pairs);
  return spec;
}

}  // namespace weir::controlplane
