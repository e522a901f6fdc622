#include "dataplane/arp.h"

#include <algorithm>
#include <cstring>

namespace weir::dataplane {
namespace {

using proto::DropReason;

// Hardware type Ethernet, protocol type IPv4, address lengths 6 and 4.
constexpr std::array<std::uint8_t, 6> kFixed = {0, 1, 8, 0, 6, 4};
constexpr std::uint16_t kRequest = 1;
constexpr std::uint16_t kReply = 2;

// Offsets from the start of the ARP packet.
constexpr std::size_t kOperation = 6;
constexpr std::size_t kSenderMac = 8;
constexpr std::size_t kSenderIp = 14;
constexpr std::size_t kTargetMac = 18;
constexpr std::size_t kTargetIp = 24;

Arp dropped(DropReason reason) {
  Arp arp;
  arp.reason = reason;
  return arp;
}

}  // namespace

Arp parse_arp(proto::Bytes frame, std::uint16_t link_bytes, const Network& network) {
  const proto::Bytes packet = frame.subspan(link_bytes);
  if (packet.size() < proto::kArpBytes || !std::equal(kFixed.begin(), kFixed.end(), packet.begin())) {
    return dropped(DropReason::kArpMalformed);
  }
  Arp arp;
  std::copy_n(packet.begin() + kSenderMac, 6, arp.sender_mac.begin());
  const bool same_station = std::equal(arp.sender_mac.begin(), arp.sender_mac.end(), frame.begin() + 6);
  const bool single_station = (arp.sender_mac[0] & 1) == 0 && arp.sender_mac != proto::MacAddress{};
  if (!same_station || !single_station) return dropped(DropReason::kArpMalformed);

  arp.sender = proto::load_be32(packet.data() + kSenderIp);
  const Address target = proto::load_be32(packet.data() + kTargetIp);
  const std::uint16_t operation = proto::load_be16(packet.data() + kOperation);
  if (operation != kRequest && operation != kReply) return dropped(DropReason::kArpMalformed);
  const bool probe = operation == kRequest && arp.sender.is_none();
  if (!probe && !network.is_neighbour(arp.sender)) return dropped(DropReason::kArpNotForUs);
  if (target == network.address) {
    arp.kind = operation == kRequest ? ArpKind::kRequest : ArpKind::kReply;
  } else if (target == arp.sender && !probe) {
    arp.kind = ArpKind::kAnnounce;
  } else {
    return dropped(DropReason::kArpNotForUs);
  }
  return arp;
}

void answer_arp(proto::MutableBytes frame, std::uint16_t link_bytes, const Network& network) {
  std::uint8_t* arp = frame.data() + link_bytes;
  std::memcpy(frame.data(), frame.data() + 6, 6);
  std::memcpy(frame.data() + 6, network.mac.data(), 6);
  proto::store_be16(arp + kOperation, kReply);
  std::memcpy(arp + kTargetMac, arp + kSenderMac, 10);  // hardware and protocol address
  std::memcpy(arp + kSenderMac, network.mac.data(), 6);
  proto::store_be32(arp + kSenderIp, network.address.ipv4());
}

void write_arp_request(std::uint8_t* frame, const Network& network, const Address& target,
                       const proto::MacAddress& to) {
  std::memset(frame, 0, kArpFrameBytes);
  std::uint8_t* arp = write_link(frame, network, to, proto::kEtherTypeArp);
  std::memcpy(arp, kFixed.data(), kFixed.size());
  proto::store_be16(arp + kOperation, kRequest);
  std::memcpy(arp + kSenderMac, network.mac.data(), 6);
  proto::store_be32(arp + kSenderIp, network.address.ipv4());
  proto::store_be32(arp + kTargetIp, target.ipv4());
}

}  // namespace weir::dataplane
