// A stream is cut the same way whatever its chunks, within the bounds that framer.h promises, and the parser agrees
// with the framer about where each message ends.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/assert.h"
#include "sip/framer.h"
#include "sip/parse.h"

namespace weir::sip {
namespace {

using Cut = std::pair<FrameKind, std::string>;

void check_message(std::string_view bytes) {
  const ParseResult result = parse_message(bytes);
  if (!result.ok()) return;
  const std::size_t head_bytes = bytes.find("\r\n\r\n") + 4;
  WEIR_ASSERT(result.message().body() == bytes.substr(head_bytes));
}

std::vector<Cut> cuts(std::string_view stream, std::size_t chunk_bytes) {
  Framer framer;
  std::vector<Cut> all;
  while (!stream.empty()) {
    framer.feed(stream.substr(0, chunk_bytes));
    stream.remove_prefix(std::min(chunk_bytes, stream.size()));
    for (Frame frame = framer.next(); frame.kind != FrameKind::kNone; frame = framer.next()) {
      const bool failed = frame.kind == FrameKind::kError;
      all.emplace_back(frame.kind, failed ? frame.reason : frame.bytes);
      if (failed) return all;
      if (frame.kind == FrameKind::kMessage) check_message(frame.bytes);
    }
    WEIR_ASSERT(framer.pending_bytes() <= kMessageBytesMax);
  }
  return all;
}

}  // namespace
}  // namespace weir::sip

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::sip;
  if (size < 1) return 0;
  const std::string_view stream{reinterpret_cast<const char*>(data) + 1, size - 1};
  const std::size_t chunk_bytes = data[0] + std::size_t{1};
  WEIR_ASSERT(cuts(stream, chunk_bytes) == cuts(stream, stream.size()));
  return 0;
}
