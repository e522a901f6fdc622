// Where Weir listens: which realm, transport and address; and what may never be sent to.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "proto/inet.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

/// A listener's place: which realm it serves, where.
struct Place {
  std::uint32_t realm;  ///< index in Settings::realms
  proto::settings::SipTransport transport;
  proto::Endpoint local;
};

/// All of them; a place is known by its index. Constant.
class Places {
 public:
  /// `settings` outlive the places.
  explicit Places(const proto::settings::Settings& settings);

  [[nodiscard]] std::size_t size() const { return places_.size(); }
  [[nodiscard]] const Place& operator[](std::size_t index) const { return places_[index]; }

  /// A realm's first place of that transport and family.
  [[nodiscard]] std::optional<std::size_t> find(std::uint32_t realm, proto::settings::SipTransport transport,
                                                proto::Family family) const;
  /// All with this transport and address, this one included: realms that share a listener.
  [[nodiscard]] std::vector<std::size_t> sharing(std::size_t index) const;

  /// Not loopback, unspecified, multicast, broadcast, and none of our own: a Contact, a route or a DNS record that
  /// names such an address would turn Weir against itself or its host.
  [[nodiscard]] bool may_be_sent_to(const proto::Endpoint& endpoint) const;

 private:
  const proto::settings::Settings& settings_;
  std::vector<Place> places_;
};

/// "udp", "tcp", "tls", "ws", "wss": as the configuration writes it.
std::string_view to_string(proto::settings::SipTransport transport);
/// As URIs write it: "ws" is both WebSocket's (RFC 7118 section 5.2).
std::string_view uri_transport(proto::settings::SipTransport transport);
/// "UDP", "TCP", "TLS", "WS", "WSS": as Via writes it (RFC 3261 section 20.42, RFC 7118 section 5.1).
std::string_view via_transport(proto::settings::SipTransport transport);

}  // namespace weir::controlplane
