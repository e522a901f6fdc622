// ARP over Ethernet and IPv4: parse, answer, ask. RFC 826, RFC 5227 (probes and announcements).
#pragma once

#include <cstdint>

#include "dataplane/network.h"
#include "proto/bytes.h"
#include "proto/counters.h"

namespace weir::dataplane {

enum class ArpKind : std::uint8_t {
  kDrop,
  kRequest,   ///< asks for our address: answer it
  kReply,     ///< an answer addressed to us
  kAnnounce,  ///< a neighbour says its own address to all (RFC 5227 section 3)
};

struct Arp {
  ArpKind kind = ArpKind::kDrop;
  proto::DropReason reason = proto::DropReason::kNone;  ///< of kDrop
  Address sender;                                       ///< none: a probe, which has no address yet
  proto::MacAddress sender_mac{};
};

/// Judges what follows the link header of an ARP frame. The sender's hardware address must be a single station's and
/// the one the frame says it is from, and the sender on this network: ARP from anywhere else means nothing here.
Arp parse_arp(proto::Bytes frame, std::uint16_t link_bytes, const Network& network);

/// Turns a request (parse_arp: kRequest) into its reply, in place.
void answer_arp(proto::MutableBytes frame, std::uint16_t link_bytes, const Network& network);

/// Shortest Ethernet frame without its check sequence (IEEE 802.3): requests are padded to it.
inline constexpr std::size_t kArpFrameBytes = 60;

/// Writes a request for `target` into kArpFrameBytes bytes. `to`: where the frame goes, the broadcast address, or a
/// neighbour's that is asked whether it is still there (RFC 1122 section 2.3.2.1, unicast poll).
void write_arp_request(std::uint8_t* frame, const Network& network, const Address& target, const proto::MacAddress& to);

inline constexpr proto::MacAddress kBroadcastMac = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

}  // namespace weir::dataplane
