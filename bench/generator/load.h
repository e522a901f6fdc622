// weir-bench's clients: both sides of every call on kernel sockets, in one thread. An open loop: packets are sent when
// they are due, whatever comes back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/generator/streams.h"

namespace weir::bench {

/// One side of the calls: where its client is, and where it sends.
struct SideOptions {
  std::string network_namespace;           ///< of ip-netns(8)
  std::string address;                     ///< the client's
  std::string relay;                       ///< the relay's address towards it
  std::vector<std::uint16_t> relay_ports;  ///< by call
};

struct LoadOptions {
  Calls calls;
  SideOptions a;
  SideOptions b;
  double packets_per_s;  ///< in each direction
  double seconds;
};

/// Of both directions together.
struct LoadResult {
  std::uint64_t due;       ///< at this rate in this time
  std::uint64_t sent;      ///< fewer: the generator itself is at its limit
  std::uint64_t received;  ///< from the first to half a second after the last
  double seconds;          ///< it took to send them
  double p50_us;           ///< from sendmmsg to recvmmsg
  double p99_us;
  double p999_us;
};

/// Asserts that it may enter the namespaces and open its sockets there.
LoadResult play(const LoadOptions& options);

}  // namespace weir::bench
