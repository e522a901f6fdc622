// From a SIP URI to the addresses its requests go to, in the order to be tried. RFC 3263 section 4.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/resolver.h"
#include "controlplane/srv_order.h"
#include "proto/inet.h"
#include "proto/settings/settings.h"
#include "sip/uri.h"

namespace weir::controlplane {

/// One place to send a request to. A value.
struct ServerAddress {
  proto::settings::SipTransport transport = proto::settings::SipTransport::kUdp;
  proto::Endpoint endpoint;
  /// Neither the URI nor the DNS named the transport: a large request may change it (RFC 3261 section 18.1.1).
  bool transport_by_default = false;

  friend bool operator==(const ServerAddress&, const ServerAddress&) = default;
};

/// A transport and a family that requests can leave by: those of a realm's listeners, best first.
struct Exit {
  proto::settings::SipTransport transport;
  proto::Family family;
};

/// What a URI asks for, by its scheme and its transport parameter; `otherwise` where it asks for nothing. nullopt: what
/// nobody here speaks.
std::optional<proto::settings::SipTransport> transport_of(const sip::Uri& uri, proto::settings::SipTransport otherwise);

/// Stateless but for the searches under way, which the resolver holds.
class Locator {
 public:
  using Found = std::function<void(std::vector<ServerAddress>)>;

  /// Targets of one URI: the servers of a service, and their addresses.
  static constexpr std::size_t kTargetsMax = 16;
  static constexpr std::size_t kServersMax = 8;
  static constexpr std::size_t kServicesMax = 4;

  /// Both outlive the locator.
  Locator(Resolver& resolver, Chance draw) : resolver_(resolver), draw_(std::move(draw)) {}

  /// `found` is called once, at once or later: empty if the URI names nothing that can be reached by `exits`.
  void locate(const sip::Uri& uri, std::vector<Exit> exits, Found found);

 private:
  Resolver& resolver_;
  Chance draw_;
};

}  // namespace weir::controlplane
