// A UDP socket in a network namespace that sends and receives in batches: what the parties of sip-load talk through.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::bench {

/// One side of the border: where its party is, and where that sends.
struct SignallingSide {
  std::string network_namespace;  ///< of ip-netns(8)
  std::string address;            ///< the party's, IPv4
  std::uint16_t port = 5070;      ///< the party's
  std::string border;             ///< the border's address towards it
  std::uint16_t border_port = 5060;
};

class UdpPort {
 public:
  /// Asserts that it may enter the namespace and bind there.
  explicit UdpPort(const SignallingSide& side);
  UdpPort(const UdpPort&) = delete;
  UdpPort& operator=(const UdpPort&) = delete;
  ~UdpPort();

  /// To the border, with the next flush().
  void send(std::string bytes);
  /// Hands over what is queued. A datagram that the kernel does not take is lost.
  void flush();

  /// Calls `take(bytes)` for each of the datagrams that wait, a batch of them at most. False: there was none.
  template <typename Take>
  bool receive(Take take) {
    const std::size_t count = receive_batch();
    for (std::size_t i = 0; i < count; ++i) take(std::string_view(buffers_[i].data(), messages_[i].msg_len));
    return count > 0;
  }
  [[nodiscard]] int descriptor() const { return fd_; }
  /// "address:port" of the party, and of the border.
  [[nodiscard]] const std::string& local() const { return local_; }
  [[nodiscard]] const std::string& remote() const { return remote_; }

 private:
  static constexpr std::size_t kBatch = 64;
  static constexpr std::size_t kDatagramBytesMax = 4096;

  std::size_t receive_batch();

  int fd_;
  sockaddr_in border_;
  std::string local_;
  std::string remote_;
  std::vector<std::string> queue_;
  std::array<mmsghdr, kBatch> messages_{};
  std::array<iovec, kBatch> parts_{};
  std::vector<std::array<char, kDatagramBytesMax>> buffers_;
};

}  // namespace weir::bench
