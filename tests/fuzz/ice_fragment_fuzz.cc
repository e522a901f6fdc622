// Any bytes are a fragment of sections that have credentials each and candidates within bounds, or refused with 400;
// and what is read can be added to itself and changes nothing but what is out of room.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "proto/assert.h"
#include "sip/ice_fragment.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::sip;
  const auto read = read_ice_fragment({reinterpret_cast<const char*>(data), size});
  if (const auto* refusal = std::get_if<SdpRefusal>(&read)) {
    WEIR_ASSERT(refusal->status == 400 && !refusal->reason.empty());
    return 0;
  }
  RemoteIce sum;
  for (const IceFragment& one : std::get<std::vector<IceFragment>>(read)) {
    WEIR_ASSERT(one.ice.credentials.ufrag.size() >= kIceUfragBytesMin);
    WEIR_ASSERT(one.ice.candidates.size() <= kIceCandidatesMax);
    RemoteIce again = one.ice;
    WEIR_ASSERT(add_trickled(again, one.ice) && again == one.ice);
    if (sum.credentials.ufrag.empty()) sum.credentials = one.ice.credentials;
    WEIR_ASSERT(add_trickled(sum, one.ice) == (sum.credentials == one.ice.credentials));
    WEIR_ASSERT(sum.candidates.size() <= kIceCandidatesMax);
  }
  return 0;
}
