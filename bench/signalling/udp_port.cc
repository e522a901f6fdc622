#include "bench/signalling/udp_port.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>

#include "proto/assert.h"

namespace weir::bench {
namespace {

constexpr int kSocketBytes = 16 << 20;

sockaddr_in endpoint(const std::string& address, std::uint16_t port) {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_port = htons(port);
  WEIR_ASSERT(inet_pton(AF_INET, address.c_str(), &made.sin_addr) == 1);
  return made;
}

/// A socket belongs for ever to the namespace it was made in.
int open_socket(const SignallingSide& side) {
  const int there = open(("/run/netns/" + side.network_namespace).c_str(), O_RDONLY | O_CLOEXEC);
  WEIR_ASSERT(there >= 0 && setns(there, CLONE_NEWNET) == 0);
  close(there);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  WEIR_ASSERT(fd >= 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBytes, sizeof kSocketBytes);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &kSocketBytes, sizeof kSocketBytes);
  const sockaddr_in here = endpoint(side.address, side.port);
  WEIR_ASSERT(bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0);
  return fd;
}

}  // namespace

UdpPort::UdpPort(const SignallingSide& side)
    : fd_(open_socket(side)),
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
