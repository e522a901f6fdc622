// Hop: the neighbour a message came from or goes to, as sip/ knows it. RFC 3261 section 18, RFC 3581.
#pragma once

#include <cstdint>

#include "proto/inet.h"
#include "sip/message.h"
#include "sip/timers.h"
#include "sip/via.h"

namespace weir::sip {

/// A value. `handle` is the owner of the sockets' own number for a listener or a connection: sip/ copies and compares
/// it and asks nothing of it.
struct Hop {
  std::uint64_t handle = 0;
  proto::Endpoint remote;
  Reliability reliability = Reliability::kUnreliable;
  bool operator==(const Hop&) const = default;
};

/// The ports of RFC 3261 section 19.1.2.
inline constexpr std::uint16_t kSipPort = 5060;
inline constexpr std::uint16_t kSipsPort = 5061;

/// The port of a Via's sent-by, or its transport's default.
std::uint16_t sent_by_port(const Via& via);

/// Where the responses to `request`, which came from `source`, go: over a reliable transport back the same connection;
/// else to the address the request came from, at the port it came from if its Via has rport (RFC 3581 section 4), at
/// the port of its sent-by if not (RFC 3261 section 18.2.2). The Via's maddr is ignored: it would let anyone point our
/// responses at a third party.
Hop response_hop(const Message& request, const Hop& source);

}  // namespace weir::sip
