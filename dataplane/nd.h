// Neighbour discovery for IPv6, as far as a host with one configured address and configured gateways needs it: parse,
// answer, ask. RFC 4861 sections 4.3, 4.4 and 7.
//
// Left out: router and prefix discovery (the configuration names the gateways; router advertisements and redirects are
// dropped, so that nobody on the link can reroute media), and duplicate address detection for our own address (RFC 4862
// section 5.4: the administrator assigned it). Other hosts' detection is answered.
#pragma once

#include <cstdint>

#include "dataplane/frame.h"
#include "dataplane/network.h"
#include "proto/bytes.h"
#include "proto/counters.h"

namespace weir::dataplane {

enum class NdKind : std::uint8_t {
  kDrop,
  kSolicitation,  ///< asks for our address: answer it
  kAnswer,        ///< a solicited advertisement, addressed to us
  kAnnouncement,  ///< an advertisement that nobody asked for (RFC 4861 section 7.2.6)
};

struct Nd {
  NdKind kind = NdKind::kDrop;
  proto::DropReason reason = proto::DropReason::kNone;  ///< of kDrop
  Address sender;  ///< whose hardware address it tells; none: of a host that has no address yet (RFC 4862)
  proto::MacAddress sender_mac{};
};

/// Judges a frame that parse_frame calls kNd. As with ARP, the hardware address it tells must be a single station's and
/// the one the frame says it is from, and the sender on this network. A hop limit of 255 proves that no router
/// forwarded it (RFC 4861 section 11.2).
Nd parse_nd(proto::Bytes bytes, const Frame& frame, const Network& network);

/// Room for what is written here: one target and one option (RFC 4861 sections 4.3, 4.4).
inline constexpr std::size_t kNdFrameBytesMax = proto::kEthernetBytes + proto::kVlanTagBytes + proto::kIpv6Bytes + 32;

/// Turns a solicitation (parse_nd: kSolicitation) into its advertisement, in place: `frame` has room for
/// kNdFrameBytesMax. Returns the new frame's length in bytes.
std::size_t answer_nd(std::uint8_t* frame, const Nd& nd, const Network& network);

/// Writes a solicitation for `target` into kNdFrameBytesMax bytes, to its solicited-node group, or, if `to` is given,
/// to the neighbour itself, who is asked whether it is still there (RFC 4861 section 7.3.3). Returns the frame's length
/// in bytes.
std::size_t write_solicitation(std::uint8_t* frame, const Network& network, const Address& target,
                               const proto::MacAddress* to);

}  // namespace weir::dataplane
