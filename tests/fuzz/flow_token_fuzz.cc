// Any user is a flow token that was made here, or none; any flow's token names it again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "controlplane/flow_token.h"
#include "proto/assert.h"
#include "proto/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  static const controlplane::FlowTokens tokens({1, 2, 3});
  WEIR_ASSERT(!tokens.read({reinterpret_cast<const char*>(data), size}));  // nobody guesses 128 bits
  if (size < 26) return 0;
  sip::Hop flow{
      proto::load_be64(data), {}, data[8] % 2 == 0 ? sip::Reliability::kReliable : sip::Reliability::kUnreliable};
  flow.remote.address.family = data[9] % 2 == 0 ? proto::Family::kIpv4 : proto::Family::kIpv6;
  std::copy_n(data + 10, 16, flow.remote.address.bytes.begin());
  WEIR_ASSERT(tokens.read(tokens.make(flow)) == flow);
  return 0;
}
