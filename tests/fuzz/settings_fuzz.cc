// Any text is either settings or mistakes; settings without mistakes hold what the rest of Weir relies on.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proto/assert.h"
#include "proto/limits.h"
#include "proto/settings/settings.h"
#include "proto/settings/users.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::proto;
  settings::read_users({reinterpret_cast<const char*>(data), size}, {});
  const settings::Reading reading = settings::read_settings({reinterpret_cast<const char*>(data), size});
  settings::to_string("file", reading.mistakes);
  if (!reading.mistakes.empty()) return 0;
  WEIR_ASSERT(!reading.settings.networks.empty() && reading.settings.networks.size() <= kNetworksMax);
  for (const settings::NetworkSettings& network : reading.settings.networks) {
    WEIR_ASSERT(network.port_first % 2 == 0 && network.port_last % 2 == 1 && network.port_first < network.port_last);
    WEIR_ASSERT(network.address.family == Family::kIpv4 && network.prefix_bits >= 1 && network.prefix_bits <= 30);
  }
  return 0;
}
