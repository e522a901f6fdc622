// A record of the call journal may be damaged: it is legs or none, and legs give a BYE that can be written.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "controlplane/call_record.h"
#include "proto/assert.h"
#include "sip/write.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  const auto legs = controlplane::read_record({reinterpret_cast<const char*>(data), size});
  if (!legs) return 0;
  for (const controlplane::RecordedLeg& leg : *legs) {
    controlplane::recorded_next_hop(leg);
    WEIR_ASSERT(!sip::write(controlplane::make_recorded_bye(leg, sip::Via{}, "restart")).empty());
  }
  return 0;
}
