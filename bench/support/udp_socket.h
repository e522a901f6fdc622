// UDP sockets of load generators: each end in a network namespace of its own.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>

namespace weir::bench {

/// `address` is IPv4 in dotted decimals, `port` in host order; aborts on any other.
sockaddr_in endpoint(const std::string& address, std::uint16_t port);

/// A non-blocking socket with large buffers, bound to `address` and `port` in the named network namespace, where the
/// thread then stays; aborts when that cannot be. The caller closes it.
int open_udp_socket(const std::string& network_namespace, const std::string& address, std::uint16_t port);

}  // namespace weir::bench
