// Datagrams read from a socket in one system call, each with the time at which the kernel had it: socket(7),
// SO_TIMESTAMPNS.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "proto/inet.h"

namespace weir::controlplane {

/// One for all sockets of a shard: what is in it is good until the next read().
class DatagramBatch {
 public:
  /// Datagrams read before others get their turn.
  static constexpr std::size_t kDatagramsMax = 32;

  DatagramBatch();

  /// Asks the kernel for times on `socket`; without them waited_ns() is 0.
  static void ask_for_times(int socket);
  /// Reads what waits, at most so many (and kDatagramsMax), without blocking; 0: nothing, or an ICMP error of an
  /// earlier datagram.
  std::size_t read(int socket, std::size_t at_most = kDatagramsMax);

  // Of the one at `index`, less than what read() gave.
  [[nodiscard]] std::string_view bytes(std::size_t index) const;
  [[nodiscard]] proto::Endpoint remote(std::size_t index) const;
  /// How long it has been here by now.
  [[nodiscard]] std::uint64_t waited_ns(std::size_t index) const;

 private:
  static constexpr std::size_t kDatagramBytesMax = 65'536;
  static constexpr std::size_t kControlBytes = 64;
  struct Place {
    sockaddr_storage remote;
    iovec vector;
    alignas(cmsghdr) std::array<char, kControlBytes> control;
    std::array<char, kDatagramBytesMax> bytes;
  };

  std::unique_ptr<std::array<Place, kDatagramsMax>> places_;
  std::array<mmsghdr, kDatagramsMax> headers_{};
};

}  // namespace weir::controlplane
