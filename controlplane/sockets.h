// Between Weir's addresses and Asio's.
#pragma once

#include <boost/asio/ip/address.hpp>

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

}  // namespace weir::controlplane
