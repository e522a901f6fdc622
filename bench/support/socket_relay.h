// What a media relay on kernel sockets costs at its best: one UDP socket for all flows on each side, 64 packets a
// system call in and out, no flow look-up, no rewriting, no crypto. Over the loopback interface.
#pragma once

#include <chrono>
#include <vector>

#include "bench/support/workload.h"

namespace weir::bench {

/// Not thread-safe. Aborts if a packet is lost.
class SocketRelay {
 public:
  SocketRelay();
  SocketRelay(const SocketRelay&) = delete;
  SocketRelay& operator=(const SocketRelay&) = delete;
  ~SocketRelay();

  /// Relays every packet, and gives the time that recvmmsg and sendmmsg took: the median burst's times the number of
  /// bursts, as Rig::pass does. Putting packets into the relay's socket and taking them out of the sink's is not
  /// counted.
  std::chrono::nanoseconds pass(const std::vector<Packet>& packets);

 private:
  int source_;
  int in_;   ///< the relay's, towards the source
  int out_;  ///< and towards the sink
  int sink_;
};

}  // namespace weir::bench
