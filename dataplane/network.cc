#include "dataplane/network.h"

#include <cstring>

namespace weir::dataplane {

std::uint8_t* write_link(std::uint8_t* frame, const Network& network, const proto::MacAddress& to,
                         std::uint16_t ether_type) {
  std::memcpy(frame, to.data(), 6);
  std::memcpy(frame + 6, network.mac.data(), 6);
  std::uint8_t* at = frame + 12;
  if (network.vlan != 0) {
    proto::store_be16(at, proto::kEtherTypeVlan);
    proto::store_be16(at + 2, network.vlan);
    at += proto::kVlanTagBytes;
  }
  proto::store_be16(at, ether_type);
  return at + 2;
}

}  // namespace weir::dataplane
