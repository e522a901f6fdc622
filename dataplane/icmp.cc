#include "dataplane/icmp.h"

#include <cstring>

#include "dataplane/headers.h"
#include "proto/checksum.h"

namespace weir::dataplane {
namespace {

constexpr std::size_t kIcmpEchoBytes = 8;

/// What differs between the families.
struct Echo {
  std::size_t header_bytes;  ///< of IP
  std::uint8_t request;      ///< message types
  std::uint8_t reply;
};
constexpr Echo kIpv4Echo = {.header_bytes = proto::kIpv4Bytes, .request = 8, .reply = 0};
constexpr Echo kIpv6Echo = {.header_bytes = proto::kIpv6Bytes, .request = 128, .reply = 129};

/// Of the message; ICMPv6 sums the pseudo header with it (RFC 4443 section 2.3).
std::uint32_t sum_of(const std::uint8_t* ip, proto::Bytes icmp, const Network& network) {
  const std::uint32_t sum = proto::checksum_words(icmp);
  if (network.is_ipv4()) return sum;
  return sum + proto::ipv6_pseudo_words(ip, static_cast<std::uint16_t>(icmp.size()), proto::kIpProtocolIcmpv6);
}

bool is_echo_request(const std::uint8_t* ip, proto::Bytes icmp, const Echo& echo, const Network& network) {
  const bool to_us = network.is_ipv4() || Address::load_ipv6(ip + 24) == network.address;  // not to a group
  return icmp.size() >= kIcmpEchoBytes && icmp[0] == echo.request && icmp[1] == 0 && to_us &&
         proto::checksum_fold(sum_of(ip, icmp, network)) == 0;
}

void turn_ipv4(std::uint8_t* ip, const Network& network) {
  std::memcpy(ip + 16, ip + 12, 4);
  proto::store_be32(ip + 12, network.address.ipv4());
  ip[8] = kTtl;
  proto::store_be16(ip + 10, 0);
  proto::store_native16(ip + 10, proto::checksum_fold(proto::checksum_words({ip, proto::kIpv4Bytes})));
}

void turn_ipv6(std::uint8_t* ip, const Network& network) {
  std::memcpy(ip + 24, ip + 8, 16);
  network.address.store_ipv6(ip + 8);
  ip[7] = kTtl;
}

}  // namespace

proto::DropReason answer_echo(proto::MutableBytes bytes, const Frame& frame, const Network& network) {
  const Echo& echo = network.is_ipv4() ? kIpv4Echo : kIpv6Echo;
  std::uint8_t* ip = bytes.data() + frame.link_bytes;
  const proto::MutableBytes icmp =
      bytes.subspan(frame.link_bytes + echo.header_bytes, frame.ip_bytes - echo.header_bytes);
  if (!is_echo_request(ip, icmp, echo, network)) return proto::DropReason::kIcmpNotEcho;

  std::memcpy(bytes.data(), bytes.data() + 6, 6);
  std::memcpy(bytes.data() + 6, network.mac.data(), 6);
  network.is_ipv4() ? turn_ipv4(ip, network) : turn_ipv6(ip, network);
  icmp[0] = echo.reply;
  proto::store_be16(icmp.data() + 2, 0);
  proto::store_native16(icmp.data() + 2, proto::checksum_fold(sum_of(ip, icmp, network)));
  return proto::DropReason::kNone;
}

}  // namespace weir::dataplane
