// A DtlsEndpoint on a bench: its datagrams collected, its outcome noted, and a wire between it and a DtlsPeer.
#pragma once

#include <unistd.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/dtls.h"
#include "proto/assert.h"
#include "tests/support/dtls_peer.h"

namespace weir::tests {

inline proto::Endpoint endpoint_of(std::uint32_t address, std::uint16_t port) {
  return {.address = proto::IpAddress::from_ipv4(address), .port = port};
}

/// Where the signalled peer is.
inline const proto::Endpoint kPeerPlace = endpoint_of(0xc6120102, 5004);

inline std::unique_ptr<controlplane::DtlsContext> make_dtls_context(controlplane::DtlsOptions options = {}) {
  auto made = controlplane::DtlsContext::create(options);
  WEIR_ASSERT(made.ok());
  return std::move(made).value();
}

class DtlsBench {
 public:
  /// What may happen to a datagram on the wire: called with its direction and number in that direction; the return is
  /// what is delivered in its place.
  using Wire = std::function<std::vector<Datagram>(bool to_endpoint, std::size_t number, Datagram)>;

  /// What else the endpoint is good for.
  struct Takes {
    bool renegotiations = false;  ///< the peer may redo the handshake
    bool media = false;           ///< of peers without use_srtp
  };
  explicit DtlsBench(controlplane::DtlsOptions options = {}) : DtlsBench(std::move(options), Takes{}) {}
  DtlsBench(controlplane::DtlsOptions options, Takes takes)
      : context(make_dtls_context(std::move(options))), endpoint(*context, make_callbacks(takes)) {}

  /// Datagrams for one place, in order; those for others stay.
  std::vector<Datagram> take_sent_to(const proto::Endpoint& place) {
    std::vector<Datagram> taken;
    std::deque<std::pair<proto::Endpoint, Datagram>> rest;
    for (auto& [to, bytes] : sent) {
      if (to == place) {
        taken.push_back(std::move(bytes));
      } else {
        rest.emplace_back(to, std::move(bytes));
      }
    }
    sent = std::move(rest);
    return taken;
  }

  void receive(const proto::Endpoint& from, const Datagram& datagram) { endpoint.receive(from, datagram, now_ns); }

  /// One turn of the wire: what lies on either end goes to the other. Returns whether anything moved.
  bool turn(DtlsPeer& peer, const proto::Endpoint& place) {
    bool moved = false;
    for (Datagram& datagram : peer.take_sent()) {
      moved = true;
      for (const Datagram& delivered : through(true, std::move(datagram))) receive(place, delivered);
    }
    for (Datagram& datagram : take_sent_to(place)) {
      moved = true;
      for (const Datagram& delivered : through(false, std::move(datagram))) peer.receive(delivered);
    }
    return moved;
  }

  /// Turns until both ends are done, or nothing happens for a while: timers run by the system's clock, so does this.
  void run(DtlsPeer& peer, const proto::Endpoint& place = kPeerPlace) {
    for (int idle = 0; idle < 600 && !failure; idle = turn(peer, place) ? 0 : idle + 1) {
      if (secured && peer.connected() && idle > 1) return;
      if (idle == 0) continue;
      usleep(5000);
      now_ns += 5'000'000;
      peer.advance();
      endpoint.advance(now_ns);
    }
  }

  /// Turns while anything moves, without waiting for timers.
  void run_quietly(DtlsPeer& peer, const proto::Endpoint& place = kPeerPlace) {
    while (turn(peer, place)) {
    }
  }

  std::unique_ptr<controlplane::DtlsContext> context;
  std::deque<std::pair<proto::Endpoint, Datagram>> sent;
  std::optional<controlplane::DtlsSecured> secured;
  std::optional<std::string> failure;
  std::vector<controlplane::DtlsSecured> renegotiated;
  std::vector<std::string> given_up;
  std::vector<Datagram> media;
  controlplane::DtlsEndpoint endpoint;
  std::uint64_t now_ns = 1'000'000'000;
  Wire wire;

 private:
  controlplane::DtlsEndpoint::Callbacks make_callbacks(Takes takes) {
    controlplane::DtlsEndpoint::Callbacks callbacks;
    callbacks.send = [this](const proto::Endpoint& to, proto::Bytes bytes) {
      sent.emplace_back(to, Datagram(bytes.begin(), bytes.end()));
    };
    callbacks.secured = [this](const controlplane::DtlsSecured& outcome, std::uint64_t) { secured = outcome; };
    callbacks.failed = [this](const std::string& reason, std::uint64_t) { failure = reason; };
    if (takes.media) {
      callbacks.media = [this](proto::Bytes packet) { media.emplace_back(packet.begin(), packet.end()); };
    }
    if (!takes.renegotiations) return callbacks;
    callbacks.renegotiated = [this](const controlplane::DtlsSecured& outcome, std::uint64_t) {
      renegotiated.push_back(outcome);
    };
    callbacks.given_up = [this](const std::string& reason, std::uint64_t) { given_up.push_back(reason); };
    return callbacks;
  }

  std::vector<Datagram> through(bool to_endpoint, Datagram datagram) {
    std::size_t& number = to_endpoint ? to_endpoint_ : to_peer_;
    if (!wire) return {std::move(datagram)};
    return wire(to_endpoint, number++, std::move(datagram));
  }

  std::size_t to_endpoint_ = 0;
  std::size_t to_peer_ = 0;
};

}  // namespace weir::tests
