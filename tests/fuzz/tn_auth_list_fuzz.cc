// Any bytes are a TNAuthorizationList within its bounds, or refused; a list covers the numbers that it names.
#include <cstddef>
#include <cstdint>

#include "controlplane/identity_chain.h"
#include "controlplane/tn_auth_list.h"
#include "proto/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::controlplane;
  static_cast<void>(IdentityCertificate::read_chain({reinterpret_cast<const char*>(data), size}));
  const auto list = TnAuthList::parse({data, size});
  if (!list) {
    WEIR_ASSERT(!list.error().empty());
    return 0;
  }
  WEIR_ASSERT(list->providers().size() + list->ranges().size() >= 1);
  WEIR_ASSERT(list->providers().size() + list->ranges().size() <= kTnEntriesMax);
  for (const NumberRange& range : list->ranges()) {
    WEIR_ASSERT(!range.first.empty() && range.first.size() <= kTnDigitsMax && range.count >= 1);
    const bool digits = range.first.find_first_of("*#") == std::string::npos;
    WEIR_ASSERT(list->covers(range.first) || (!digits && range.count > 1));
  }
  WEIR_ASSERT(!list->covers(""));
  return 0;
}
