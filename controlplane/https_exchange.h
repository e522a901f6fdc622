// One GET at one HTTPS URL, over a connection of its own: its host's addresses, TCP, TLS, the question and the answer.
// RFC 9112, RFC 9110 section 4.3.4 (whose certificate it has to be), RFC 9525.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/address_policy.h"
#include "controlplane/https_url.h"
#include "controlplane/resolver.h"
#include "controlplane/seats.h"
#include "controlplane/source.h"

namespace weir::controlplane {

/// What all exchanges of a fetcher share; it outlives them.
struct HttpsMeans {
  boost::asio::io_context& io;
  Resolver& resolver;
  boost::asio::ssl::context context;  ///< whom to believe
  AddressPolicy policy;
  Seats<Source> addresses;      ///< connections to each
  std::size_t per_address_max;  ///< of them
  std::size_t body_bytes_max;
};

class HttpsExchange : public std::enable_shared_from_this<HttpsExchange> {
 public:
  /// Of the answer's head.
  static constexpr std::size_t kHeadBytesMax = 8192;
  /// A connection that takes longer is given up for the next address.
  static constexpr std::uint32_t kConnectMs = 1000;
  /// Of one host that are tried, in each family.
  static constexpr std::size_t kAddressesMax = 4;

  using Response = boost::beast::http::response<boost::beast::http::string_body>;
  /// The answer, whole if its status is 200, of others the head; or why there is none.
  using Done = std::function<void(proto::Result<Response>)>;

  /// `means` outlives the exchange.
  HttpsExchange(HttpsMeans& means, HttpsUrl url)
      : means_(means), url_(std::move(url)), socket_(means.io), connect_timer_(means.io) {}

  /// `done` is called once, later, unless stop() comes before. The exchange lives as long as something of it is under
  /// way; it has no deadline of its own.
  void start(Done done);
  void stop();

  /// It failed at least in part for our own want of room.
  [[nodiscard]] bool lacked_room() const { return lacked_room_; }
  /// What is being waited for, for people: "the DNS".
  [[nodiscard]] const char* stage() const { return stage_; }

 private:
  using tcp = boost::asio::ip::tcp;

  void look_up(DnsType type);
  void on_addresses(DnsType type, const DnsAnswer& answer);
  void try_next();
  bool may_connect(const proto::IpAddress& address);
  void connect(const proto::IpAddress& address);
  void limit_connecting();
  void shake_hands();
  [[nodiscard]] bool expect_host(SSL* ssl) const;
  void ask();
  void read_head();
  void read_body();
  void finish(proto::Result<Response> result);
  void fail(std::string reason) { finish(proto::Error{std::move(reason)}); }

  HttpsMeans& means_;
  HttpsUrl url_;
  Done done_;  ///< empty: it is over
  const char* stage_ = "its turn";
  DnsType asked_ = DnsType::kA;
  std::vector<proto::IpAddress> candidates_;
  std::string failure_;  ///< of the last address that was no good
  bool lacked_room_ = false;
  std::optional<Seats<Source>::Seat> seat_;
  tcp::socket socket_;
  boost::asio::steady_timer connect_timer_;
  std::optional<boost::asio::ssl::stream<tcp::socket>> stream_;
  boost::beast::http::request<boost::beast::http::empty_body> request_;
  boost::beast::flat_buffer buffer_{2 * kHeadBytesMax};
  boost::beast::http::response_parser<boost::beast::http::string_body> parser_;
};

}  // namespace weir::controlplane
