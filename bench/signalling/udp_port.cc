#include "bench/signalling/udp_port.h"

#include <unistd.h>

#include <algorithm>

#include "bench/support/udp_socket.h"

namespace weir::bench {

UdpPort::UdpPort(const SignallingSide& side)
    : fd_(open_udp_socket(side.network_namespace, side.address, side.port)),
      border_(endpoint(side.border, side.border_port)),
      local_(side.address + ":" + std::to_string(side.port)),
      remote_(side.border + ":" + std::to_string(side.border_port)),
      buffers_(kBatch) {}

UdpPort::~UdpPort() {
  close(fd_);
}

void UdpPort::send(std::string bytes) {
  queue_.push_back(std::move(bytes));
  if (queue_.size() == kBatch) flush();
}

void UdpPort::flush() {
  for (std::size_t i = 0; i < queue_.size(); ++i) {
    parts_[i] = {.iov_base = queue_[i].data(), .iov_len = queue_[i].size()};
    messages_[i].msg_hdr = {};
    messages_[i].msg_hdr.msg_iov = &parts_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
    messages_[i].msg_hdr.msg_name = &border_;
    messages_[i].msg_hdr.msg_namelen = sizeof border_;
  }
  for (std::size_t sent = 0; sent < queue_.size();) {
    const int done = sendmmsg(fd_, messages_.data() + sent, static_cast<unsigned>(queue_.size() - sent), 0);
    sent += static_cast<std::size_t>(std::max(done, 1));
  }
  queue_.clear();
}

std::size_t UdpPort::receive_batch() {
  for (std::size_t i = 0; i < kBatch; ++i) {
    parts_[i] = {.iov_base = buffers_[i].data(), .iov_len = buffers_[i].size()};
    messages_[i].msg_hdr = {};
    messages_[i].msg_hdr.msg_iov = &parts_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }
  return static_cast<std::size_t>(std::max(recvmmsg(fd_, messages_.data(), kBatch, MSG_DONTWAIT, nullptr), 0));
}

}  // namespace weir::bench
