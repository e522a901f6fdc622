#include "bench/support/udp_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "proto/assert.h"

namespace weir::bench {
namespace {

constexpr int kSocketBytes = 16 << 20;

}  // namespace

sockaddr_in endpoint(const std::string& address, std::uint16_t port) {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_port = htons(port);
  WEIR_ASSERT(inet_pton(AF_INET, address.c_str(), &made.sin_addr) == 1);
  return made;
}

/// A socket belongs for ever to the namespace it was made in.
int open_udp_socket(const std::string& network_namespace, const std::string& address, std::uint16_t port) {
  const int there = open(("/run/netns/" + network_namespace).c_str(), O_RDONLY | O_CLOEXEC);
  WEIR_ASSERT(there >= 0 && setns(there, CLONE_NEWNET) == 0);
  close(there);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  WEIR_ASSERT(fd >= 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBytes, sizeof kSocketBytes);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &kSocketBytes, sizeof kSocketBytes);
  const sockaddr_in here = endpoint(address, port);
  WEIR_ASSERT(bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0);
  return fd;
}

}  // namespace weir::bench
