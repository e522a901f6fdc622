// Multipart bodies from any bytes: the parts lie within the body and in order, and what was cut is written so that it
// is cut the same again. The first line is the content type, the rest the body.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/assert.h"
#include "sip/multipart.h"
#include "sip/text.h"

namespace weir::sip {
namespace {

bool within(std::string_view inner, std::string_view outer) {
  return inner.empty() || (inner.data() >= outer.data() && inner.data() + inner.size() <= outer.data() + outer.size());
}

void cut_again(const std::vector<BodyPart>& parts) {
  // A boundary that stands in none of the parts.
  std::string boundary = "b";
  for (const BodyPart& part : parts) {
    while (part.body.find(boundary) != std::string_view::npos) boundary += boundary.size() < 60 ? 'b' : 'c';
    if (boundary.size() > 70) return;
  }
  const std::string written = write_multipart(parts, boundary);
  const auto again = split_multipart("multipart/mixed;boundary=" + boundary, written);
  WEIR_ASSERT(again && again->size() == parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    WEIR_ASSERT((*again)[i].body == parts[i].body && (*again)[i].content_type == parts[i].content_type);
    WEIR_ASSERT((*again)[i].disposition == parts[i].disposition && (*again)[i].id == parts[i].id);
    WEIR_ASSERT((*again)[i].encoding == parts[i].encoding);
  }
}

}  // namespace
}  // namespace weir::sip

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::sip;
  std::string_view body{reinterpret_cast<const char*>(data), size};
  const std::string_view type = take_until(body, '\n');
  if (const auto parts = split_multipart(type, body)) {
    WEIR_ASSERT(!parts->empty() && parts->size() <= kBodyPartsMax);
    const char* end = body.data();
    for (const BodyPart& part : *parts) {
      WEIR_ASSERT(within(part.body, body));
      if (part.body.empty()) continue;
      WEIR_ASSERT(part.body.data() >= end);
      end = part.body.data() + part.body.size();
    }
    cut_again(*parts);
  }
  Message message = Message::request("INVITE", "sip:a@h");
  message.set_body(body, type);
  WEIR_ASSERT(within(sdp_body(message), message.body()));
  return 0;
}
