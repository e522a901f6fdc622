// A glance never sees more than the parser: what it would refuse is a new INVITE or no message, and the refusal is the
// one that the long way gives.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proto/assert.h"
#include "sip/early_refusal.h"
#include "sip/parse.h"
#include "sip/write.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::sip;
  const std::string_view datagram(reinterpret_cast<const char*>(data), size);
  const std::optional<EarlyInvite> invite = glance_at_invite(datagram);
  if (!invite) return 0;
  const Hop source{1, {weir::proto::IpAddress::from_ipv4(0xc6120109), 0, 5099}, Reliability::kUnreliable};
  const std::string refusal = write_refusal(*invite, source, "ours");
  WEIR_ASSERT(parse_message(refusal).ok());
  ParseResult parsed = parse_message(datagram);
  if (!parsed.ok()) return 0;
  Message& request = parsed.message();
  WEIR_ASSERT(request.method() == Method::kInvite && request.to_tag().empty());
  WEIR_ASSERT(refusal_hop(*invite, source) == response_hop(request, source));
  Via via = request.top_via().value();
  via.set_source("198.18.1.9", 5099);
  request.set_top_via(via);
  Message response = make_response(request, 503, "", "ours");
  response.add_header(HeaderId::kRetryAfter, kRetryAfterSeconds);
  // The long way keeps the order of the request's headers.
  const Message early = parse_message(refusal).message();
  WEIR_ASSERT(early.header_count() == parse_message(write(response)).message().header_count());
  WEIR_ASSERT(early.values(HeaderId::kVia) == response.values(HeaderId::kVia));
  for (const HeaderId id : {HeaderId::kFrom, HeaderId::kTo, HeaderId::kCallId, HeaderId::kCSeq}) {
    WEIR_ASSERT(early.header(id) == response.header(id));
  }
  return 0;
}
