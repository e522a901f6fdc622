// Fragments from any bytes: a status line that was read is written so that it reads the same again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/assert.h"
#include "sip/sipfrag.h"
#include "sip/status.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::sip;
  const std::string_view body{reinterpret_cast<const char*>(data), size};
  const std::optional<StatusLine> line = parse_sipfrag(body);
  if (!line) return 0;
  WEIR_ASSERT(line->status >= 100 && line->status <= 699 && line->reason.find_first_of("\r\n") == body.npos);
  const std::string written = write_sipfrag(line->status, line->reason);
  const std::optional<StatusLine> again = parse_sipfrag(written);
  WEIR_ASSERT(again && again->status == line->status);
  if (line->reason.empty()) {
    WEIR_ASSERT(again->reason == reason_phrase(line->status));
  } else {
    WEIR_ASSERT(again->reason.size() == line->reason.size());
    WEIR_ASSERT(write_sipfrag(again->status, again->reason) == written);
  }
  return 0;
}
