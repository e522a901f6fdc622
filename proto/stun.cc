#include "proto/stun.h"

#include <algorithm>

namespace weir::proto {

std::optional<StunView> parse_stun(Bytes datagram) {
  if (datagram.size() < kStunHeaderBytes || (datagram[0] & 0xc0) != 0) return std::nullopt;
  const std::size_t length = load_be16(datagram.data() + 2);
  if (length % 4 != 0 || datagram.size() != kStunHeaderBytes + length) return std::nullopt;
  if (load_be32(datagram.data() + 4) != kStunMagicCookie) return std::nullopt;
  StunView view{
      .type = load_be16(datagram.data()), .transaction_id = {}, .attributes = datagram.subspan(kStunHeaderBytes)};
  std::copy_n(datagram.begin() + 8, view.transaction_id.size(), view.transaction_id.begin());
  return view;
}

}  // namespace weir::proto
