#include "bench/support/socket_relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "proto/assert.h"
#include "proto/limits.h"

namespace weir::bench {
namespace {

constexpr std::size_t kBatch = proto::kBurstMax;

/// A socket on the loopback interface, connected to nothing; the kernel chooses its port.
int open_socket() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  WEIR_ASSERT(fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&here), sizeof here) == 0);
  return fd;
}

void connect_to(int fd, int other) {
  sockaddr_in there{};
  socklen_t bytes = sizeof there;
  WEIR_ASSERT(getsockname(other, reinterpret_cast<sockaddr*>(&there), &bytes) == 0);
  WEIR_ASSERT(connect(fd, reinterpret_cast<sockaddr*>(&there), sizeof there) == 0);
}

/// Buffers of one batch, for recvmmsg and sendmmsg alike.
class Batch {
 public:
  Batch() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts_[i] = {.iov_base = buffers_[i].data(), .iov_len = buffers_[i].size()};
      messages_[i].msg_hdr = {};
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  void receive(int fd, unsigned count) {
    for (unsigned i = 0; i < count; ++i) parts_[i].iov_len = buffers_[i].size();
    WEIR_ASSERT(recvmmsg(fd, messages_.data(), count, MSG_DONTWAIT, nullptr) == static_cast<int>(count));
  }
  void send(int fd, unsigned count) {
    for (unsigned i = 0; i < count; ++i) parts_[i].iov_len = messages_[i].msg_len;
    WEIR_ASSERT(sendmmsg(fd, messages_.data(), count, 0) == static_cast<int>(count));
  }
  void load(unsigned at, const Packet& packet) {
    std::copy_n(packet.data, packet.bytes, buffers_[at].data());
    messages_[at].msg_len = packet.bytes;
  }

 private:
  std::array<std::array<std::uint8_t, proto::kMtuBytes>, kBatch> buffers_;
  std::array<iovec, kBatch> parts_;
  std::array<mmsghdr, kBatch> messages_;
};

}  // namespace

SocketRelay::SocketRelay() : source_(open_socket()), in_(open_socket()), out_(open_socket()), sink_(open_socket()) {
  connect_to(source_, in_);
  connect_to(out_, sink_);
}

SocketRelay::~SocketRelay() {
  for (const int fd : {source_, in_, out_, sink_}) close(fd);
}

std::chrono::nanoseconds SocketRelay::pass(const std::vector<Packet>& packets) {
  static Batch batch;
  std::vector<std::chrono::nanoseconds> bursts;
  for (std::size_t first = 0; first < packets.size(); first += kBatch) {
    const auto count = static_cast<unsigned>(std::min(kBatch, packets.size() - first));
    for (unsigned i = 0; i < count; ++i) batch.load(i, packets[first + i]);
    batch.send(source_, count);
    const auto start = std::chrono::steady_clock::now();
    batch.receive(in_, count);
    batch.send(out_, count);
    bursts.push_back(std::chrono::steady_clock::now() - start);
    batch.receive(sink_, count);
  }
  const auto middle = bursts.begin() + static_cast<std::ptrdiff_t>(bursts.size() / 2);
  std::nth_element(bursts.begin(), middle, bursts.end());
  return *middle * static_cast<std::int64_t>(bursts.size());
}

}  // namespace weir::bench
