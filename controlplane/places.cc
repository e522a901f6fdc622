#include "controlplane/places.h"

#include "controlplane/own_addresses.h"

namespace weir::controlplane {

namespace settings = proto::settings;
using settings::SipTransport;

Places::Places(const settings::Settings& settings) : settings_(settings) {
  for (std::uint32_t realm = 0; realm < settings.realms.size(); ++realm) {
    for (const settings::ListenerSettings& listener : settings.realms[realm].listeners) {
      places_.push_back({realm, listener.transport, listener.local});
    }
  }
}

std::optional<std::size_t> Places::find(std::uint32_t realm, SipTransport transport, proto::Family family) const {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const Place& place = places_[i];
    if (place.realm == realm && place.transport == transport && place.local.address.family == family) return i;
  }
  return std::nullopt;
}

std::vector<std::size_t> Places::sharing(std::size_t index) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].transport == places_[index].transport && places_[i].local == places_[index].local)
      found.push_back(i);
  }
  return found;
}

bool Places::may_be_sent_to(const proto::Endpoint& endpoint) const {
  return endpoint.port != 0 && proto::is_host(endpoint.address) && !is_ours_or_everybodys(settings_, endpoint.address);
}

std::string_view to_string(SipTransport transport) {
  switch (transport) {
    case SipTransport::kUdp:
      return "udp";
    case SipTransport::kTcp:
      return "tcp";
    case SipTransport::kTls:
      return "tls";
    case SipTransport::kWs:
      return "ws";
    case SipTransport::kWss:
      return "wss";
  }
  return "unknown";
}

std::string_view uri_transport(SipTransport transport) {
  return settings::is_websocket(transport) ? "ws" : to_string(transport);
}

std::string_view via_transport(SipTransport transport) {
  switch (transport) {
    case SipTransport::kUdp:
      return "UDP";
    case SipTransport::kTcp:
      return "TCP";
    case SipTransport::kTls:
      return "TLS";
    case SipTransport::kWs:
      return "WS";
    case SipTransport::kWss:
      return "WSS";
  }
  return "UDP";
}

}  // namespace weir::controlplane
