// A call's secured party: its SDP lines, and its handshake over a CallLab's fake worker.
#pragma once

#include <string>

#include "sip/dtls_attributes.h"
#include "tests/support/call_lab.h"
#include "tests/support/dtls_peer.h"

namespace weir::tests {

inline std::string fingerprint_line(const DtlsPeer& peer) {
  return "a=fingerprint:" + sip::write_fingerprint(peer.fingerprint()) + "\r\n";
}

inline std::uint16_t audio_port(const sip::Message& message) {
  return static_cast<std::uint16_t>(std::stoi(sdp_value(message.body(), "m=audio ")));
}

inline proto::Endpoint place(const char* address, std::uint16_t port) {
  return {proto::parse_ip_address(address).value(), 0, port};
}

/// Carries datagrams between the peer and Weir's port until neither has anything to say.
inline void shake_hands(CallLab& lab, DtlsPeer& peer, std::uint16_t weir_port, const proto::Endpoint& peer_place) {
  peer.step();
  for (bool moved = true; moved;) {
    moved = false;
    for (const Datagram& datagram : peer.take_sent()) {
      moved = true;
      (void)lab.worker().punt(weir_port, peer_place, datagram);
      lab.settle();
    }
    for (; !lab.worker().sent().empty(); lab.worker().sent().pop_front()) {
      const FakeWorker::Sent& sent = lab.worker().sent().front();
      if (sent.local_port != weir_port || sent.destination != peer_place) continue;
      moved = true;
      peer.receive(sent.bytes);
    }
  }
}

}  // namespace weir::tests
