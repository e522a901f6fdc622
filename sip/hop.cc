#include "sip/hop.h"

#include "sip/text.h"

namespace weir::sip {

Hop response_hop(const Message& request, const Hop& source) {
  if (source.reliability == Reliability::kReliable) {
    return source;
  }
  Hop hop = source;
  const auto via = request.top_via();
  if (via && !via->wants_rport()) {
    hop.remote.port = sent_by_port(*via);
  }
  return hop;
}

std::uint16_t sent_by_port(const Via& via) {
  if (via.port) {
    return *via.port;
  }
  return equals_without_case(via.transport, "TLS") || equals_without_case(via.transport, "WSS") ? kSipsPort : kSipPort;
}

}  // namespace weir::sip
