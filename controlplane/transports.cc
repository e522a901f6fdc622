#include "controlplane/transports.h"

#include <algorithm>

#include "controlplane/log.h"
#include "controlplane/tcp_connection.h"
#include "controlplane/udp_listener.h"
#include "sip/text.h"

namespace weir::controlplane {

namespace settings = proto::settings;
using settings::SipTransport;

namespace {

/// RFC 3261 section 18.2.1 and RFC 3581: where a request came from stands in its Via.
void write_source_down(sip::Message& message, const sip::Hop& source) {
  std::optional<sip::Via> via = message.top_via();
  if (!message.is_request() || !via) return;
  via->set_source(proto::to_string(source.remote.address), source.remote.port);
  message.set_top_via(*via);
}

}  // namespace

Transports::Transports(boost::asio::io_context& io, const settings::Settings& settings, MessageSink& sink)
    : io_(io), settings_(settings), sink_(sink) {}

Transports::~Transports() {
  for (auto& [handle, connection] : connections_) connection->close();
}

proto::Status Transports::listen() {
  for (std::uint32_t realm = 0; realm < settings_.realms.size(); ++realm) {
    for (const settings::ListenerSettings& listener : settings_.realms[realm].listeners) {
      if (proto::Status status = listen_at({realm, listener.transport, listener.local}); !status) return status;
    }
  }
  return proto::success();
}

proto::Status Transports::listen_at(const Place& place) {
  const std::size_t index = places_.size();
  places_.push_back(place);
  udp_.emplace_back();
  tcp_.emplace_back();
  switch (place.transport) {
    case SipTransport::kUdp:
      udp_[index] = std::make_unique<UdpListener>(*this, io_, index);
      return udp_[index]->listen(place.local);
    case SipTransport::kTcp:
      tcp_[index] = std::make_unique<TcpListener>(*this, io_, index);
      return tcp_[index]->listen(place.local);
  }
  return proto::Error{"unknown transport"};
}

std::optional<Path> Transports::arrival(const sip::Hop& hop) const {
  std::size_t place = hop.handle;
  if (hop.reliability == sip::Reliability::kReliable) {
    const auto connection = connections_.find(hop.handle);
    if (connection == connections_.end()) return std::nullopt;
    place = connection->second->place();
  }
  if (place >= places_.size()) return std::nullopt;
  return Path{hop, places_[place].realm, places_[place].transport, places_[place].local};
}

std::optional<Path> Transports::towards(std::uint32_t realm, const sip::Uri& uri, const Path* like) {
  if (uri.scheme != sip::Scheme::kSip) return std::nullopt;  // sips wants TLS
  SipTransport transport = like != nullptr ? like->transport : SipTransport::kUdp;
  if (const std::optional<std::string_view> asked = uri.transport()) {
    if (sip::equals_without_case(*asked, "tcp")) {
      transport = SipTransport::kTcp;
    } else if (sip::equals_without_case(*asked, "udp")) {
      transport = SipTransport::kUdp;
    } else {
      return std::nullopt;
    }
  }
  const proto::Result<proto::IpAddress> address = proto::parse_ip_address(uri.host);
  if (!address) return std::nullopt;
  const proto::Endpoint remote{*address, 0, uri.port.value_or(sip::kSipPort)};
  const std::optional<std::size_t> place = place_of(realm, transport, remote.address.family);
  if (!place || !may_be_sent_to(remote)) return std::nullopt;
  sip::Hop hop{*place, remote, sip::Reliability::kUnreliable};
  if (transport == SipTransport::kTcp) {
    const std::optional<sip::Hop> connection = connection_to(*place, remote);
    if (!connection) return std::nullopt;
    hop = *connection;
  }
  return Path{hop, realm, transport, places_[*place].local};
}

std::optional<std::size_t> Transports::place_of(std::uint32_t realm, SipTransport transport,
                                                proto::Family family) const {
  for (std::size_t place = 0; place < places_.size(); ++place) {
    const Place& candidate = places_[place];
    if (candidate.realm == realm && candidate.transport == transport && candidate.local.address.family == family) {
      return place;
    }
  }
  return std::nullopt;
}

/// Not loopback, unspecified, multicast, broadcast, and none of our own: a Contact or a route that names such an
/// address would turn Weir against itself or its host.
bool Transports::may_be_sent_to(const proto::Endpoint& endpoint) const {
  if (endpoint.port == 0) return false;
  if (endpoint.address.family == proto::Family::kIpv4) {
    const std::uint32_t first = endpoint.address.ipv4() >> 24;
    if (first == 0 || first == 127 || first >= 224) return false;
  } else {
    static constexpr std::array<std::uint8_t, 15> kZeros{};
    const auto& bytes = endpoint.address.bytes;
    const bool low = std::equal(kZeros.begin(), kZeros.end(), bytes.begin()) && bytes[15] <= 1;
    if (low || bytes[0] == 0xff) return false;
  }
  const auto ours = [&endpoint](const proto::IpAddress& address) { return address == endpoint.address; };
  return std::none_of(places_.begin(), places_.end(), [&](const Place& place) { return ours(place.local.address); }) &&
         std::none_of(settings_.networks.begin(), settings_.networks.end(),
                      [&](const settings::NetworkSettings& network) { return ours(network.address); });
}

std::optional<sip::Hop> Transports::connection_to(std::size_t place, const proto::Endpoint& remote) {
  for (const auto& [handle, connection] : connections_) {
    if (connection->place() == place && connection->hop().remote == remote) return connection->hop();
  }
  if (connections_.size() - accepted_now_ >= kTcpConnectionsOutMax) return std::nullopt;
  auto connection = std::make_shared<TcpConnection>(*this, io_, next_handle(), place, remote);
  connection->await_use();
  connections_.emplace(connection->hop().handle, connection);
  return connection->hop();
}

bool Transports::send(const sip::Hop& hop, std::string_view bytes) {
  bool sent = false;
  if (hop.reliability == sip::Reliability::kUnreliable) {
    sent = hop.handle < udp_.size() && udp_[hop.handle] != nullptr && udp_[hop.handle]->send(hop.remote, bytes);
  } else if (const auto found = connections_.find(hop.handle); found != connections_.end()) {
    sent = found->second->send(bytes, places_[found->second->place()].local);
  }
  ++(sent ? counters_.messages_out : counters_.send_failed);
  return sent;
}

void Transports::on_bytes(std::string_view bytes, const sip::Hop& source) {
  sip::ParseResult result = sip::parse_message(bytes);
  if (result) {
    ++counters_.messages_in;
    write_source_down(result.message(), source);
    return sink_.on_message(std::move(result.message()), source);
  }
  ++counters_.malformed;
  if (result.error().silent()) return;
  sip::ParseError error = result.error();
  write_source_down(error.fragment, source);
  sink_.on_malformed(error, source);
}

/// Nothing is done with its head, sound as that may be, but to answer it.
void Transports::on_broken_frame(const sip::Frame& frame, const sip::Hop& source) {
  ++counters_.malformed;
  if (frame.status == 0) return;
  sip::ParseResult head = sip::parse_message(frame.bytes);
  if (!head && head.error().silent()) return;
  sip::ParseError error{frame.status, frame.reason, head ? std::move(head.message()) : head.error().fragment};
  if (!error.fragment.is_request() || error.fragment.method() == sip::Method::kAck) return;
  write_source_down(error.fragment, source);
  sink_.on_malformed(error, source);
}

void Transports::on_accepted(std::shared_ptr<TcpConnection> connection) {
  const bool alive = connection->take_remote();
  const Source source = source_of(connection->hop().remote.address);
  if (!alive || !may_be_accepted(source)) {
    counters_.connections_refused += alive ? 1 : 0;
    return connection->close();
  }
  connection->start_accepted(settings_.limits.tcp_first_message_ms);
  ++accepted_[source];
  ++accepted_now_;
  connections_.emplace(connection->hop().handle, std::move(connection));
}

bool Transports::may_be_accepted(const Source& source) const {
  const auto same = accepted_.find(source);
  const std::uint32_t of_source = same == accepted_.end() ? 0 : same->second;
  return accepted_now_ < settings_.limits.tcp_connections_max &&
         of_source < settings_.limits.tcp_connections_per_source_max;
}

void Transports::on_closed(std::uint64_t handle, bool lost_messages) {
  const auto found = connections_.find(handle);
  if (found == connections_.end()) return;
  const sip::Hop hop = found->second->hop();
  if (found->second->accepted()) {
    const auto same = accepted_.find(source_of(hop.remote.address));
    if (--same->second == 0) accepted_.erase(same);
    --accepted_now_;
  }
  connections_.erase(found);
  if (lost_messages) sink_.on_transport_error(hop);
}

}  // namespace weir::controlplane
