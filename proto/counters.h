// What a worker counts. Every packet in is a packet out, a packet punted, a packet answered here, or exactly one drop.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace weir::proto {

/// Why a packet was dropped. Values cross the processes; append, and add the row below.
enum class DropReason : std::uint8_t {
  kNone = 0,
  kEthernetMalformed,
  kVlanUnknown,
  kEtherTypeUnknown,
  kArpMalformed,
  kArpNotForUs,
  kIpMalformed,
  kIpChecksum,
  kIpFragment,
  kIpNotForUs,
  kIpProtocolUnknown,
  kIcmpNotEcho,
  kUdpMalformed,
  kUdpChecksum,
  kPortClosed,
  kKindUnknown,
  kKindNotAccepted,
  kFlowNotReady,
  kSourceNotAllowed,
  kPoliced,
  kRtpMalformed,
  kRtcpMalformed,
  kSsrcUnknown,
  kSrtpTooShort,
  kReplayed,
  kIndexTooOld,
  kAuthFailed,
  kSrtcpEBitWrong,
  kKeyExhausted,
  kSendReplayed,
  kTooLong,
  kNextHopUnknown,
  kPuntRateLimited,
  kPuntRingFull,
  kHandoffFull,
  kTransmitFull,
  kDraining,
  kIpExtension,
  kNdMalformed,
  kNdNotForUs,
  kMkiUnknown,
  kSsrcCollision,
  kStunMalformed,
  kStunNotRequest,
  kStunFingerprint,
  kIceUserUnknown,
  kIceAuthFailed,
  kIceRateLimited,
  kIceReplayed,
  kFeedbackAbsorbed,
  kTranscodeFull,
  kTranscodeTypeUnknown,
  kTranscodePayload,
  kTranscodeDuration,
  kTranscodeFlowGone,
};
inline constexpr std::size_t kDropReasonCount = 55;

struct DropReasonInfo {
  DropReason reason;
  std::string_view name;
  std::string_view sentence;  ///< for people: what happened
};

inline constexpr std::array<DropReasonInfo, kDropReasonCount> kDropReasons{{
    {DropReason::kNone, "none", "not dropped"},
    {DropReason::kEthernetMalformed, "ethernet_malformed", "the frame ends inside its Ethernet or VLAN header"},
    {DropReason::kVlanUnknown, "vlan_unknown", "no network of the port has the frame's VLAN tag"},
    {DropReason::kEtherTypeUnknown, "ethertype_unknown",
     "the frame is neither ARP nor IP of a version that its network speaks"},
    {DropReason::kArpMalformed, "arp_malformed", "the ARP packet is cut short or not Ethernet over IPv4"},
    {DropReason::kArpNotForUs, "arp_not_for_us", "the ARP packet neither asks for nor answers one of our addresses"},
    {DropReason::kIpMalformed, "ip_malformed", "the IP header is cut short, inconsistent or has options"},
    {DropReason::kIpChecksum, "ip_checksum", "the IPv4 header checksum is wrong"},
    {DropReason::kIpFragment, "ip_fragment", "the packet is an IP fragment"},
    {DropReason::kIpNotForUs, "ip_not_for_us", "the destination is not a media address"},
    {DropReason::kIpProtocolUnknown, "ip_protocol_unknown", "the packet is neither UDP nor ICMP nor ICMPv6"},
    {DropReason::kIcmpNotEcho, "icmp_not_echo", "the ICMP or ICMPv6 packet is malformed or not an echo request"},
    {DropReason::kUdpMalformed, "udp_malformed", "the UDP header is cut short or its length does not fit"},
    {DropReason::kUdpChecksum, "udp_checksum", "the UDP checksum is wrong, or missing in IPv6"},
    {DropReason::kPortClosed, "port_closed", "no flow has this media address and port"},
    {DropReason::kKindUnknown, "kind_unknown", "the first byte belongs to no protocol of RFC 7983"},
    {DropReason::kKindNotAccepted, "kind_not_accepted", "the flow does not take this kind of packet"},
    {DropReason::kFlowNotReady, "flow_not_ready", "media arrived before the flow was installed"},
    {DropReason::kSourceNotAllowed, "source_not_allowed", "the source is not the one the flow's policy allows"},
    {DropReason::kPoliced, "policed", "the flow is over its packet or byte rate"},
    {DropReason::kRtpMalformed, "rtp_malformed", "the RTP header does not fit the packet"},
    {DropReason::kRtcpMalformed, "rtcp_malformed", "the RTCP packet's lengths do not fit"},
    {DropReason::kSsrcUnknown, "ssrc_unknown", "authentic, but the flow has no room for another SSRC"},
    {DropReason::kSrtpTooShort, "srtp_too_short", "the packet is too short for its authentication tag"},
    {DropReason::kReplayed, "replayed", "a packet of this index was accepted before"},
    {DropReason::kIndexTooOld, "index_too_old", "the index lies behind the replay window"},
    {DropReason::kAuthFailed, "auth_failed", "the authentication tag is wrong"},
    {DropReason::kSrtcpEBitWrong, "srtcp_e_bit_wrong", "the SRTCP packet's E bit is not what the profile asks for"},
    {DropReason::kKeyExhausted, "key_exhausted", "the key has protected as many packets as it may"},
    {DropReason::kSendReplayed, "send_replayed", "the packet would repeat a send index under one key"},
    {DropReason::kTooLong, "too_long", "the packet does not fit the MTU once it is protected"},
    {DropReason::kNextHopUnknown, "next_hop_unknown", "the next hop's MAC address is not known yet"},
    {DropReason::kPuntRateLimited, "punt_rate_limited",
     "the flow, its source or the worker is over its rate of packets to weir-control"},
    {DropReason::kPuntRingFull, "punt_ring_full", "weir-control does not read its packets fast enough"},
    {DropReason::kHandoffFull, "handoff_full", "the worker that owns the port does not keep up"},
    {DropReason::kTransmitFull, "transmit_full", "the network card took no more packets"},
    {DropReason::kDraining, "draining", "the flow is draining and takes no new packet"},
    {DropReason::kIpExtension, "ip_extension", "the IPv6 packet has extension headers"},
    {DropReason::kNdMalformed, "nd_malformed",
     "the neighbour discovery packet is cut short, forwarded or inconsistent"},
    {DropReason::kNdNotForUs, "nd_not_for_us",
     "the neighbour discovery packet neither asks for nor answers one of our addresses"},
    {DropReason::kMkiUnknown, "mki_unknown", "no key of the flow has the packet's MKI"},
    {DropReason::kSsrcCollision, "ssrc_collision", "another stream of the flow leaves under the same SSRC"},
    {DropReason::kStunMalformed, "stun_malformed",
     "the STUN message's header or attributes do not fit it, or it is longer than any check"},
    {DropReason::kStunNotRequest, "stun_not_request",
     "the STUN message on an ICE flow is a response, an indication or no Binding"},
    {DropReason::kStunFingerprint, "stun_fingerprint", "the STUN message's FINGERPRINT is wrong"},
    {DropReason::kIceUserUnknown, "ice_user_unknown",
     "the connectivity check does not name the flow's ICE credentials"},
    {DropReason::kIceAuthFailed, "ice_auth_failed", "the connectivity check's MESSAGE-INTEGRITY is missing or wrong"},
    {DropReason::kIceRateLimited, "ice_rate_limited", "the flow is over its rate of connectivity checks"},
    {DropReason::kIceReplayed, "ice_replayed", "the connectivity check came before, from another source"},
    {DropReason::kFeedbackAbsorbed, "feedback_absorbed",
     "the RTCP packet held nothing but feedback that the far side does not understand"},
    {DropReason::kTranscodeFull, "transcode_full", "the core that converts the flow's audio does not keep up"},
    {DropReason::kTranscodeTypeUnknown, "transcode_type_unknown",
     "the flow is transcoded and its conversion knows no such payload type"},
    {DropReason::kTranscodePayload, "transcode_payload", "the payload is none of its codec and cannot be converted"},
    {DropReason::kTranscodeDuration, "transcode_duration", "the other codec has no packets of such a duration"},
    {DropReason::kTranscodeFlowGone, "transcode_flow_gone", "the flow ended while its packet was being converted"},
}};

consteval bool drop_reasons_are_in_order() {
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    if (static_cast<std::size_t>(kDropReasons[i].reason) != i || kDropReasons[i].sentence.empty()) return false;
  }
  return true;
}
static_assert(drop_reasons_are_in_order());
static_assert(static_cast<std::size_t>(DropReason::kTranscodeFlowGone) + 1 == kDropReasonCount);

constexpr const DropReasonInfo& drop_reason(DropReason reason) {
  return kDropReasons[static_cast<std::size_t>(reason)];
}

/// One worker's totals. Written by that worker only, in weir-media's segment; read by anyone, each value whole.
/// received + returned == forwarded + punted + answered + absorbed + sum(dropped), once the worker is idle.
/// sent == forwarded + answered + injected + originated. A frame that its port did not take is `transmit_full` instead,
/// or inject_refused if it was injected.
struct alignas(64) WorkerCounters {
  std::uint64_t received;         ///< frames taken from a queue
  std::uint64_t forwarded;        ///< media packets given to a transmit queue
  std::uint64_t punted;           ///< packets given to weir-control
  std::uint64_t answered;         ///< ARP, ND, ICMP and ICE answered here: the frame in became the frame out
  std::uint64_t absorbed;         ///< frames that were for us and end here: ARP and ND answers
  std::uint64_t injected;         ///< packets sent on behalf of weir-control
  std::uint64_t originated;       ///< frames the worker itself began: ARP and ND questions
  std::uint64_t gateway_changes;  ///< times that another gateway of a network came into force
  std::uint64_t commands;         ///< commands carried out
  std::uint64_t commands_refused;
  std::uint64_t events_lost;  ///< events that found the ring full
  std::uint64_t inject_refused;
  std::uint64_t transcoded;    ///< media packets that a core for transcoding converted; part of forwarded or dropped
  std::uint64_t returned;      ///< packets that weir-control gave the way of media: InjectKind::kReceived
  std::uint64_t handed_over;   ///< frames that belong to another worker, which counts them as received
  std::uint64_t stalls;        ///< times more than kWorkerStalledNs lay between two passes
  std::uint64_t idle_sleeps;   ///< sleeps for want of work (media.idle_sleep_us_max)
  std::uint64_t ring_corrupt;  ///< times a ring's indexes made no sense: weir-control is damaged
  std::array<std::uint64_t, kDropReasonCount> dropped;
};

}  // namespace weir::proto
