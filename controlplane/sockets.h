// Between Weir's addresses and Asio's.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include "proto/inet.h"

namespace weir::controlplane {

/// IPv4 or IPv6; an endpoint without a family becomes 0.0.0.0.
template <typename AsioEndpoint>
AsioEndpoint to_asio(const proto::Endpoint& endpoint) {
  if (endpoint.address.family == proto::Family::kIpv6) {
    return {boost::asio::ip::address_v6(endpoint.address.bytes), endpoint.port};
  }
  return {boost::asio::ip::address_v4(endpoint.address.ipv4()), endpoint.port};
}

template <typename AsioEndpoint>
proto::Endpoint from_asio(const AsioEndpoint& endpoint) {
  proto::Endpoint result;
  result.port = endpoint.port();
  if (endpoint.address().is_v4()) {
    result.address = proto::IpAddress::from_ipv4(endpoint.address().to_v4().to_uint());
  } else {
    result.address.family = proto::Family::kIpv6;
    result.address.bytes = endpoint.address().to_v6().to_bytes();
  }
  return result;
}

/// Opens, binds and listens; IPv6 is that alone.
inline boost::system::error_code listen_at(boost::asio::ip::tcp::acceptor& acceptor, const proto::Endpoint& local) {
  using boost::asio::ip::tcp;
  const auto endpoint = to_asio<tcp::endpoint>(local);
  boost::system::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error && endpoint.address().is_v6()) acceptor.set_option(boost::asio::ip::v6_only(true), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
  return error;
}

}  // namespace weir::controlplane
