// SIP's transports: every listener of every realm, UDP and TCP, and the connections. Bytes to messages and back.
// RFC 3261 section 18, RFC 3581 (rport). One thread, the shard's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "controlplane/path.h"
#include "controlplane/source.h"
#include "proto/result.h"
#include "proto/settings/settings.h"
#include "sip/framer.h"
#include "sip/parse.h"
#include "sip/transaction_layer.h"

namespace weir::controlplane {

class TcpConnection;
class TcpListener;
class UdpListener;

/// What the transports read.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  /// The Via of a request has its source written down.
  virtual void on_message(sip::Message message, const sip::Hop& source) = 0;
  /// Bytes that are no message, but can be answered: `error.fragment` is enough for make_response.
  virtual void on_malformed(const sip::ParseError& error, const sip::Hop& source) = 0;
  /// Messages queued for this hop were lost.
  virtual void on_transport_error(const sip::Hop& hop) = 0;
};

struct TransportCounters {
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t malformed = 0;            ///< answered or not
  std::uint64_t send_failed = 0;          ///< datagrams the kernel did not take, connections that were gone
  std::uint64_t connections_refused = 0;  ///< accepted and closed at once: beyond [limits]
  std::uint64_t connections_mute = 0;     ///< closed: no whole message in the time of [limits]
};

/// Connections of our own making at once: who fills the room for accepted ones takes none of it.
inline constexpr std::size_t kTcpConnectionsOutMax = 2000;

class Transports : public PathFinder, public sip::MessageSender {
 public:
  /// `settings` and `sink` outlive the transports.
  Transports(boost::asio::io_context& io, const proto::settings::Settings& settings, MessageSink& sink);
  Transports(const Transports&) = delete;
  Transports& operator=(const Transports&) = delete;
  ~Transports() override;

  /// Binds every listener and starts to read. Errors: an address that is not ours or is in use.
  proto::Status listen();

  // PathFinder
  [[nodiscard]] std::optional<Path> arrival(const sip::Hop& hop) const override;
  [[nodiscard]] std::optional<Path> towards(std::uint32_t realm, const sip::Uri& uri, const Path* like) override;

  // sip::MessageSender
  bool send(const sip::Hop& hop, std::string_view bytes) override;

  /// Not loopback, unspecified, multicast, broadcast, and none of our own addresses.
  [[nodiscard]] bool may_be_sent_to(const proto::Endpoint& endpoint) const;

  [[nodiscard]] const TransportCounters& counters() const { return counters_; }
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  friend class TcpConnection;
  friend class TcpListener;
  friend class UdpListener;

  /// A listener's place: which realm it serves, where.
  struct Place {
    std::uint32_t realm;
    proto::settings::SipTransport transport;
    proto::Endpoint local;
  };

  proto::Status listen_at(const Place& place);
  [[nodiscard]] std::optional<std::size_t> place_of(std::uint32_t realm, proto::settings::SipTransport transport,
                                                    proto::Family family) const;
  [[nodiscard]] bool may_be_accepted(const Source& source) const;
  std::optional<sip::Hop> connection_to(std::size_t place, const proto::Endpoint& remote);

  // From listeners and connections.
  void on_bytes(std::string_view bytes, const sip::Hop& source);
  /// A frame of kind kError: its stream ends after this.
  void on_broken_frame(const sip::Frame& frame, const sip::Hop& source);
  void on_accepted(std::shared_ptr<TcpConnection> connection);
  void on_mute() { ++counters_.connections_mute; }
  void on_closed(std::uint64_t handle, bool lost_messages);
  [[nodiscard]] std::uint64_t next_handle() { return ++connection_last_; }

  boost::asio::io_context& io_;
  const proto::settings::Settings& settings_;
  MessageSink& sink_;
  TransportCounters counters_;
  std::vector<Place> places_;                      ///< by listener; its index is a UDP hop's handle
  std::vector<std::unique_ptr<UdpListener>> udp_;  ///< by place; null where it is TCP
  std::vector<std::unique_ptr<TcpListener>> tcp_;  ///< by place; null where it is UDP
  std::map<std::uint64_t, std::shared_ptr<TcpConnection>> connections_;  ///< by handle
  std::map<Source, std::uint32_t> accepted_;                             ///< how many of them each source made
  std::size_t accepted_now_ = 0;                                         ///< all of these
  std::uint64_t connection_last_ = std::uint64_t{1} << 32;               ///< above every place
};

}  // namespace weir::controlplane
