#include "dataplane/nd.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "proto/checksum.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::MacAddress;

constexpr std::uint8_t kSolicitation = 135;
constexpr std::uint8_t kAdvertisement = 136;
constexpr std::uint8_t kHopLimit = 255;

// Offsets from the start of the ICMPv6 message.
constexpr std::size_t kFlags = 4;
constexpr std::size_t kTarget = 8;
constexpr std::size_t kOptions = 24;

constexpr std::uint8_t kFlagSolicited = 0x40;
constexpr std::uint8_t kFlagOverride = 0x20;

// Options (RFC 4861 section 4.6.1): type, length in units of 8 bytes, then for these two a hardware address.
constexpr std::uint8_t kSourceLinkAddress = 1;
constexpr std::uint8_t kTargetLinkAddress = 2;
constexpr std::size_t kOptionUnit = 8;

Nd dropped(DropReason reason) {
  Nd nd;
  nd.reason = reason;
  return nd;
}

/// False if an option has no length or ends behind the message. `found`: the hardware address of an option of this
/// type.
bool read_options(proto::Bytes message, std::uint8_t type, std::optional<MacAddress>& found) {
  for (proto::Bytes rest = message.subspan(kOptions); !rest.empty();) {
    if (rest.size() < kOptionUnit || rest[1] == 0 || rest[1] * kOptionUnit > rest.size()) return false;
    if (rest[0] == type) {
      if (rest[1] != 1) return false;
      found.emplace();
      std::copy_n(rest.begin() + 2, 6, found->begin());
    }
    rest = rest.subspan(rest[1] * kOptionUnit);
  }
  return true;
}

/// RFC 4861 section 7.1.1. `linked`: it says the sender's hardware address.
Nd judge_solicitation(const Nd& nd, const Address& target, const Address& destination, bool linked,
                      const Network& network) {
  const bool detects = nd.sender.is_none();  // RFC 4862: the sender wants to know whether it may have our address
  if (detects && (linked || destination != solicited_node(target))) return dropped(DropReason::kNdMalformed);
  if (target != network.address || (!detects && !network.is_neighbour(nd.sender))) {
    return dropped(DropReason::kNdNotForUs);
  }
  Nd judged = nd;
  judged.kind = NdKind::kSolicitation;
  return judged;
}

/// RFC 4861 section 7.1.2.
Nd judge_advertisement(const Nd& nd, const Address& target, const Address& destination, std::uint8_t flags,
                       const Network& network) {
  const bool solicited = (flags & kFlagSolicited) != 0;
  if (solicited && destination != network.address) return dropped(DropReason::kNdMalformed);
  if (!network.is_neighbour(target)) return dropped(DropReason::kNdNotForUs);
  Nd judged = nd;
  judged.sender = target;
  judged.kind = solicited ? NdKind::kAnswer : NdKind::kAnnouncement;
  return judged;
}

/// What both messages have in common: fixed part, target, and an option with our hardware address. Returns the frame's
/// length in bytes.
std::size_t write_message(std::uint8_t* frame, const Network& network, const MacAddress& to, const Address& destination,
                          const Address& target, std::uint8_t type, std::uint8_t flags) {
  constexpr std::uint16_t kMessageBytes = kOptions + kOptionUnit;
  std::uint8_t* ip = write_link(frame, network, to, proto::kEtherTypeIpv6);
  std::memset(ip, 0, proto::kIpv6Bytes + kMessageBytes);
  ip[0] = 0x60;
  proto::store_be16(ip + 4, kMessageBytes);
  ip[6] = proto::kIpProtocolIcmpv6;
  ip[7] = kHopLimit;
  network.address.store_ipv6(ip + 8);
  destination.store_ipv6(ip + 24);
  std::uint8_t* message = ip + proto::kIpv6Bytes;
  message[0] = type;
  message[kFlags] = flags;
  target.store_ipv6(message + kTarget);
  message[kOptions] = type == kSolicitation ? kSourceLinkAddress : kTargetLinkAddress;
  message[kOptions + 1] = 1;
  std::memcpy(message + kOptions + 2, network.mac.data(), 6);
  const std::uint32_t sum = proto::ipv6_pseudo_words(ip, kMessageBytes, proto::kIpProtocolIcmpv6) +
                            proto::checksum_words({message, kMessageBytes});
  proto::store_native16(message + 2, proto::checksum_fold(sum));
  return static_cast<std::size_t>(message - frame) + kMessageBytes;
}

}  // namespace

Nd parse_nd(proto::Bytes bytes, const Frame& frame, const Network& network) {
  const std::uint8_t* ip = bytes.data() + frame.link_bytes;
  const proto::Bytes message(ip + proto::kIpv6Bytes, frame.ip_bytes - proto::kIpv6Bytes);
  const auto message_bytes = static_cast<std::uint16_t>(message.size());
  if (message[0] != kSolicitation && message[0] != kAdvertisement) return dropped(DropReason::kNdNotForUs);
  if (ip[7] != kHopLimit || message.size() < kOptions || message[1] != 0) return dropped(DropReason::kNdMalformed);
  const std::uint32_t sum =
      proto::ipv6_pseudo_words(ip, message_bytes, proto::kIpProtocolIcmpv6) + proto::checksum_words(message);
  const Address target = Address::load_ipv6(message.data() + kTarget);
  if (proto::checksum_fold(sum) != 0 || !is_unicast(target)) return dropped(DropReason::kNdMalformed);

  const bool solicitation = message[0] == kSolicitation;
  std::optional<MacAddress> told;
  if (!read_options(message, solicitation ? kSourceLinkAddress : kTargetLinkAddress, told)) {
    return dropped(DropReason::kNdMalformed);
  }
  Nd nd;
  nd.sender = frame.source;
  std::copy_n(bytes.begin() + 6, 6, nd.sender_mac.begin());  // an answer to a question to one host may leave it out
  const bool single_station = (nd.sender_mac[0] & 1) == 0 && nd.sender_mac != MacAddress{};
  if (!single_station || (told && *told != nd.sender_mac)) return dropped(DropReason::kNdMalformed);
  const Address destination = Address::load_ipv6(ip + 24);
  return solicitation ? judge_solicitation(nd, target, destination, told.has_value(), network)
                      : judge_advertisement(nd, target, destination, message[kFlags], network);
}

/// RFC 4861 section 7.2.4: to who has no address yet, the answer goes to all nodes.
std::size_t answer_nd(std::uint8_t* frame, const Nd& nd, const Network& network) {
  const bool to_all = nd.sender.is_none();
  const std::uint8_t flags = kFlagOverride | (to_all ? std::uint8_t{0} : kFlagSolicited);
  return write_message(frame, network, to_all ? group_mac(kAllNodes) : nd.sender_mac, to_all ? kAllNodes : nd.sender,
                       network.address, kAdvertisement, flags);
}

std::size_t write_solicitation(std::uint8_t* frame, const Network& network, const Address& target,
                               const proto::MacAddress* to) {
  const Address group = solicited_node(target);
  return write_message(frame, network, to == nullptr ? group_mac(group) : *to, to == nullptr ? group : target, target,
                       kSolicitation, 0);
}

}  // namespace weir::dataplane
