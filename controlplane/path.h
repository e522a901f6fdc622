// Paths: the ways SIP messages take in and out of a realm. Calls ask for them; transports give them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "proto/inet.h"
#include "proto/settings/settings.h"
#include "sip/hop.h"
#include "sip/uri.h"

namespace weir::controlplane {

/// One way to a neighbour: a value.
struct Path {
  sip::Hop hop;             ///< where messages go, or came from
  std::uint32_t realm = 0;  ///< index in Settings::realms
  proto::settings::SipTransport transport = proto::settings::SipTransport::kUdp;
  proto::Endpoint local;  ///< our listener's address: what Via and Contact say
  /// It is UDP because nobody named a transport, neither the URI nor the DNS: see PathFinder::stream_instead.
  bool transport_by_default = false;
  /// A connection that the peer has made: once it is gone, nobody but the peer makes another.
  bool of_peer = false;
};

/// Knows listeners and connections. Owned by the transports.
class PathFinder {
 public:
  virtual ~PathFinder() = default;

  /// How a message that came from `hop` reached us; nullopt if that connection is gone.
  [[nodiscard]] virtual std::optional<Path> arrival(const sip::Hop& hop) const = 0;

  using Located = std::function<void(std::vector<Path>)>;
  /// Every way to what a URI names, in the order to be tried (RFC 3263: NAPTR, SRV with weights, A and AAAA). `found`
  /// is called exactly once, unless the transports go before: at once for an IP address and for what is known already,
  /// else from the event loop. Empty: there is nothing, or nothing that towards() would lead to.
  virtual void locate(std::uint32_t realm, const sip::Uri& uri, Located found) {
    const std::optional<Path> way = towards(realm, uri);
    found(way ? std::vector<Path>{*way} : std::vector<Path>{});
  }

  /// The connection by which the party at `hop` came back, of the same realm and transport: it has proved since that it
  /// is who it was (FlowHeirs). nullopt: it has not, or that one is gone too.
  [[nodiscard]] virtual std::optional<Path> heir(const sip::Hop& hop) const {
    (void)hop;
    return std::nullopt;
  }

  /// The way by which a party was there in an earlier process: its connection, which is none of this process's, stands
  /// for it until it comes back by another. nullopt: the realm listens for no such transport any more.
  [[nodiscard]] virtual std::optional<Path> left(std::uint32_t realm, proto::settings::SipTransport transport,
                                                 const sip::Hop& hop) const {
    (void)realm, (void)transport, (void)hop;
    return std::nullopt;
  }

  /// The first way out of a realm to what a SIP or SIPS URI names, by what is known without asking anybody: addresses,
  /// connections, answers of the DNS that are still good. Its transport is what the URI or the DNS says, or that of
  /// `like`, or UDP; TLS for sips. nullopt if there is nothing, if it is an address that nothing may be sent to
  /// (unspecified, loopback, multicast, broadcast, one of our own), or if the realm has no listener of that transport
  /// and family. A connection is opened when the first message is sent.
  [[nodiscard]] virtual std::optional<Path> towards(std::uint32_t realm, const sip::Uri& uri,
                                                    const Path* like = nullptr) = 0;

  /// RFC 3261 section 18.1.1: a request of more than sip::kDatagramRequestBytesMax goes by TCP, and its Via says so,
  /// where UDP was only the default. nullopt: `way` is the way to go, whatever the size. If a request fails by the way
  /// given here (TransactionFailure::kTransportError), it goes by `way` after all; the transports remember for a while.
  [[nodiscard]] virtual std::optional<Path> stream_instead(const Path& way) {
    (void)way;
    return std::nullopt;
  }
};

}  // namespace weir::controlplane
