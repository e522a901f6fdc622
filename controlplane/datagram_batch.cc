#include "controlplane/datagram_batch.h"

#include <netinet/in.h>
#include <time.h>

#include <algorithm>
#include <cstring>

namespace weir::controlplane {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

}  // namespace

DatagramBatch::DatagramBatch() : places_(new std::array<Place, kDatagramsMax>) {
  for (std::size_t i = 0; i < kDatagramsMax; ++i) {
    Place& place = (*places_)[i];
    place.vector = {place.bytes.data(), place.bytes.size()};
    headers_[i].msg_hdr.msg_name = &place.remote;
    headers_[i].msg_hdr.msg_iov = &place.vector;
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_control = place.control.data();
  }
}

void DatagramBatch::ask_for_times(int socket) {
  const int on = 1;
  (void)setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
}

std::size_t DatagramBatch::read(int socket, std::size_t at_most) {
  const std::size_t places = std::min(at_most, kDatagramsMax);
  for (std::size_t i = 0; i < places; ++i) {
    headers_[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    headers_[i].msg_hdr.msg_controllen = kControlBytes;
  }
  const int count = recvmmsg(socket, headers_.data(), static_cast<unsigned>(places), MSG_DONTWAIT, nullptr);
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

std::string_view DatagramBatch::bytes(std::size_t index) const {
  return {(*places_)[index].bytes.data(), headers_[index].msg_len};
}

proto::Endpoint DatagramBatch::remote(std::size_t index) const {
  const sockaddr_storage& from = (*places_)[index].remote;
  proto::Endpoint endpoint;
  if (from.ss_family == AF_INET6) {
    sockaddr_in6 address;
    std::memcpy(&address, &from, sizeof address);
    endpoint.address.family = proto::Family::kIpv6;
    std::memcpy(endpoint.address.bytes.data(), &address.sin6_addr, sizeof address.sin6_addr);
    endpoint.port = ntohs(address.sin6_port);
    return endpoint;
  }
  sockaddr_in address;
  std::memcpy(&address, &from, sizeof address);
  endpoint.address = proto::IpAddress::from_ipv4(ntohl(address.sin_addr.s_addr));
  endpoint.port = ntohs(address.sin_port);
  return endpoint;
}

/// The kernel's times are CLOCK_REALTIME: a clock that is set shows wrong for what waits just then, and no longer.
std::uint64_t DatagramBatch::waited_ns(std::size_t index) const {
  auto* header = const_cast<msghdr*>(&headers_[index].msg_hdr);  // CMSG_NXTHDR takes no const
  for (cmsghdr* control = CMSG_FIRSTHDR(header); control != nullptr; control = CMSG_NXTHDR(header, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec arrived;
    timespec now;
    std::memcpy(&arrived, CMSG_DATA(control), sizeof arrived);
    clock_gettime(CLOCK_REALTIME, &now);
    const std::int64_t waited = (now.tv_sec - arrived.tv_sec) * kSecondNs + now.tv_nsec - arrived.tv_nsec;
    return waited > 0 ? static_cast<std::uint64_t>(waited) : 0;
  }
  return 0;
}

}  // namespace weir::controlplane
