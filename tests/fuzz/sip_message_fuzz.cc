// Any datagram is a message, an error that can be answered, or silence; what was read is written so that it reads the
// same again, and answers to it parse.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/assert.h"
#include "sip/parse.h"
#include "sip/trust.h"
#include "sip/write.h"

namespace weir::sip {
namespace {

/// Spaces after colons and a longer To can push a message over a limit that it was under.
bool near_a_limit(std::string_view text) {
  return text.size() > kHeaderLineBytesMax / 2;
}

void ask_everything(const Message& message) {
  for (std::size_t i = 0; i < message.header_count(); ++i) {
    const HeaderView header = message.header_at(i);
    WEIR_ASSERT(message.header(header.name).has_value());
    WEIR_ASSERT(header.value.find_first_of("\r\n") == std::string_view::npos);
    static_cast<void>(message.values(header.id));
    static_cast<void>(message.name_addrs(header.id));
    static_cast<void>(message.number(header.id));
  }
  WEIR_ASSERT(message.from() && message.to() && message.cseq() && message.top_via() && !message.call_id().empty());
  WEIR_ASSERT(message.vias().size() == message.values(HeaderId::kVia).size());
  WEIR_ASSERT(message.to()->tag() == message.to_tag());
  WEIR_ASSERT(!message.is_request() || message.request_uri());
  if (!message.has(HeaderId::kContact) || message.contact_is_star()) return;
  WEIR_ASSERT(message.name_addrs(HeaderId::kContact).size() == message.values(HeaderId::kContact).size());
}

void round_trip(const Message& message) {
  const std::string written = write(message);
  const ParseResult again = parse_message(written);
  WEIR_ASSERT(again.ok() && write(again.message()) == written);
  WEIR_ASSERT(again.message().body() == message.body());
  WEIR_ASSERT(again.message().cseq() == message.cseq() && again.message().to_tag() == message.to_tag());
}

void answer(const Message& request) {
  const Message response = make_response(request, 486, "", "weir");
  const ParseResult parsed = parse_message(write(response));
  WEIR_ASSERT(parsed.ok() && parsed.message().status() == 486 && !parsed.message().to_tag().empty());
}

void change(Message message) {
  Via via = *message.top_via();
  via.set_source("198.18.0.1", 5060);
  const std::size_t vias = message.vias().size();
  message.set_top_via(via);
  WEIR_ASSERT(message.vias().size() == vias && message.top_via()->parameters == via.parameters);
  message.remove_top_via();
  WEIR_ASSERT(message.vias().size() == vias - 1);
  message.set_body(message.call_id(), message.header_at(0).value);
  WEIR_ASSERT(message.body() == message.call_id());
}

void strip(Message message) {
  remove_trust_headers(message);
  for (std::size_t i = 0; i < message.header_count(); ++i) WEIR_ASSERT(!is_trust_header(message.header_at(i).name));
  WEIR_ASSERT(parse_message(write(message)).ok());
}

}  // namespace
}  // namespace weir::sip

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::sip;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const ParseResult result = parse_message(bytes);
  if (!result.ok()) {
    WEIR_ASSERT(!result.error().reason.empty());
    if (result.error().silent()) return 0;
    const Message response = make_response(result.error().fragment, result.error().status, result.error().reason, "t");
    WEIR_ASSERT(response.top_via() && !write(response).empty());
    return 0;
  }
  ask_everything(result.message());
  if (near_a_limit(bytes)) return 0;
  round_trip(result.message());
  if (result.message().is_request()) answer(result.message());
  change(result.message());
  strip(result.message());
  return 0;
}
