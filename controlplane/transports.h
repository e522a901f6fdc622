// SIP's transports: every listener of every realm, UDP, TCP, TLS and WebSocket, and the connections. Bytes to messages
// and back. RFC 3261 section 18, RFC 3581 (rport), RFC 5923 (reuse). One thread, the shard's.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "controlplane/connection_table.h"
#include "controlplane/datagram_batch.h"
#include "controlplane/dns_cache.h"
#include "controlplane/flow_heirs.h"
#include "controlplane/handshake_limits.h"
#include "controlplane/locator.h"
#include "controlplane/overload.h"
#include "controlplane/page_files.h"
#include "controlplane/path.h"
#include "controlplane/places.h"
#include "controlplane/refused_streams.h"
#include "controlplane/source.h"
#include "controlplane/tls_realm.h"
#include "controlplane/web_cookie.h"
#include "proto/result.h"
#include "proto/settings/settings.h"
#include "sip/framer.h"
#include "sip/parse.h"
#include "sip/transaction_layer.h"

namespace weir::controlplane {

class ByteStream;
class Connection;
class StreamListener;
class UdpListener;
class WebSocket;

/// What the transports read.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  /// A datagram, before it is parsed. True: it has been dealt with.
  virtual bool on_datagram(std::string_view /*bytes*/, const sip::Hop& /*source*/, const Waited& /*waited*/) {
    return false;
  }
  /// The Via of a request has its source written down.
  virtual void on_message(sip::Message message, const sip::Hop& source) = 0;
  /// Bytes that are no message, but can be answered: `error.fragment` is enough for make_response.
  virtual void on_malformed(const sip::ParseError& error, const sip::Hop& source) = 0;
  /// Messages queued for this hop were lost, or its connection, one of ours, broke and answers will not come over it.
  virtual void on_transport_error(const sip::Hop& hop) = 0;
  /// A WebSocket has ended: who is behind it cannot be reached until they come again (RFC 7118 section 5).
  virtual void on_flow_gone(const sip::Hop& /*hop*/) {}
};

struct TransportCounters {
  std::uint64_t messages_in = 0;  ///< parsed
  std::uint64_t messages_out = 0;
  std::uint64_t malformed = 0;              ///< answered or not
  std::uint64_t send_failed = 0;            ///< datagrams the kernel did not take, connections that were gone
  std::uint64_t connections_refused = 0;    ///< accepted and closed at once: beyond [limits]
  std::uint64_t connections_mute = 0;       ///< closed: no whole message in the time of [limits]
  std::uint64_t connections_broken = 0;     ///< ours: not to be had, not who they should be, reset, or silent
  std::uint64_t tls_handshakes = 0;         ///< accepted and done
  std::uint64_t websockets = 0;             ///< upgrades that were granted
  std::uint64_t websockets_refused = 0;     ///< and that were not: a foreign page, no "sip", or no upgrade at all
  std::uint64_t page_requests = 0;          ///< answered where there is a page, whatever with
  std::uint64_t tls_handshakes_failed = 0;  ///< accepted and not done: nonsense, no certificate, too late
};

/// Bytes waiting in all connections together, for peers that read slowly; what is more is not taken: a crowd of them
/// has no more of the memory than this.
inline constexpr std::size_t kQueuedBytesMax = 64 << 20;

/// How a connection ends.
enum class ConnectionEnd : std::uint8_t { kOrderly, kBroken };

class Transports : public PathFinder, public sip::MessageSender {
 public:
  /// `settings` and `sink` outlive the transports. `resolver`: who asks the DNS; null: the one that [dns] describes.
  Transports(boost::asio::io_context& io, const proto::settings::Settings& settings, MessageSink& sink,
             std::unique_ptr<Resolver> resolver = nullptr);
  Transports(const Transports&) = delete;
  Transports& operator=(const Transports&) = delete;
  ~Transports() override;

  /// Loads the certificates and pages, binds every listener and starts to read. Errors: an address that is not ours or
  /// is in use, a certificate or key that cannot be used, a page that cannot be read.
  proto::Status listen();

  /// Other certificates, as load_tls_realms gives them. Connections that are there go on with what they began with.
  void use(TlsRealms certificates) { tls_ = std::move(certificates); }
  /// Other pages, as load_realm_pages gives them; likewise.
  void use(RealmPages pages) { pages_ = std::move(pages); }
  /// Other keys of cookies, as load_realm_cookies gives them; likewise.
  void use(RealmCookies cookies) { cookies_ = std::move(cookies); }

  /// Datagrams that the kernel has dropped because nobody read them in time, new INVITEs under overload among them.
  [[nodiscard]] std::uint64_t datagrams_dropped() const;

  // PathFinder
  void locate(std::uint32_t realm, const sip::Uri& uri, Located found) override;
  [[nodiscard]] std::optional<Path> stream_instead(const Path& way) override;
  [[nodiscard]] std::optional<Path> arrival(const sip::Hop& hop) const override;
  [[nodiscard]] std::optional<Path> heir(const sip::Hop& hop) const override;
  [[nodiscard]] std::optional<Path> left(std::uint32_t realm, proto::settings::SipTransport transport,
                                         const sip::Hop& hop) const override;
  [[nodiscard]] std::optional<Path> towards(std::uint32_t realm, const sip::Uri& uri, const Path* like) override;

  // sip::MessageSender
  bool send(const sip::Hop& hop, std::string_view bytes) override;

  /// Who was at the connection `gone` has proved to be at `now`: what is for there goes here from now on, if the realm
  /// and the transport are the same.
  void succeed(const sip::Hop& gone, const sip::Hop& now) { heirs_.add(gone.handle, now); }

  /// Whom the certificate of a TLS connection's peer proves it to be; nullptr: it has shown none, or it is no TLS.
  [[nodiscard]] const TlsIdentity* peer(const sip::Hop& hop) const;
  /// Whom the cookie of a WebSocket's upgrade has vouched for (RFC 7118 appendix A); nullptr: nobody.
  [[nodiscard]] const Vouched* vouched(const sip::Hop& hop) const;
  /// Not loopback, unspecified, multicast, broadcast, and none of our own addresses.
  [[nodiscard]] bool may_be_sent_to(const proto::Endpoint& endpoint) const { return places_.may_be_sent_to(endpoint); }

  [[nodiscard]] const TransportCounters& counters() const { return counters_; }
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  friend class Connection;
  friend class StreamListener;
  friend class UdpListener;

  proto::Status listen_at(std::size_t place);
  [[nodiscard]] std::vector<Exit> exits_of(std::uint32_t realm) const;
  std::optional<Path> path_to(std::uint32_t realm, const ServerAddress& server, const std::string& host);
  std::vector<Path> paths_to(std::uint32_t realm, const std::vector<ServerAddress>& servers, const std::string& host);
  [[nodiscard]] std::optional<Path> alias_of(std::uint32_t realm, const sip::Uri& uri) const;

  // From listeners.
  void on_accepted(std::shared_ptr<Connection> connection);
  [[nodiscard]] std::uint64_t next_handle() { return ++connection_last_; }

  // From connections (and UDP): what they have to tell.
  void on_opening() { connections_.count_open(); }
  void on_queued(std::size_t bytes) { queued_bytes_ += bytes; }
  void on_unqueued(std::size_t bytes) { queued_bytes_ -= bytes; }
  void on_open(const Connection& connection);
  void on_datagram(std::string_view bytes, const sip::Hop& source, const Waited& waited);
  /// A whole message, or a datagram; `connection`: the stream it came over.
  void on_bytes(std::string_view bytes, const sip::Hop& source, const Connection* connection = nullptr);
  /// A frame of kind kError: its stream ends after this.
  void on_broken_frame(const sip::Frame& frame, const sip::Hop& source);
  void on_mute() { ++counters_.connections_mute; }
  void on_upgrade(const Connection& connection, std::string_view refusal);
  void on_page_request() { ++counters_.page_requests; }
  /// Closes it: the transports forget it.
  void on_closing(Connection& connection, ConnectionEnd end, bool lost_messages, std::string_view reason);

  // From connections: what they need.
  [[nodiscard]] bool may_open() const { return connections_.may_open(); }
  [[nodiscard]] bool may_queue(std::size_t bytes) const { return queued_bytes_ + bytes <= kQueuedBytesMax; }
  [[nodiscard]] const proto::Endpoint& local_of(const Way& way) const { return places_[way.place].local; }
  std::unique_ptr<ByteStream> make_stream(int socket, const Way& way, bool accepted) const;
  /// Null if the place has none.
  std::unique_ptr<WebSocket> make_websocket(const Way& way);
  [[nodiscard]] std::size_t place_chosen(const Way& way, std::size_t candidate) const;
  [[nodiscard]] std::chrono::milliseconds handshake_time() const;
  [[nodiscard]] std::chrono::milliseconds first_message_time() const;
  [[nodiscard]] std::chrono::milliseconds keepalive_time() const;
  [[nodiscard]] std::chrono::milliseconds websocket_ping_time(const Way& way) const;
  /// How long a connection may be without a byte in either direction: a minute more than its phone was told to be
  /// silent at most (Flow-Timer, RFC 5626 section 4.4).
  [[nodiscard]] std::chrono::milliseconds idle_time(const Way& way) const;
  [[nodiscard]] std::chrono::milliseconds flow_timer_of(const Way& way) const;
  /// One for all connections: what is read into it is taken out before anything else happens.
  [[nodiscard]] std::span<char> read_buffer() { return read_buffer_; }
  /// One for all UDP sockets, in the same way.
  [[nodiscard]] DatagramBatch& batch() { return batch_; }

  [[nodiscard]] bool is_tls(std::size_t place) const { return proto::settings::is_secured(places_[place].transport); }
  [[nodiscard]] bool is_websocket(std::size_t place) const {
    return proto::settings::is_websocket(places_[place].transport);
  }
  void take_alias(const sip::Message& request, const Connection& connection);
  void end_handshake(const Connection& connection, bool done);
  void report(const Connection& connection, ConnectionEnd end, std::string_view reason);

  boost::asio::io_context& io_;
  const proto::settings::Settings& settings_;
  MessageSink& sink_;
  TransportCounters counters_;
  const Places places_;
  TlsRealms tls_;
  RealmPages pages_;
  RealmCookies cookies_;
  std::vector<std::unique_ptr<UdpListener>> udp_;         ///< by place, a UDP hop's handle; else null
  std::vector<std::unique_ptr<StreamListener>> streams_;  ///< by place; null where it is UDP, or shares a listener
  boost::asio::io_context websocket_work_{1};             ///< outlives the WebSockets
  ConnectionTable connections_;
  FlowHeirs heirs_;
  std::size_t queued_bytes_ = 0;  ///< of all connections
  HandshakeLimits handshakes_;
  RefusedStreams refused_streams_;
  std::unique_ptr<Resolver> resolver_;
  std::optional<DnsCache> dns_;
  std::optional<KnownAnswers> known_answers_;
  RateLimit failure_lines_;  ///< of accepted handshakes, in the log
  std::uint64_t connection_last_;
  std::array<char, 16'384> read_buffer_;
  DatagramBatch batch_;
};

}  // namespace weir::controlplane
