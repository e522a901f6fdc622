// A record of the call journal may be damaged: it is a call or none, and what is read is written the same.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "controlplane/call_journal.h"
#include "controlplane/kept_call.h"
#include "proto/assert.h"
#include "sip/dialog.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  const auto call = controlplane::read_kept_call({data, size});
  if (!call) return 0;
  for (const controlplane::KeptLeg& leg : call->legs) (void)sip::Dialog::from_record(leg.dialog);
  std::vector<std::uint8_t> again(size);
  WEIR_ASSERT(controlplane::write_kept_call(*call, again) == size);
  return 0;
}
