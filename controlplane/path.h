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
};

/// Knows listeners and connections. Owned by the transports.
class PathFinder {
 public:
  virtual ~PathFinder() = default;

  /// How a message that came from `hop` reached us; nullopt if that connection is gone.
  [[nodiscard]] virtual std::optional<Path> arrival(const sip::Hop& hop) const = 0;

  using Located = std::function<void(std::vector<Path>)>;
  /// Every way to what a URI names, in the order to be tried.
  virtual void locate(std::uint32_t realm, const sip::Uri& uri, Located found) {
    const std::optional<Path> way = towards(realm, uri);
    found(way ? std::vector<Path>{*way} : std::vector<Path>{});
  }

  /// A way out of a realm to the host of a SIP URI: its transport parameter, or the transport of `like`, or UDP.
  /// nullopt if it is a sips URI, the host is not an IP address, or is one that nothing may be sent to (unspecified,
  /// loopback, multicast, broadcast, one of our own), or the realm has no listener of that transport and family. A
  /// connection is opened when the first message is sent.
  [[nodiscard]] virtual std::optional<Path> towards(std::uint32_t realm, const sip::Uri& uri,
                                                    const Path* like = nullptr) = 0;
};

}  // namespace weir::controlplane
