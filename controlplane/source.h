// A source: whom limits hold to account. A host, as far as an address tells.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "proto/inet.h"

namespace weir::controlplane {

/// Family and address, network order; ordered, for maps: the keys are the senders' to choose, and no choice makes an
/// ordered map slow.
using Source = std::pair<proto::Family, std::array<std::uint8_t, 16>>;

/// IPv4: the address. IPv6: its /64, since a host has all of it.
inline Source source_of(const proto::IpAddress& address) {
  Source source{address.family, address.bytes};
  if (address.family == proto::Family::kIpv6) std::fill(source.second.begin() + 8, source.second.end(), 0);
  return source;
}

}  // namespace weir::controlplane
