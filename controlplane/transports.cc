#include "controlplane/transports.h"

#include <algorithm>

#include "controlplane/ares_resolver.h"
#include "controlplane/chance.h"
#include "controlplane/connection.h"
#include "controlplane/log.h"
#include "controlplane/shard_clock.h"
#include "controlplane/stream_listener.h"
#include "controlplane/tls_stream.h"
#include "controlplane/udp_listener.h"
#include "sip/hop.h"

namespace weir::controlplane {

namespace settings = proto::settings;
using settings::SipTransport;

namespace {

/// For a phone that is late with what its flow timer asks for.
constexpr std::chrono::seconds kIdleMargin{60};
/// A scanner is some lines a second, not one for each of its connections.
constexpr std::uint32_t kFailureLinesPerSecond = 5;

/// Above every place, and above every connection of earlier processes on this host, which the call journal names: none
/// of them has made one in each nanosecond.
std::uint64_t first_handle() {
  return (std::uint64_t{1} << 32) + clock_ns();
}

/// RFC 3261 section 18.2.1 and RFC 3581: where a request came from stands in its Via.
void write_source_down(sip::Message& message, const sip::Hop& source) {
  std::optional<sip::Via> via = message.top_via();
  if (!message.is_request() || !via) return;
  via->set_source(proto::to_string(source.remote.address), source.remote.port);
  message.set_top_via(*via);
}

}  // namespace

Transports::Transports(boost::asio::io_context& io, const settings::Settings& settings, MessageSink& sink,
                       std::unique_ptr<Resolver> resolver)
    : io_(io),
      settings_(settings),
      sink_(sink),
      places_(settings),
      connections_(settings.limits),
      handshakes_(settings.limits),
      resolver_(std::move(resolver)),
      connection_last_(first_handle()) {}

Transports::~Transports() = default;

proto::Status Transports::listen() {
  proto::Result<TlsRealms> certificates = load_tls_realms(settings_);
  if (!certificates) return proto::Error{certificates.error()};
  tls_ = std::move(certificates).value();
  proto::Result<RealmPages> pages = load_realm_pages(settings_);
  if (!pages) return proto::Error{"[realm.websocket] page: " + pages.error()};
  pages_ = std::move(pages).value();
  proto::Result<RealmCookies> cookies = load_realm_cookies(settings_);
  if (!cookies) return proto::Error{"[realm.websocket] cookie: " + cookies.error()};
  cookies_ = std::move(cookies).value();
  if (resolver_ == nullptr) {
    auto resolver = AresResolver::create(io_, settings_.dns);
    if (!resolver) return proto::Error{resolver.error()};
    resolver_ = std::move(resolver).value();
  }
  dns_.emplace(*resolver_, settings_.dns, clock_ns);
  known_answers_.emplace(*dns_);
  udp_.resize(places_.size());
  streams_.resize(places_.size());
  for (std::size_t place = 0; place < places_.size(); ++place) {
    if (proto::Status status = listen_at(place); !status) return status;
  }
  return proto::success();
}

proto::Status Transports::listen_at(std::size_t place) {
  if (places_.sharing(place).front() != place) return proto::success();
  if (places_[place].transport == SipTransport::kUdp) {
    udp_[place] = std::make_unique<UdpListener>(*this, io_, place);
    return udp_[place]->listen(places_[place].local);
  }
  streams_[place] = std::make_unique<StreamListener>(*this, io_, place);
  return streams_[place]->listen(places_[place]);
}

std::uint64_t Transports::datagrams_dropped() const {
  std::uint64_t dropped = 0;
  for (const std::unique_ptr<UdpListener>& listener : udp_) dropped += listener != nullptr ? listener->dropped() : 0;
  return dropped;
}

std::optional<Path> Transports::arrival(const sip::Hop& hop) const {
  std::size_t place = hop.handle;
  bool of_peer = false;
  if (hop.reliability == sip::Reliability::kReliable) {
    const auto connection = connections_.find(hop.handle);
    if (connection == nullptr) return std::nullopt;
    place = connection->way().place;
    of_peer = connection->accepted();
  }
  if (place >= places_.size()) return std::nullopt;
  return Path{hop, places_[place].realm, places_[place].transport, places_[place].local, false, of_peer};
}

std::optional<Path> Transports::heir(const sip::Hop& hop) const {
  if (hop.reliability == sip::Reliability::kUnreliable) return std::nullopt;
  const std::optional<sip::Hop> heir = heirs_.find(hop.handle);
  return heir ? arrival(*heir) : std::nullopt;
}

std::optional<Path> Transports::left(std::uint32_t realm, SipTransport transport, const sip::Hop& hop) const {
  const auto place = places_.find(realm, transport, hop.remote.address.family);
  if (!place || hop.reliability == sip::Reliability::kUnreliable) return std::nullopt;
  return Path{hop, realm, transport, places_[*place].local, false, true};
}

void Transports::locate(std::uint32_t realm, const sip::Uri& uri, Located found) {
  if (const std::optional<Path> alias = alias_of(realm, uri)) return found({*alias});
  Locator(*dns_, draw_by_chance)
      .locate(uri, exits_of(realm), [this, realm, host = uri.host, found = std::move(found)](auto servers) {
        found(paths_to(realm, servers, host));
      });
}

std::optional<Path> Transports::towards(std::uint32_t realm, const sip::Uri& uri, const Path* like) {
  if (const std::optional<Path> alias = alias_of(realm, uri)) return alias;
  sip::Uri asked = uri;
  if (like != nullptr && !uri.transport() && uri.scheme == sip::Scheme::kSip) {
    asked.parameters.set("transport", uri_transport(like->transport));
  }
  std::optional<Path> first;
  Locator(*known_answers_, draw_by_chance)
      .locate(asked, exits_of(realm), [&](const std::vector<ServerAddress>& servers) {
        for (const ServerAddress& server : servers) {
          if (!first) first = path_to(realm, server, uri.host);
        }
      });
  return first;
}

std::optional<Path> Transports::stream_instead(const Path& way) {
  if (way.transport != SipTransport::kUdp || !way.transport_by_default) return std::nullopt;
  if (refused_streams_.has(way.hop.remote, clock_ns())) return std::nullopt;
  return path_to(way.realm, {SipTransport::kTcp, way.hop.remote, false}, "");
}

/// RFC 5923: a connection whose peer has proved to be the URI's host.
std::optional<Path> Transports::alias_of(std::uint32_t realm, const sip::Uri& uri) const {
  if (transport_of(uri, SipTransport::kUdp) != SipTransport::kTls) return std::nullopt;
  const auto alias = connections_.find_alias(realm, normal_host(uri.host), uri.port.value_or(sip::kSipsPort));
  return alias == nullptr ? std::nullopt : arrival(alias->hop());
}

std::vector<Exit> Transports::exits_of(std::uint32_t realm) const {
  std::vector<Exit> exits;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].realm == realm) exits.push_back({places_[i].transport, places_[i].local.address.family});
  }
  return exits;
}

std::vector<Path> Transports::paths_to(std::uint32_t realm, const std::vector<ServerAddress>& servers,
                                       const std::string& host) {
  std::vector<Path> paths;
  for (const ServerAddress& server : servers) {
    if (const std::optional<Path> path = path_to(realm, server, host)) paths.push_back(*path);
  }
  return paths;
}

/// `host`: the URI's, who a TLS server must be, however its address was found (RFC 5922 section 7.3).
std::optional<Path> Transports::path_to(std::uint32_t realm, const ServerAddress& server, const std::string& host) {
  const auto place = places_.find(realm, server.transport, server.endpoint.address.family);
  if (!place || !places_.may_be_sent_to(server.endpoint)) return std::nullopt;
  if (server.transport == SipTransport::kUdp) {
    return Path{{*place, server.endpoint, sip::Reliability::kUnreliable},
                realm,
                server.transport,
                places_[*place].local,
                server.transport_by_default};
  }
  const Way way{*place, server.endpoint, server.transport == SipTransport::kTls ? normal_host(host) : ""};
  std::shared_ptr<Connection> connection = connections_.find(way);
  if (connection == nullptr) {
    connection = std::make_shared<Connection>(*this, io_, next_handle(), way);
    connection->await_use();
    connections_.add(connection, true);
  }
  return arrival(connection->hop());
}

bool Transports::send(const sip::Hop& hop, std::string_view bytes) {
  bool sent = false;
  if (hop.reliability == sip::Reliability::kUnreliable) {
    sent = hop.handle < udp_.size() && udp_[hop.handle] != nullptr && udp_[hop.handle]->send(hop.remote, bytes);
  } else if (const auto connection = connections_.find(hop.handle)) {
    sent = connection->send(bytes);
  }
  ++(sent ? counters_.messages_out : counters_.send_failed);
  return sent;
}

const TlsIdentity* Transports::peer(const sip::Hop& hop) const {
  const auto connection = connections_.find(hop.handle);
  return connection == nullptr ? nullptr : connection->peer();
}

const Vouched* Transports::vouched(const sip::Hop& hop) const {
  const auto connection = connections_.find(hop.handle);
  return connection == nullptr ? nullptr : connection->vouched();
}

void Transports::on_datagram(std::string_view bytes, const sip::Hop& source, const Waited& waited) {
  if (!sink_.on_datagram(bytes, source, waited)) on_bytes(bytes, source);
}

void Transports::on_bytes(std::string_view bytes, const sip::Hop& source, const Connection* connection) {
  sip::ParseResult result = sip::parse_message(bytes);
  if (result) {
    ++counters_.messages_in;
    if (connection != nullptr && connection->peer() != nullptr) take_alias(result.message(), *connection);
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

void Transports::on_accepted(std::shared_ptr<Connection> connection) {
  const bool alive = connection->take_remote();
  const Source source = source_of(connection->hop().remote.address);
  const bool tls = is_tls(connection->way().place);
  if (!alive || !connections_.may_accept(source) || (tls && !handshakes_.begin(clock_ns(), source))) {
    counters_.connections_refused += alive ? 1 : 0;
    return connection->close();
  }
  connections_.add(connection, !tls && !is_websocket(connection->way().place));
  connection->start_accepted();
}

void Transports::on_open(const Connection& connection) {
  if (!connection.accepted() || !is_tls(connection.way().place)) return;
  ++counters_.tls_handshakes;
  handshakes_.end(source_of(connection.hop().remote.address));
}

void Transports::on_closing(Connection& connection, ConnectionEnd end, bool lost_messages, std::string_view reason) {
  const sip::Hop hop = connection.hop();
  const bool ours_broke = !connection.accepted() && end == ConnectionEnd::kBroken;
  const bool web = is_websocket(connection.way().place);
  report(connection, end, reason);
  queued_bytes_ -= connection.queue_bytes();
  connection.close();
  connections_.remove(connection);
  if (lost_messages || ours_broke) sink_.on_transport_error(hop);
  if (web) sink_.on_flow_gone(hop);
}

/// `refusal`: empty if it was granted.
void Transports::on_upgrade(const Connection& connection, std::string_view refusal) {
  if (refusal.empty()) return void(++counters_.websockets);
  ++counters_.websockets_refused;
  const std::uint64_t now_ns = clock_ns();
  if (!failure_lines_.has(now_ns, kFailureLinesPerSecond)) return;
  failure_lines_.take(now_ns, kFailureLinesPerSecond);
  log_event(LogLevel::kWarning, "sip",
            {{"event", "WebSocket refused"},
             {"realm", settings_.realms[places_[connection.way().place].realm].name},
             {"peer", proto::to_string(connection.hop().remote)},
             {"reason", refusal}});
}

/// One line for each of ours that fails; of accepted ones, handshakes only, and not all of a flood's.
void Transports::report(const Connection& connection, ConnectionEnd end, std::string_view reason) {
  const bool handshake = connection.accepted() && connection.shaking_hands() && is_tls(connection.way().place);
  if (handshake) {
    ++counters_.tls_handshakes_failed;
    handshakes_.end(source_of(connection.hop().remote.address));
    const std::uint64_t now_ns = clock_ns();
    if (!failure_lines_.has(now_ns, kFailureLinesPerSecond)) return;
    failure_lines_.take(now_ns, kFailureLinesPerSecond);
  } else if (connection.accepted() || end == ConnectionEnd::kOrderly) {
    return;
  } else {
    ++counters_.connections_broken;
    if (connection.connecting()) refused_streams_.note(connection.hop().remote, clock_ns());
  }
  log_event(LogLevel::kWarning, "sip",
            {{"event", handshake ? "TLS handshake failed" : "connection failed"},
             {"realm", settings_.realms[places_[connection.way().place].realm].name},
             {"transport", to_string(places_[connection.way().place].transport)},
             {"peer", proto::to_string(connection.hop().remote)},
             {"reason", reason}});
}

std::unique_ptr<ByteStream> Transports::make_stream(int socket, const Way& way, bool accepted) const {
  if (!is_tls(way.place)) return std::make_unique<PlainStream>(socket);
  if (!accepted) return std::make_unique<TlsStream>(socket, *tls_[places_[way.place].realm], way.name);
  TlsRealms candidates;
  for (const std::size_t place : places_.sharing(way.place)) candidates.push_back(tls_[places_[place].realm]);
  return std::make_unique<TlsStream>(socket, std::move(candidates));
}

std::unique_ptr<WebSocket> Transports::make_websocket(const Way& way) {
  if (!is_websocket(way.place)) return nullptr;
  const Place& place = places_[way.place];
  const settings::RealmWebSocketSettings& rules = settings_.realms[place.realm].websocket;
  const bool shown = settings::shows_page(rules, {place.transport, place.local});
  return std::make_unique<WebSocket>(websocket_work_, rules, shown ? pages_[place.realm] : nullptr,
                                     cookies_[place.realm]);
}

std::size_t Transports::place_chosen(const Way& way, std::size_t candidate) const {
  return places_.sharing(way.place)[candidate];
}

std::chrono::milliseconds Transports::handshake_time() const {
  return std::chrono::milliseconds(settings_.limits.tls_handshake_ms);
}

std::chrono::milliseconds Transports::first_message_time() const {
  return std::chrono::milliseconds(settings_.limits.tcp_first_message_ms);
}

std::chrono::milliseconds Transports::keepalive_time() const {
  return std::chrono::milliseconds(settings_.transport.keepalive_ms);
}

/// Not more rarely than its phone is told to say something: both keep the same way open.
std::chrono::milliseconds Transports::websocket_ping_time(const Way& way) const {
  return std::min(std::chrono::milliseconds(settings_.transport.websocket_ping_ms), flow_timer_of(way));
}

std::chrono::milliseconds Transports::flow_timer_of(const Way& way) const {
  return std::chrono::seconds(settings_.realms[places_[way.place].realm].registrar.flow_timer_s);
}

std::chrono::milliseconds Transports::idle_time(const Way& way) const {
  return flow_timer_of(way) + kIdleMargin;
}

/// RFC 5923 section 5: requests to the name in a Via with `alias` may go back over the connection, once its certificate
/// has proved that the peer is who the Via says. Before that, and without TLS, anybody could take anybody's calls.
void Transports::take_alias(const sip::Message& request, const Connection& connection) {
  const std::optional<sip::Via> via = request.is_request() ? request.top_via() : std::nullopt;
  const TlsIdentity* peer = connection.peer();
  if (!via || !via->parameters.has("alias") || peer == nullptr || !peer->proves(via->host)) return;
  connections_.add_alias(connection, places_[connection.way().place].realm, normal_host(via->host),
                         sip::sent_by_port(*via));
}

}  // namespace weir::controlplane
