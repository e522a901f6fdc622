#include "bench/generator/load.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "bench/support/udp_socket.h"
#include "proto/assert.h"
#include "proto/bytes.h"
#include "proto/limits.h"

namespace weir::bench {
namespace {

constexpr unsigned kBatch = 64;
constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kLingerNs = kSecondNs / 2;
constexpr std::uint32_t kStamps = 4096;  // of each stream's packets under way

std::uint64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecondNs + static_cast<std::uint64_t>(now.tv_nsec);
}

/// When each stream's packets were sent, by sequence number.
class Stamps {
 public:
  explicit Stamps(std::uint32_t streams) : sent_ns_(std::size_t{streams} * kStamps) {}
  std::uint64_t& at(std::uint32_t stream, std::uint16_t sequence) {
    return sent_ns_[std::size_t{stream} * kStamps + sequence % kStamps];
  }

 private:
  std::vector<std::uint64_t> sent_ns_;
};

/// Where a packet's stream stands in its SSRC: what workloads give it, less their base.
std::uint32_t stream_of(const std::uint8_t* packet) {
  return proto::load_be32(packet + 8) & 0x00ffffff;
}

/// One client: its socket, what it sends, and when it did.
class Client {
 public:
  Client(const SideOptions& side, Workload workload, std::uint64_t packets)
      : streams_(static_cast<std::uint32_t>(workload.streams().size())),
        datagrams_(std::move(workload), packets),
        stamps_(streams_),
        fd_(open_udp_socket(side.network_namespace, side.address, kClientPort)) {
    for (const std::uint16_t port : side.relay_ports) relay_.push_back(endpoint(side.relay, port));
    WEIR_ASSERT(relay_.size() == streams_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(fd_); }

  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  [[nodiscard]] std::uint64_t received() const { return received_; }

  /// Sends up to a batch.
  void send(std::uint64_t count) {
    const auto batch = static_cast<unsigned>(std::min<std::uint64_t>({count, kBatch, datagrams_.size() - sent_}));
    const std::uint64_t now = now_ns();
    for (unsigned i = 0; i < batch; ++i) {
      const Datagrams::View packet = datagrams_[sent_ + i];
      parts_[i] = {.iov_base = const_cast<std::uint8_t*>(packet.data), .iov_len = packet.bytes};
      messages_[i].msg_hdr = {};
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
      messages_[i].msg_hdr.msg_name = &relay_[packet.stream];
      messages_[i].msg_hdr.msg_namelen = sizeof relay_[0];
      stamps_.at(packet.stream, proto::load_be16(packet.data + 2)) = now;
    }
    const int done = sendmmsg(fd_, messages_.data(), batch, 0);
    if (done > 0) sent_ += static_cast<unsigned>(done);
  }

  /// Takes a batch of what the other client sent, as this side of the relay should send it: as long as what this client
  /// sends itself, secured or plain. False if nothing waits.
  bool receive(Client& other, std::vector<std::uint32_t>& latencies_ns) {
    for (unsigned i = 0; i < kBatch; ++i) {
      parts_[i] = {.iov_base = buffers_[i].data(), .iov_len = buffers_[i].size()};
      messages_[i].msg_hdr = {};
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
    const int count = recvmmsg(fd_, messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
    const std::uint64_t now = now_ns();
    for (int i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const std::uint8_t* packet = buffers_[at].data();
      if (messages_[at].msg_len != datagrams_.packet_bytes() || stream_of(packet) >= streams_) continue;
      if ((packet[1] & 0x7f) >= 64 && (packet[1] & 0x7f) <= 95) continue;  // RTCP (RFC 5761 section 4)
      ++received_;
      const std::uint64_t sent = other.stamps_.at(stream_of(packet), proto::load_be16(packet + 2));
      latencies_ns.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(now - sent, ~std::uint32_t{0})));
    }
    return count > 0;
  }

 private:
  std::uint32_t streams_;
  Datagrams datagrams_;
  Stamps stamps_;
  int fd_;
  std::vector<sockaddr_in> relay_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::array<mmsghdr, kBatch> messages_{};
  std::array<iovec, kBatch> parts_{};
  std::array<std::array<std::uint8_t, proto::kMtuBytes>, kBatch> buffers_{};
};

double percentile_us(std::vector<std::uint32_t>& values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)] / 1000.0;
}

}  // namespace

LoadResult play(const LoadOptions& options) {
  const auto each = static_cast<std::uint64_t>(options.packets_per_s * options.seconds);
  Client a(options.a, options.calls.from_a(), each);
  Client b(options.b, options.calls.from_b(), each);
  std::vector<std::uint32_t> latencies_ns;
  latencies_ns.reserve(2 * each);
  const std::uint64_t start = now_ns();
  const auto end = start + static_cast<std::uint64_t>(options.seconds * 1e9);
  std::uint64_t now = start;
  for (; now < end; now = now_ns()) {
    const auto due = static_cast<std::uint64_t>(static_cast<double>(now - start) * options.packets_per_s / 1e9);
    for (Client* client : {&a, &b}) {
      if (client->sent() < due) client->send(due - client->sent());
    }
    b.receive(a, latencies_ns);
    a.receive(b, latencies_ns);
  }
  const double seconds = static_cast<double>(now - start) / 1e9;
  for (std::uint64_t heard = now; now < heard + kLingerNs; now = now_ns()) {
    if (b.receive(a, latencies_ns) || a.receive(b, latencies_ns)) heard = std::min(now, end + 4 * kLingerNs);
  }
  return {.due = 2 * each,
          .sent = a.sent() + b.sent(),
          .received = a.received() + b.received(),
          .seconds = seconds,
          .p50_us = percentile_us(latencies_ns, 0.5),
          .p99_us = percentile_us(latencies_ns, 0.99),
          .p999_us = percentile_us(latencies_ns, 0.999)};
}

}  // namespace weir::bench
