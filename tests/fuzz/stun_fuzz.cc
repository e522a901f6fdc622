// STUN messages of anyone: what the reader finds lies inside the message, and what the writer makes of it the reader
// finds again.
#include <array>
#include <optional>
#include <vector>

#include "proto/assert.h"
#include "proto/stun.h"

namespace weir::proto {
namespace {

void check_inside(Bytes datagram, const StunAttributes& attributes) {
  const Bytes name = attributes.username;
  WEIR_ASSERT(name.data() == nullptr || (name.data() >= datagram.data() + kStunHeaderBytes &&
                                         name.data() + name.size() <= datagram.data() + datagram.size()));
  WEIR_ASSERT(attributes.unknown_count <= kStunUnknownMax);
  if (attributes.fingerprint_offset != 0) {
    WEIR_ASSERT(attributes.fingerprint_offset + 8 == datagram.size());
    (void)stun_fingerprint_holds(datagram, attributes.fingerprint_offset);
  }
  if (attributes.integrity_offset == 0) return;
  std::vector<std::uint8_t> copy(datagram.begin(), datagram.end());
  const Bytes input = stun_integrity_input(copy, attributes.integrity_offset);
  WEIR_ASSERT(input.size() == attributes.integrity_offset);
  WEIR_ASSERT(load_be16(copy.data() + 2) == input.size() + 24 - kStunHeaderBytes);
}

void check_again(const StunView& message, const StunAttributes& attributes) {
  std::vector<std::uint8_t> room(attributes.username.size() + 256);
  StunWriter writer(room, message.type, message.transaction_id);
  if (attributes.username.data() != nullptr) writer.attribute(StunAttribute::kUsername, attributes.username);
  if (attributes.mapped.address.family != Family::kNone) writer.xor_mapped_address(attributes.mapped);
  if (attributes.error_code != 0) writer.error_code(attributes.error_code, "reason");
  writer.unknown_attributes(std::span(attributes.unknown).first(attributes.unknown_count));
  const std::size_t protected_bytes = writer.begin_integrity().size();
  writer.integrity(std::array<std::uint8_t, kStunIntegrityBytes>{});
  writer.fingerprint();
  const std::optional<StunView> view = parse_stun(writer.message());
  WEIR_ASSERT(view && view->type == message.type && view->transaction_id == message.transaction_id);
  const std::optional<StunAttributes> again = read_stun_attributes(*view);
  WEIR_ASSERT(again && again->mapped == attributes.mapped && again->error_code == attributes.error_code);
  WEIR_ASSERT(again->username.size() == attributes.username.size() && again->integrity_offset == protected_bytes);
  WEIR_ASSERT(stun_fingerprint_holds(writer.message(), again->fingerprint_offset));
}

}  // namespace
}  // namespace weir::proto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::proto;
  if (size < kStunHeaderBytes) {
    WEIR_ASSERT(!parse_stun({data, size}));
    return 0;
  }
  // Past the header's checks, so that mutations reach the attributes.
  std::vector<std::uint8_t> datagram(data, data + (size & ~std::size_t{3}));
  datagram[0] &= 0x3f;
  store_be16(datagram.data() + 2, static_cast<std::uint16_t>(datagram.size() - kStunHeaderBytes));
  store_be32(datagram.data() + 4, kStunMagicCookie);
  const std::optional<StunView> message = parse_stun(datagram);
  if (!message) return 0;  // longer than a length can say
  const std::optional<StunAttributes> attributes = read_stun_attributes(*message);
  if (!attributes) return 0;
  check_inside(datagram, *attributes);
  check_again(*message, *attributes);
  return 0;
}
