#include "dataplane/icmp.h"

#include <cstring>

#include "dataplane/headers.h"
#include "proto/checksum.h"

namespace weir::dataplane {
namespace {

constexpr std::size_t kIcmpEchoBytes = 8;
constexpr std::uint8_t kEchoRequest = 8;
constexpr std::uint8_t kEchoReply = 0;

bool is_echo_request(proto::Bytes icmp) {
  return icmp.size() >= kIcmpEchoBytes && icmp[0] == kEchoRequest && icmp[1] == 0 &&
         proto::checksum_fold(proto::checksum_words(icmp)) == 0;
}

}  // namespace

proto::DropReason answer_echo(proto::MutableBytes bytes, const Frame& frame, const Network& network) {
  std::uint8_t* ip = bytes.data() + frame.link_bytes;
  const proto::MutableBytes icmp =
      bytes.subspan(frame.link_bytes + proto::kIpv4Bytes, frame.ip_bytes - proto::kIpv4Bytes);
  if (!is_echo_request(icmp)) return proto::DropReason::kIcmpNotEcho;

  std::memcpy(bytes.data(), bytes.data() + 6, 6);
  std::memcpy(bytes.data() + 6, network.mac.data(), 6);
  std::memcpy(ip + 16, ip + 12, 4);
  proto::store_be32(ip + 12, network.address);
  ip[8] = kTtl;
  proto::store_be16(ip + 10, 0);
  proto::store_native16(ip + 10, proto::checksum_fold(proto::checksum_words({ip, proto::kIpv4Bytes})));
  icmp[0] = kEchoReply;
  proto::store_be16(icmp.data() + 2, 0);
  proto::store_native16(icmp.data() + 2, proto::checksum_fold(proto::checksum_words(icmp)));
  return proto::DropReason::kNone;
}

}  // namespace weir::dataplane
